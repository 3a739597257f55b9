// The front end's half of the xenbus handshake, the same for every class of device:
//
//   SEARCH ─ none ─→ ABSENT (watches device/<class>)
//     │ found              │ something appeared → SEARCH
//   IDENTIFY  reads backend, backend-id; sets a watch on the back end's state
//     │
//   WAIT ──── back end InitWait ─→ OFFER ─────→ PUBLISH ──────────→ CONNECTING ── back end Connected ─→ CONNECTED
//     ↑                            reads what   driver's nodes,                                            │
//     │                            is offered   state = Connected                                          │
//   REOPEN ←── back end Closed ── CLOSED ←─ CLOSE ←─────────────── back end left, or the driver gave it up ─┘
//   state = Initialising                    state = Closed
//
// Everything runs as kernel work and never blocks: each state sends at most one batch and goes on when it is done, when
// the back end's state changes, or when a timer ends. The driver supplies only what differs between classes.
// A back end that misbehaves is closed and tried again after a delay that doubles up to a minute.
// Invariants: one batch is under way at most; from a driver's successful `prepare` to the next `release` it holds its
// rings, grants and event channels, and never otherwise.
import { EACCES, ENOENT } from "../errno";
import { log } from "../log";
import { pageAlloc } from "../memory/pages";
import { TextBuffer, bytesEqual } from "../text";
import { monotonicNow } from "../time/clock";
import { timerCancel, timerInit, timerSet } from "../time/timer";
import { batchInit } from "./batch";
import { ABSENT, CLOSE, CLOSED, CONNECTED, CONNECTING, DOOMED, IDENTIFY, OFFER } from "./frontend_record";
import { ANY_DEVICE, FrontendDriver, FrontendRecord, PUBLISH, REOPEN, SEARCH, WAIT } from "./frontend_record";
import { smallestNumber } from "./listing";
import { XenbusStateClosed, XenbusStateClosing, XenbusStateConnected, XenbusStateInitWait } from "./state";
import { XenbusStateInitialising, XenbusStateUnknown } from "./state";
import { watchIdle, watchStart, watchStop } from "./watch";

const RETRY_FIRST: u64 = 1_000_000_000;
const RETRY_LAST: u64 = 60_000_000_000;
/** A connection that lasted this long was a good one: the next failure is retried soon. */
const GOOD_CONNECTION: u64 = 60_000_000_000;

const BACKEND_PATH_MAX: u32 = 104;
const NO_BACKEND: u32 = 0xffff_ffff;

/** One device of one class; the only interface to it that drivers use is below. */
@unmanaged
@final
export class Frontend extends FrontendRecord {
  /** Begins to look for the device: for number `wanted` of its class, or for any. */
  start(deviceClass: string, driver: FrontendDriver, wanted: u32 = ANY_DEVICE): bool {
    const page = pageAlloc();
    if (page == 0) return false;
    this.deviceClass = changetype<usize>(deviceClass);
    this.driver = driver;
    this.wantedDevice = wanted;
    this.batch = batchInit(page, onBatch.index, changetype<usize>(this));
    timerInit(this.timer(), onTimer.index, changetype<usize>(this));
    this.retryDelay = 0;
    this.search();
    return true;
  }

  /** After a restore: the old back end, grants and event channels are gone; looks for the device again. */
  restored(): void {
    this.giveBack();
    this.restartWanted = true;
    this.proceed();
  }

  /** The back end broke the protocol: closes it, and tries again after a delay. */
  reset(): void {
    const now = monotonicNow();
    const good = this.state == CONNECTED && now - this.connectedAt > GOOD_CONNECTION;
    this.retryDelay = good || this.retryDelay == 0 ? RETRY_FIRST : min(this.retryDelay * 2, RETRY_LAST);
    this.retryAt = now + this.retryDelay;
    this.close();
  }

  private giveBack(): void {
    if (!this.holding) return;
    this.holding = false;
    call_indirect<void>(this.driver.release, this);
  }

  // ---- steps ----

  private setPath(): TextBuffer {
    return this.emptyPath().text("device/").text(this.name());
  }

  private search(): void {
    this.state = SEARCH;
    this.batch.reset();
    this.batch.list(this.setPath(), 512);
    this.batch.submit();
  }

  private absent(): void {
    this.state = ABSENT;
    if (watchIdle(this.classWatch())) {
      watchStart(this.classWatch(), this.setPath(), onWatch.index, changetype<usize>(this));
    }
  }

  private searched(): void {
    const device = smallestNumber(this.batch.reply(0), this.batch.replyLength(0), this.wantedDevice);
    if (device < 0) return this.absent();
    watchStop(this.classWatch());
    this.setPath().byte(0x2f).decimal(device);
    this.state = IDENTIFY;
    this.batch.reset();
    this.batch.read(this.path(), "backend", BACKEND_PATH_MAX);
    this.batch.read(this.path(), "backend-id");
    this.batch.submit();
  }

  private identified(): void {
    const batch = this.batch;
    const length = batch.replyLength(0);
    const domain = batch.number(1, NO_BACKEND);
    if (length == 0 || batch.status(0) > <i32>BACKEND_PATH_MAX || domain > 0x7fef) return this.absent();
    this.backendDomain = <u32>domain;
    const path = this.backendPath();
    const same = path.length == length && bytesEqual(path.address, batch.reply(0), length);
    if (!same) {
      watchStop(this.backendWatch());
      this.emptyBackendPath().bytes(batch.reply(0), length);
    }
    this.watchBackend();
  }

  /** Sets the watch as soon as the one on a former back end is gone. */
  private watchBackend(): void {
    const watch = this.backendWatch();
    if (!watch.wanted) {
      if (!watchIdle(watch)) return; // its end calls onWatch
      const path = this.backendPath();
      const length = path.length;
      path.text("/state");
      const refused = watchStart(watch, path, onWatch.index, changetype<usize>(this));
      path.length = length;
      if (refused != 0) return this.absent();
    } else {
      this.checkWanted = true; // the watch has told already what it had to tell
    }
    this.state = WAIT;
  }

  private check(): void {
    this.checkWanted = false;
    this.checking = true;
    this.batch.reset();
    this.batch.read(this.backendPath(), "state");
    this.batch.read(this.backendPath(), "online");
    this.batch.read(this.path(), "backend", 4);
    this.batch.submit();
  }

  private checked(): void {
    if (this.batch.status(2) == -ENOENT) {
      this.giveBack();
      return this.search();
    }
    const status = this.batch.status(0);
    if (status < 0 && status != -ENOENT && status != -EACCES) return; // no xenstore, no news
    const peer = <u32>this.batch.number(0, XenbusStateUnknown);
    const gone = peer == XenbusStateClosed || peer == XenbusStateUnknown;
    const online = this.batch.number(1, 1) == 1; // 0 while the device is being detached
    if (peer != XenbusStateClosed) this.reopened = false;
    if (this.state == WAIT) {
      if (peer == XenbusStateInitWait) this.offer();
      else if (peer == XenbusStateClosed && online && !this.reopened) this.reopen();
    } else if (this.state == CONNECTING) {
      if (peer == XenbusStateConnected) this.connect();
      else if (gone || peer == XenbusStateClosing) this.close();
    } else if (this.state == CONNECTED) {
      if (peer != XenbusStateConnected) this.close();
    } else if (this.state == CLOSED) {
      if (online && (gone || peer == XenbusStateInitWait)) this.reopen();
    }
  }

  private offer(): void {
    this.state = OFFER;
    this.batch.reset();
    call_indirect<void>(this.driver.offer, this);
    this.batch.submit();
  }

  private offered(): void {
    const result = call_indirect<i32>(this.driver.prepare, this);
    if (result < 0) {
      log(this.name()).text("cannot connect: ").signed(result).end();
      return this.reset();
    }
    this.holding = true;
    this.state = PUBLISH;
    this.batch.reset();
    call_indirect<void>(this.driver.publish, this);
    // xenstored keeps the order of one connection's requests: the state changes last.
    this.batch.write(this.path(), "state", XenbusStateConnected);
    this.batch.submit();
  }

  private published(): void {
    if (this.batch.error() != 0) {
      log(this.name()).text("xenstore refused the connection: ").signed(this.batch.error()).end();
      return this.reset();
    }
    this.state = CONNECTING;
    this.checkWanted = true;
  }

  private connect(): void {
    this.state = CONNECTED;
    this.connectedAt = monotonicNow();
    call_indirect<void>(this.driver.connected, this);
  }

  private close(): void {
    this.giveBack();
    this.checkWanted = false;
    if (this.batch.pending != 0) {
      this.state = DOOMED;
      return;
    }
    this.state = CLOSE;
    this.writeState(XenbusStateClosed);
  }

  private reopen(): void {
    const now = monotonicNow();
    if (this.retryAt > now) return timerSet(this.timer(), this.retryAt);
    this.reopened = true;
    this.state = REOPEN;
    this.writeState(XenbusStateInitialising);
  }

  private writeState(value: u32): void {
    this.batch.reset();
    this.batch.write(this.path(), "state", value);
    this.batch.submit();
  }

  // ---- what moves it ----

  /** The batch under way is done. */
  batchDone(): void {
    const checking = this.checking;
    this.checking = false;
    if (this.restartWanted) return this.proceed();
    if (this.state == DOOMED) return this.close();
    if (checking) this.checked();
    else if (this.state == SEARCH) this.searched();
    else if (this.state == IDENTIFY) this.identified();
    else if (this.state == OFFER) this.offered();
    else if (this.state == PUBLISH) this.published();
    else if (this.state == CLOSE || this.state == REOPEN) this.stateWritten();
    this.proceed();
  }

  private stateWritten(): void {
    this.state = this.state == CLOSE ? CLOSED : WAIT;
    this.checkWanted = true;
  }

  /** Something changed, on either side or in time. */
  changed(): void {
    this.checkWanted = true;
    this.proceed();
  }

  private proceed(): void {
    if (this.batch.pending != 0) return;
    if (this.restartWanted) {
      this.restartWanted = false;
      this.checkWanted = false;
      this.retryAt = 0;
      timerCancel(this.timer());
      return this.search();
    }
    if (this.state == IDENTIFY) this.watchBackend();
    if (!this.checkWanted) return;
    if (this.state == ABSENT) {
      this.checkWanted = false;
      this.search();
    } else if (this.state == WAIT || this.state == CONNECTING || this.state == CONNECTED || this.state == CLOSED) {
      this.check();
    }
  }
}

function onBatch(argument: usize): void {
  changetype<Frontend>(argument).batchDone();
}

function onWatch(argument: usize): void {
  changetype<Frontend>(argument).changed();
}

function onTimer(argument: usize): void {
  changetype<Frontend>(argument).changed();
}
