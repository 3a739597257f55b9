// The xenstore client's engine: sends queued requests, matches replies by request id, hands watch events out. It never
// blocks: it runs as kernel work and whenever a request is submitted; xenstore.ts puts blocking calls on top.
//
// A request is in exactly one of two queues: `unsent` (its head may be partly on the ring) or `unanswered`. When the
// connection is replaced (restore in a new domain, a reset ring) every request is sent again, except those of a
// transaction, which ended with the old connection and so fail with -EAGAIN: their owners start over anyway.
import { EAGAIN, EINPROGRESS, EIO } from "../errno";
import { eventChannelHandle, eventChannelNotify } from "../event_channel";
import { ListNode, listEmpty, listFirst, listInit, listInsertTail, listRemove } from "../list";
import { log } from "../log";
import { WaitQueue, wakeAll } from "../thread/wait_queue";
import { workRegister } from "../work";
import { StoreRequest, requestChunk, requestChunkLength, requestLength } from "./request";
import { storeRingReady, storeRingRead, storeRingReset, storeRingRoom, storeRingWrite } from "./store_ring";
import { watchEventBegin, watchEventByte, watchEventEnd, watchesRenew } from "./watch";
import { CONNECTION, HEADER_SIZE, SERVER_FEATURES, StoreHeader, storeErrno } from "./wire";
import { XENSTORE_CONNECTED, XENSTORE_PAYLOAD_MAX, XENSTORE_RECONNECT } from "./wire";
import { XENSTORE_SERVER_FEATURE_RECONNECTION, XS_ERROR, XS_WATCH_EVENT } from "./wire";

// The states of the connection; 0 is none to speak of: requests wait.
const STATE_CONNECTED: u32 = 1;
/** The ring was asked to reset; xenstored has not answered yet. */
const STATE_RECONNECTING: u32 = 2;
/** xenstored broke the protocol and offers no reset: every request fails. */
const STATE_BROKEN: u32 = 3;

const unsent = changetype<ListNode>(memory.data(8, 8));
const unanswered = changetype<ListNode>(memory.data(8, 8));
const header = changetype<StoreHeader>(memory.data(16, 8));
const ERROR_CAPACITY: u32 = 16;
const errorText = memory.data(16);
const CHUNK: u32 = 64;
const chunk = memory.data(64);
/** Woken when no request is on its way any more. */
const quiet = changetype<WaitQueue>(memory.data(8, 8));

let state: u32 = 0;
let page: usize = 0;
let port: u32 = 0;
let initialized = false;
let held: bool = false;
let lastRequestId: u32 = 0;
let eventSeen = false;

// The message being received.
let headerReceived: u32 = 0;
let payloadReceived: u32 = 0;
let receiver: StoreRequest = changetype<StoreRequest>(0);

function finish(request: StoreRequest, status: i32): void {
  listRemove(request.node());
  request.status = status;
  wakeAll(request.waitQueue());
  if (request.done != 0) call_indirect<void>(request.done, request.argument);
}

function finishAll(queue: ListNode, status: i32): void {
  while (!listEmpty(queue)) finish(changetype<StoreRequest>(listFirst(queue)), status);
}

/** Gives up on the present ring contents: resets the ring if xenstored can, else fails everything. */
function connectionBroken(): void {
  const resettable = atomic.load<u32>(page + SERVER_FEATURES) & XENSTORE_SERVER_FEATURE_RECONNECTION;
  log("xenstore")
    .text(resettable != 0 ? "protocol error, resetting the ring" : "protocol error, giving up")
    .end();
  if (resettable != 0) {
    state = STATE_RECONNECTING;
    atomic.store<u32>(page + CONNECTION, XENSTORE_RECONNECT);
    eventChannelNotify(port);
    return;
  }
  state = STATE_BROKEN;
  finishAll(unanswered, -EIO);
  finishAll(unsent, -EIO);
}

// ---- sending ----

/** Puts as much of the queued requests onto the ring as fits; true when something was written. */
function sendQueued(): bool {
  let wrote = false;
  while (state == STATE_CONNECTED && !listEmpty(unsent)) {
    const request = changetype<StoreRequest>(listFirst(unsent));
    if (held && request.sent == 0) break;
    const room = storeRingRoom(page);
    if (room < 0) connectionBroken();
    if (room <= 0) break;
    const count = min(<u32>room, requestChunkLength(request, request.sent));
    storeRingWrite(page, requestChunk(request, request.sent), count);
    wrote = true;
    request.sent += count;
    if (request.sent == requestLength(request)) {
      listRemove(request.node());
      listInsertTail(unanswered, request.node());
    }
  }
  return wrote;
}

// ---- receiving ----

function findUnanswered(requestId: u32): StoreRequest {
  for (let node = unanswered.next; node != changetype<usize>(unanswered); node = changetype<ListNode>(node).next) {
    if (changetype<StoreRequest>(node).requestId == requestId) return changetype<StoreRequest>(node);
  }
  return changetype<StoreRequest>(0);
}

/** Decides who gets the payload that follows the header; false when there is no such message. */
function messageBegin(): bool {
  if (header.length > XENSTORE_PAYLOAD_MAX) return false;
  payloadReceived = 0;
  receiver = changetype<StoreRequest>(0);
  if (header.type == XS_WATCH_EVENT) {
    watchEventBegin();
    return true;
  }
  receiver = findUnanswered(header.requestId);
  if (changetype<usize>(receiver) == 0) return true; // nobody waits for it; its payload is skipped
  return header.type == XS_ERROR || header.type == receiver.type;
}

/** Reads the next piece of payload, not more than `ready` bytes; true when xenstored may wait for the room. */
function receivePayload(ready: u32): bool {
  let count = min(ready, header.length - payloadReceived);
  let target: usize = 0;
  let capacity: u32 = 0;
  if (header.type == XS_WATCH_EVENT) {
    count = min(count, CHUNK);
    const full = storeRingRead(page, chunk, count);
    for (let i: u32 = 0; i < count; i++) watchEventByte(load<u8>(chunk + i));
    payloadReceived += count;
    return full;
  }
  if (changetype<usize>(receiver) != 0) {
    target = header.type == XS_ERROR ? errorText : receiver.reply;
    capacity = header.type == XS_ERROR ? ERROR_CAPACITY : receiver.replyCapacity;
  }
  if (payloadReceived < capacity) {
    count = min(count, capacity - payloadReceived);
    target += payloadReceived;
  } else {
    target = 0;
  }
  payloadReceived += count;
  return storeRingRead(page, target, count);
}

function messageEnd(): void {
  headerReceived = 0;
  if (header.type == XS_WATCH_EVENT) return watchEventEnd();
  if (changetype<usize>(receiver) == 0) return;
  receiver.replyLength = header.length;
  const failed = header.type == XS_ERROR;
  finish(receiver, failed ? -storeErrno(errorText, min(header.length, ERROR_CAPACITY)) : <i32>header.length);
}

/** Takes all that xenstored has sent; true when it has to be told so. */
function receiveAll(): bool {
  let signal = false;
  while (state == STATE_CONNECTED) {
    const ready = storeRingReady(page);
    if (ready < 0) {
      connectionBroken();
      break;
    }
    if (ready == 0) break;
    if (headerReceived < HEADER_SIZE) {
      const count = min(<u32>ready, HEADER_SIZE - headerReceived);
      if (storeRingRead(page, changetype<usize>(header) + headerReceived, count)) signal = true;
      headerReceived += count;
      if (headerReceived < HEADER_SIZE) break;
      if (!messageBegin()) {
        connectionBroken();
        break;
      }
    } else if (receivePayload(ready)) {
      signal = true;
    }
    if (payloadReceived == header.length) messageEnd();
  }
  return signal;
}

/** The xenstore's share of kernel work. */
function pump(_now: u64): void {
  if (!eventSeen) return;
  eventSeen = false;
  if (state == STATE_RECONNECTING && atomic.load<u32>(page + CONNECTION) == XENSTORE_CONNECTED) connectionNew();
  let signal = receiveAll();
  if (sendQueued()) signal = true;
  if (signal) eventChannelNotify(port);
  if (listEmpty(unanswered)) wakeAll(quiet);
}

function onEvent(_argument: usize): void {
  eventSeen = true;
}

/** Starts over on a ring without messages, watches or transactions. */
function connectionNew(): void {
  state = STATE_CONNECTED;
  storeRingReset(page);
  headerReceived = 0;
  payloadReceived = 0;
  // All that was sent goes first, in its old order, then the rest.
  while (!listEmpty(unsent)) {
    const node = changetype<ListNode>(listFirst(unsent));
    listRemove(node);
    listInsertTail(unanswered, node);
  }
  while (!listEmpty(unanswered)) {
    const request = changetype<StoreRequest>(listFirst(unanswered));
    listRemove(request.node());
    if (request.transaction != 0) {
      finish(request, -EAGAIN);
      continue;
    }
    request.sent = 0;
    listInsertTail(unsent, request.node());
  }
  watchesRenew();
}

// ---- what the rest of xenbus uses ----

/** Queues a prepared request; request.done is called, and its wait queue woken, when it is done. */
export function clientSubmit(request: StoreRequest): void {
  if (state == STATE_BROKEN) {
    request.status = -EIO;
    wakeAll(request.waitQueue());
    if (request.done != 0) call_indirect<void>(request.done, request.argument);
    return;
  }
  lastRequestId += 1;
  if (lastRequestId == 0) lastRequestId = 1; // xenstored's own messages carry 0
  request.requestId = lastRequestId;
  request.sent = 0;
  request.status = -EINPROGRESS;
  listInsertTail(unsent, request.node());
  if (sendQueued()) eventChannelNotify(port);
}

/** True when no request is on its way to xenstored and no reply on its way back. */
export function clientQuiet(): bool {
  if (!listEmpty(unanswered)) return false;
  return listEmpty(unsent) || changetype<StoreRequest>(listFirst(unsent)).sent == 0;
}

/** Woken when the client may have become quiet. */
export function clientQuietQueue(): WaitQueue {
  return quiet;
}

/** While held, requests queue up and none begins to be sent. */
export function clientHold(hold: bool): void {
  held = hold;
  if (!hold && sendQueued()) eventChannelNotify(port);
}

/**
 * Connects to the xenstore ring at `ringPage` with event channel `ringPort`: at boot, and again in a restored domain.
 * Watches are set again, unanswered requests are sent again.
 */
export function clientAttach(ringPage: usize, ringPort: u32): void {
  if (!initialized) {
    initialized = true;
    listInit(unsent);
    listInit(unanswered);
    workRegister(pump.index);
  }
  page = ringPage;
  port = ringPort;
  eventChannelHandle(port, onEvent.index, 0);
  const reconnecting = (atomic.load<u32>(page + SERVER_FEATURES) & XENSTORE_SERVER_FEATURE_RECONNECTION) != 0;
  if (reconnecting && atomic.load<u32>(page + CONNECTION) == XENSTORE_RECONNECT) {
    state = STATE_RECONNECTING;
    return;
  }
  connectionNew();
  if (sendQueued()) eventChannelNotify(port);
}
