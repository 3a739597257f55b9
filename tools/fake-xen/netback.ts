// Netback: the other end of netfront, as Linux's driver behaves, on the real rings (xen/include/public/io/netif.h).
// `mischief` hooks let tests play a back end that lies.
import type { Domain } from "./domain.ts";
import { PAGE_SIZE } from "./guest_memory.ts";
import type { Frame, Hub, Station } from "./hub.ts";
import type { Xenstored } from "./xenstored.ts";

const STATE = { INITIALISING: 1, INIT_WAIT: 2, CONNECTED: 4, CLOSING: 5, CLOSED: 6 } as const;
const RING_ENTRIES = 256;
const FIRST_ENTRY = 64;
const TX_SLOT = 12;
const RX_SLOT = 8;
const TX_FLAGS = { CSUM_BLANK: 1, DATA_VALIDATED: 2, MORE: 4, EXTRA: 8 } as const;
const RX_FLAGS = { DATA_VALIDATED: 1, CSUM_BLANK: 2, MORE: 4, EXTRA: 8 } as const;
const EXTRA_GSO = 1;
const EXTRA_FLAG_MORE = 1;
const GSO_TCPV4 = 1;
const RSP_OKAY = 0;
const RSP_ERROR = -1;
const RSP_NULL = 1;
/** How long the back end takes to notice a notification. */
const LATENCY = 5_000;
const QUEUE_LIMIT = 1000;

/** One shared ring, seen from the back. */
class BackRing {
  private readonly view: DataView;
  requestsConsumed = 0;
  responsesProduced = 0;

  constructor(
    page: Uint8Array,
    private readonly slot: number,
  ) {
    this.view = new DataView(page.buffer, page.byteOffset, PAGE_SIZE);
  }

  get requests(): number {
    const ready = (this.view.getUint32(0, true) - this.requestsConsumed) >>> 0;
    if (ready > RING_ENTRIES) throw new Error("the front end's request index is impossible");
    return ready;
  }

  entry(index: number): { readonly view: DataView; readonly at: number } {
    return { view: this.view, at: FIRST_ENTRY + (index & (RING_ENTRIES - 1)) * this.slot };
  }

  /** Asks to be notified of the next request; false when there is one already. */
  finalCheck(): boolean {
    if (this.requests > 0) return false;
    this.view.setUint32(4, (this.requestsConsumed + 1) >>> 0, true);
    return true;
  }

  /** Shows the responses; true when the front end wants to be notified. */
  push(): boolean {
    const before = this.view.getUint32(8, true);
    const after = this.responsesProduced >>> 0;
    this.view.setUint32(8, after, true);
    return (after - this.view.getUint32(12, true)) >>> 0 < (after - before) >>> 0;
  }

  /** Writes the index of responses to any value: a lie. */
  pushTo(index: number): void {
    this.view.setUint32(8, index >>> 0, true);
  }
}

interface Connection {
  readonly tx: BackRing;
  readonly rx: BackRing;
  readonly txRef: number;
  readonly rxRef: number;
  readonly txPort: number;
  readonly rxPort: number;
}

/** What a lying back end does at its next chance. */
export interface Mischief {
  /** Changes a receive response just before it is written. */
  receive?: (response: { id: number; offset: number; flags: number; status: number }) => void;
  /** Changes a transmit response just before it is written. */
  transmit?: (response: { id: number; status: number }) => void;
}

export interface NetbackSettings {
  readonly mac: string;
  readonly device?: number;
  readonly mtu?: number;
  readonly split?: boolean;
  readonly segmentation?: boolean;
  readonly backendDomain?: number;
}

export class Netback implements Station {
  readonly front: string;
  readonly back: string;
  mischief: Mischief = {};
  /** Frames passed to the hub, to the guest, and dropped for want of buffers. */
  readonly counts = { transmitted: 0, received: 0, dropped: 0, notifications: 0 };
  /** How often the front end has connected. */
  connections = 0;
  private connection: Connection | undefined;
  private readonly queue: Frame[] = [];
  private scheduled = false;
  // After a lie about a ring's indices, nothing more happens on that ring.
  private transmitFrozen = false;
  private receiveFrozen = false;
  private unwatch: (() => void) | undefined;

  constructor(
    private readonly store: Xenstored,
    readonly domain: Domain,
    private readonly hub: Hub,
    private readonly settings: NetbackSettings,
  ) {
    const device = settings.device ?? 0;
    this.front = `/local/domain/${domain.id}/device/vif/${device}`;
    this.back = `/local/domain/${this.backendDomain}/backend/vif/${domain.id}/${device}`;
  }

  get backendDomain(): number {
    return this.settings.backendDomain ?? 0;
  }

  get connected(): boolean {
    return this.connection !== undefined;
  }

  // ---- xenbus ----

  /** The toolstack's part: the device's directories. */
  plug(): void {
    const { tree } = this.store;
    const write = (path: string, value: string | number) => tree.write(path, String(value));
    write(`${this.back}/frontend`, this.front);
    write(`${this.back}/frontend-id`, this.domain.id);
    write(`${this.back}/online`, 1);
    write(`${this.back}/state`, STATE.INITIALISING);
    if (this.settings.mtu !== undefined) write(`${this.front}/mtu`, this.settings.mtu);
    write(`${this.front}/backend-id`, this.backendDomain);
    write(`${this.front}/mac`, this.settings.mac);
    write(`${this.front}/state`, STATE.INITIALISING);
    write(`${this.front}/backend`, this.back);
    this.start();
  }

  /** The driver probes the device. */
  start(): void {
    const { tree } = this.store;
    tree.write(`${this.back}/feature-sg`, this.settings.segmentation === false ? "0" : "1");
    tree.write(`${this.back}/feature-gso-tcpv4`, this.settings.segmentation === false ? "0" : "1");
    tree.write(`${this.back}/feature-rx-copy`, "1");
    if (this.settings.split !== false) tree.write(`${this.back}/feature-split-event-channels`, "1");
    this.setState(STATE.INIT_WAIT);
    this.unwatch = this.store.watch(`${this.front}/state`, () => this.frontChanged());
  }

  /** The driver goes away without a word to the guest but its state (unbind, or the back end's domain crashed). */
  kill(): void {
    this.unwatch?.();
    this.unwatch = undefined;
    this.disconnect();
    this.setState(STATE.CLOSED);
  }

  /** xl network-detach: the device goes offline and, once the front end has let go, disappears. */
  unplug(): void {
    this.store.tree.write(`${this.back}/online`, "0");
    this.setState(STATE.CLOSING);
  }

  private setState(state: number): void {
    this.store.tree.write(`${this.back}/state`, String(state));
  }

  private frontNumber(node: string): number | undefined {
    const value = this.store.get(`${this.front}/${node}`);
    return value === undefined ? undefined : Number(value);
  }

  private frontChanged(): void {
    if (this.unwatch === undefined) return;
    const state = this.frontNumber("state");
    const own = Number(this.store.get(`${this.back}/state`));
    if (state === STATE.INITIALISING) {
      if (own === STATE.CLOSED) this.setState(STATE.INIT_WAIT);
    } else if (state === STATE.CONNECTED) {
      if (this.connection === undefined) this.connect();
    } else if (state === STATE.CLOSED || state === STATE.CLOSING || state === undefined) {
      this.disconnect();
      if (own !== STATE.CLOSED) this.setState(STATE.CLOSED);
      if (this.store.get(`${this.back}/online`) === "0") this.removeNodes();
    }
  }

  private removeNodes(): void {
    this.unwatch?.();
    this.unwatch = undefined;
    this.hub.leave(this);
    this.store.tree.remove(this.front);
    this.store.tree.remove(this.back);
  }

  private connect(): void {
    const number = (node: string): number => {
      const value = this.frontNumber(node);
      if (value === undefined) throw new Error(`the front end did not write ${node}`);
      return value;
    };
    const split = this.frontNumber("event-channel-tx") !== undefined && this.settings.split !== false;
    const txPort = number(split ? "event-channel-tx" : "event-channel");
    const rxPort = split ? number("event-channel-rx") : txPort;
    if (number("request-rx-copy") !== 1) throw new Error("the front end does not want copies");
    const txRef = number("tx-ring-ref");
    const rxRef = number("rx-ring-ref");
    const { grants, events } = this.domain;
    this.connection = {
      tx: new BackRing(grants.map(txRef, this.backendDomain), TX_SLOT),
      rx: new BackRing(grants.map(rxRef, this.backendDomain), RX_SLOT),
      ...{ txRef, rxRef, txPort, rxPort },
    };
    for (const port of new Set([txPort, rxPort])) {
      if (!events.bind(port, () => this.schedule())) throw new Error(`event channel ${port} cannot be bound`);
    }
    this.connections += 1;
    this.transmitFrozen = false;
    this.receiveFrozen = false;
    this.hub.join(this);
    this.setState(STATE.CONNECTED);
    this.schedule();
  }

  private disconnect(): void {
    const connection = this.connection;
    if (connection === undefined) return;
    this.connection = undefined;
    this.hub.leave(this);
    this.queue.length = 0;
    this.domain.grants.unmap(connection.txRef);
    this.domain.grants.unmap(connection.rxRef);
    this.domain.events.unbind(connection.txPort);
    this.domain.events.unbind(connection.rxPort);
  }

  /** The guest was suspended and its copy goes on elsewhere: this end is forgotten with everything it held. */
  abandon(): void {
    this.unwatch?.();
    this.unwatch = undefined;
    this.connection = undefined;
    this.hub.leave(this);
  }

  // ---- rings ----

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.store.world.after(LATENCY, () => {
      this.scheduled = false;
      if (this.connection === undefined || this.domain.shutdown !== undefined) return;
      this.counts.notifications += 1;
      if (!this.transmitFrozen) this.serveTransmit(this.connection);
      if (!this.receiveFrozen) this.serveReceive(this.connection);
    });
  }

  private serveTransmit(connection: Connection): void {
    const { tx } = connection;
    do {
      while (tx.requests > 0) this.takeFrame(tx);
    } while (!tx.finalCheck());
    if (tx.push()) this.domain.events.raise(connection.txPort);
  }

  /** Takes one frame, in one or more slots, off the transmit ring. */
  private takeFrame(tx: BackRing): void {
    const parts: Uint8Array[] = [];
    const answers: { id: number; status: number }[] = [];
    let first: { readonly flags: number; readonly size: number } | undefined;
    let gsoSize = 0;
    let rest = 0;
    for (let more = true; more;) {
      if (tx.requests === 0) throw new Error("a frame lacks its last slots");
      const { view, at } = tx.entry(tx.requestsConsumed++);
      const request = {
        ...{
          gref: view.getUint32(at, true),
          offset: view.getUint16(at + 4, true),
          flags: view.getUint16(at + 6, true),
        },
        ...{ id: view.getUint16(at + 8, true), size: view.getUint16(at + 10, true) },
      };
      answers.push({ id: request.id, status: RSP_OKAY });
      if (first !== undefined) rest += request.size;
      const isFirst = first === undefined;
      first ??= request;
      if (isFirst && (request.flags & TX_FLAGS.EXTRA) !== 0) {
        const extra = tx.entry(tx.requestsConsumed++);
        if (extra.view.getUint8(extra.at) !== EXTRA_GSO) throw new Error("unknown extra info");
        gsoSize = extra.view.getUint16(extra.at + 2, true);
        answers.push({ id: 0, status: RSP_NULL });
      }
      const page = this.domain.grants.page(request.gref, this.backendDomain, false);
      parts.push(page.slice(request.offset)); // its length is known when the frame is complete
      if (!isFirst && request.offset + request.size > PAGE_SIZE) throw new Error("a slot crosses its page");
      if (!isFirst) parts[parts.length - 1] = page.slice(request.offset, request.offset + request.size);
      more = (request.flags & TX_FLAGS.MORE) !== 0;
    }
    if (first === undefined) return;
    const head = parts[0] ?? new Uint8Array();
    const headSize = first.size - rest;
    if (headSize < 14 || headSize > head.length) throw new Error("impossible size of a frame's first slot");
    if (parts.length > 18) throw new Error("a frame in more than 18 slots");
    parts[0] = head.subarray(0, headSize);
    for (const answer of answers) {
      this.mischief.transmit?.(answer);
      const { view, at } = tx.entry(tx.responsesProduced++);
      view.setUint16(at, answer.id, true);
      view.setInt16(at + 2, answer.status, true);
    }
    this.counts.transmitted += 1;
    const checksumBlank = (first.flags & TX_FLAGS.CSUM_BLANK) !== 0;
    this.hub.send(this, { bytes: new Uint8Array(Buffer.concat(parts)), checksumBlank, gsoSize });
  }

  receive(frame: Frame): void {
    if (this.queue.length >= QUEUE_LIMIT) {
      this.counts.dropped += 1;
      return;
    }
    this.queue.push(frame);
    this.schedule();
  }

  private serveReceive(connection: Connection): void {
    const { rx } = connection;
    for (let frame = this.queue[0]; frame !== undefined; frame = this.queue[0]) {
      const extra = frame.gsoSize !== 0 && frame.bytes.length > 1514 ? 1 : 0;
      const slots = Math.ceil(frame.bytes.length / PAGE_SIZE) + extra;
      if (rx.requests < slots) {
        if (rx.finalCheck() || rx.requests < slots) this.awaitRequests(rx);
        break;
      }
      this.queue.shift();
      this.giveFrame(rx, frame, extra === 1);
    }
    if (rx.push()) this.domain.events.raise(connection.rxPort);
  }

  /** Wants to be told when one more request is posted. */
  private awaitRequests(rx: BackRing): void {
    const { view } = rx.entry(0);
    view.setUint32(4, (view.getUint32(0, true) + 1) >>> 0, true);
  }

  private giveFrame(rx: BackRing, frame: Frame, withExtra: boolean): void {
    const { bytes } = frame;
    let flags = frame.checksumBlank ? RX_FLAGS.CSUM_BLANK | RX_FLAGS.DATA_VALIDATED : RX_FLAGS.DATA_VALIDATED;
    for (let offset = 0; offset < bytes.length; offset += PAGE_SIZE) {
      const part = bytes.subarray(offset, offset + PAGE_SIZE);
      const { view, at } = rx.entry(rx.requestsConsumed++);
      const id = view.getUint16(at, true);
      this.domain.grants.page(view.getUint32(at + 4, true), this.backendDomain, true).set(part);
      if (offset + PAGE_SIZE < bytes.length) flags |= RX_FLAGS.MORE;
      if (offset === 0 && withExtra) flags |= RX_FLAGS.EXTRA;
      this.respond(rx, { id, offset: 0, flags, status: part.length });
      if (offset === 0 && withExtra) this.giveSegmentation(rx, frame.gsoSize);
      flags = 0;
    }
    this.counts.received += 1;
  }

  private respond(rx: BackRing, response: { id: number; offset: number; flags: number; status: number }): void {
    this.mischief.receive?.(response);
    const { view, at } = rx.entry(rx.responsesProduced++);
    view.setUint16(at, response.id, true);
    view.setUint16(at + 2, response.offset, true);
    view.setUint16(at + 4, response.flags, true);
    view.setInt16(at + 6, response.status, true);
  }

  private giveSegmentation(rx: BackRing, gsoSize: number): void {
    rx.requestsConsumed += 1;
    const { view, at } = rx.entry(rx.responsesProduced++);
    view.setBigUint64(at, 0n, true);
    view.setUint8(at, EXTRA_GSO);
    view.setUint16(at + 2, gsoSize, true);
    view.setUint8(at + 4, GSO_TCPV4);
  }

  // ---- lies ----

  /** Claims `count` receive responses that nobody asked for. */
  claimResponses(count: number): void {
    const connection = this.connection;
    if (connection === undefined) throw new Error("not connected");
    this.receiveFrozen = true;
    connection.rx.responsesProduced += count;
    connection.rx.push();
    this.domain.events.raise(connection.rxPort);
  }

  /** Answers with a frame whose extra info does not end. */
  sendEndlessExtraInfo(): void {
    const connection = this.connection;
    if (connection === undefined) throw new Error("not connected");
    const { rx } = connection;
    const { view, at } = rx.entry(rx.requestsConsumed);
    const id = view.getUint16(at, true);
    this.respond(rx, { id, offset: 0, flags: RX_FLAGS.EXTRA, status: 100 });
    for (let i = 0; i < 10; i++) {
      const extra = rx.entry(rx.responsesProduced++);
      extra.view.setUint16(extra.at, EXTRA_GSO | (EXTRA_FLAG_MORE << 8), true);
    }
    this.claimResponses(0);
  }

  /** Sets the index of transmit responses to any value. */
  claimTransmitted(index: number): void {
    const connection = this.connection;
    if (connection === undefined) throw new Error("not connected");
    this.transmitFrozen = true;
    connection.tx.pushTo(index);
    this.domain.events.raise(connection.txPort);
  }
}

/** The response status of a frame that the back end refused. */
export const TX_ERROR = RSP_ERROR;
