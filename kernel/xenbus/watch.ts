// Xenstore watches. A watch survives a change of the connection: it is set again on the new one, and its first event
// there is xenstored's own "once straight away". Events name their watch by token, eight hexadecimal digits, unique per
// start, so that an event that was under way when its watch stopped reaches nobody.
import { EBUSY, EEXIST, EINPROGRESS, ENAMETOOLONG } from "../errno";
import { log } from "../log";
import { TextBuffer, textBuffer } from "../text";
import { clientSubmit } from "./client";
import { StoreRequest, requestPrepare } from "./request";
import { XS_UNWATCH, XS_WATCH } from "./wire";

/** The longest path that can be watched. */
const WATCH_PATH_MAX: u32 = 120;
const TOKEN_LENGTH: u32 = 8;
const REQUEST_OFFSET: usize = 32;
const TOKEN_OFFSET: usize = 112;
const PATH_OFFSET: usize = 120;
/** Bytes of a Watch, for static instances (8-byte aligned, zeroed). */
export const WATCH_SIZE: i32 = 240;

/** One watch; its memory must stay until watchIdle(). A StoreRequest, the token and the path follow the fields. */
@unmanaged
@final
export class Watch {
  next: usize;
  token: u32;
  pathLength: u32;
  /** Function index of (argument: usize) => void; runs as kernel work, must not block. */
  callback: u32;
  argument: usize;
  /** True from watchStart() to watchStop(). */
  wanted: bool;
}

let firstWatch: usize = 0;
let lastToken: u32 = 0;

function requestOf(watch: Watch): StoreRequest {
  return changetype<StoreRequest>(changetype<usize>(watch) + REQUEST_OFFSET);
}

function submit(watch: Watch, type: u32): void {
  const address = changetype<usize>(watch);
  const request = requestOf(watch);
  requestPrepare(request, type, 0, address + PATH_OFFSET, watch.pathLength, address + TOKEN_OFFSET, TOKEN_LENGTH, true);
  request.done = onDone.index;
  request.argument = address;
  clientSubmit(request);
}

function unlink(watch: Watch): void {
  let link = firstWatch;
  if (link == changetype<usize>(watch)) {
    firstWatch = watch.next;
    return;
  }
  while (link != 0 && changetype<Watch>(link).next != changetype<usize>(watch)) link = changetype<Watch>(link).next;
  if (link != 0) changetype<Watch>(link).next = watch.next;
}

/** The WATCH or UNWATCH request of a watch is done. */
function onDone(argument: usize): void {
  const watch = changetype<Watch>(argument);
  const request = requestOf(watch);
  if (request.type == XS_WATCH) {
    if (request.status < 0 && request.status != -EEXIST) {
      const line = log("xenstore")
        .text("watch on ")
        .bytes(argument + PATH_OFFSET, watch.pathLength);
      line.text(" refused: ").signed(request.status).end();
    }
    if (!watch.wanted) submit(watch, XS_UNWATCH);
    return;
  }
  unlink(watch);
  watch.token = 0;
  call_indirect<void>(watch.callback, watch.argument);
}

/**
 * Begins to watch `path` and everything below it. The callback comes once straight away, then at each change, and once
 * after watchStop() is complete; as always with xenstore it may also come for nothing.
 * @returns 0; -EBUSY while not idle; -ENAMETOOLONG
 */
export function watchStart(watch: Watch, path: TextBuffer, callback: u32, argument: usize): i32 {
  if (!watchIdle(watch)) return -EBUSY;
  if (path.length > WATCH_PATH_MAX || path.overflowed()) return -ENAMETOOLONG;
  const address = changetype<usize>(watch);
  lastToken += 1;
  watch.token = lastToken;
  watch.callback = callback;
  watch.argument = argument;
  watch.wanted = true;
  watch.pathLength = path.length;
  memory.copy(address + PATH_OFFSET, path.address, path.length);
  const token = changetype<TextBuffer>(tokenBuffer);
  textBuffer(token, address + TOKEN_OFFSET, TOKEN_LENGTH).hex(watch.token, TOKEN_LENGTH);
  watch.next = firstWatch;
  firstWatch = address;
  submit(watch, XS_WATCH);
  return 0;
}

const tokenBuffer = memory.data(16, 8);

/** Ends the watch; it is idle again, and its path may change, after the callback's last call. */
export function watchStop(watch: Watch): void {
  if (!watch.wanted) return;
  watch.wanted = false;
  if (!requestOf(watch).pending()) submit(watch, XS_UNWATCH);
}

/** True when the watch is neither set nor on its way to be set or removed. */
export function watchIdle(watch: Watch): bool {
  return watch.token == 0;
}

/** On a new connection: sets every watch again whose request is not queued anyway. */
export function watchesRenew(): void {
  for (let link = firstWatch; link != 0; link = changetype<Watch>(link).next) {
    const watch = changetype<Watch>(link);
    if (watch.wanted && requestOf(watch).status != -EINPROGRESS) submit(watch, XS_WATCH);
  }
}

// ---- events: <path> NUL <token> NUL, byte by byte, since only the token matters and the path may be long ----

let eventStrings: u32 = 0;
let eventToken: u32 = 0;

/** An event's payload begins. */
export function watchEventBegin(): void {
  eventStrings = 0;
  eventToken = 0;
}

/** The event's next byte. */
export function watchEventByte(byte: u8): void {
  if (byte == 0) eventStrings += 1;
  else if (eventStrings == 1) eventToken = (eventToken << 4) | (byte < 0x40 ? byte & 15 : (byte + 9) & 15);
}

/** The event is complete: tells its watch. */
export function watchEventEnd(): void {
  for (let link = firstWatch; link != 0; link = changetype<Watch>(link).next) {
    const watch = changetype<Watch>(link);
    if (watch.token == eventToken && watch.wanted) return call_indirect<void>(watch.callback, watch.argument);
  }
}
