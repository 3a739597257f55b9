// Xenstore for threads: each call sends one request and blocks its thread until the reply is there. Any number of
// threads may call at once. Paths are absolute, or relative to the domain's own directory (/local/domain/<domid>).
// Errors are xenstored's: -ENOENT, -EACCES, -EAGAIN (a transaction has to be done again) …; -EIO when it is gone.
import { EPROTO, ETIMEDOUT } from "../errno";
import { TextBuffer, parseDecimal } from "../text";
import { WaitQueue, waitOn, wakeOne } from "../thread/wait_queue";
import { NEVER, monotonicNow } from "../time/clock";
import { clientAttach, clientHold, clientQuiet, clientQuietQueue, clientSubmit } from "./client";
import { STORE_REQUEST_SIZE, StoreRequest, requestPrepare } from "./request";
import { XS_DIRECTORY, XS_READ, XS_RM, XS_TRANSACTION_END, XS_TRANSACTION_START, XS_WRITE } from "./wire";

/** Requests that threads can have under way; more threads wait for their turn. */
const REQUESTS: u32 = 4;
const requests = memory.data(320, 8); // REQUESTS * STORE_REQUEST_SIZE
const requestFreed = changetype<WaitQueue>(memory.data(8, 8));
let requestsUsed: u32 = 0; // a bit each

const DRAIN_TIMEOUT: u64 = 5_000_000_000;

function requestTake(): StoreRequest {
  while (requestsUsed == (1 << REQUESTS) - 1) waitOn(requestFreed, NEVER);
  const index = ctz(~requestsUsed);
  requestsUsed |= 1 << index;
  return changetype<StoreRequest>(requests + index * STORE_REQUEST_SIZE);
}

function requestIndex(request: StoreRequest): u32 {
  return <u32>(changetype<usize>(request) - requests) / STORE_REQUEST_SIZE;
}

function requestGive(request: StoreRequest): void {
  requestsUsed &= ~(1 << requestIndex(request));
  wakeOne(requestFreed);
}

function transact(
  type: u32,
  transaction: u32,
  first: usize,
  firstLength: u32,
  second: usize,
  secondLength: u32,
  reply: usize,
  replyCapacity: u32,
): i32 {
  const request = requestTake();
  requestPrepare(request, type, transaction, first, firstLength, second, secondLength, false);
  request.reply = reply;
  request.replyCapacity = replyCapacity;
  clientSubmit(request);
  while (request.pending()) waitOn(request.waitQueue(), NEVER);
  const status = request.status;
  requestGive(request);
  return status;
}

/**
 * Reads the value at `path`.
 * @returns its length, which may exceed `capacity` (then the beginning was stored); -errno
 */
export function xenstoreRead(path: TextBuffer, target: usize, capacity: u32, transaction: u32 = 0): i32 {
  return transact(XS_READ, transaction, path.address, path.length, 0, 0, target, capacity);
}

/** Writes `value` at `path`, with all directories that are missing. */
export function xenstoreWrite(path: TextBuffer, value: TextBuffer, transaction: u32 = 0): i32 {
  return min(transact(XS_WRITE, transaction, path.address, path.length, value.address, value.length, 0, 0), 0);
}

/** Removes `path` and all below it; removing what is not there is no error. */
export function xenstoreRemove(path: TextBuffer, transaction: u32 = 0): i32 {
  return min(transact(XS_RM, transaction, path.address, path.length, 0, 0, 0, 0), 0);
}

/**
 * Lists the names below `path`, each followed by a NUL.
 * @returns the list's length, which may exceed `capacity` (then the beginning was stored); -errno
 */
export function xenstoreDirectory(path: TextBuffer, target: usize, capacity: u32, transaction: u32 = 0): i32 {
  return transact(XS_DIRECTORY, transaction, path.address, path.length, 0, 0, target, capacity);
}

const TRANSACTION_TEXT: u32 = 12;
const transactionTexts = memory.data(48);
const answers = memory.data(2);

/** Begins a transaction: its number for the calls above (> 0), or -errno. */
export function xenstoreTransactionBegin(): i64 {
  const request = requestTake();
  const text = transactionTexts + requestIndex(request) * TRANSACTION_TEXT;
  requestPrepare(request, XS_TRANSACTION_START, 0, 0, 0, 0, 0, false);
  request.reply = text;
  request.replyCapacity = TRANSACTION_TEXT;
  clientSubmit(request);
  while (request.pending()) waitOn(request.waitQueue(), NEVER);
  const status = request.status;
  requestGive(request);
  if (status < 0) return status;
  if (status < 2 || <u32>status > TRANSACTION_TEXT) return -EPROTO;
  const id = parseDecimal(text, status - 1); // a NUL follows the number
  return id <= 0 || id > <i64>u32.MAX_VALUE ? -EPROTO : id;
}

/** Ends a transaction. 0; -EAGAIN when others interfered, and all of it has to be done again. */
export function xenstoreTransactionEnd(transaction: u32, commit: bool): i32 {
  store<u8>(answers, 0x54); // T
  store<u8>(answers, 0x46, 1); // F
  return min(transact(XS_TRANSACTION_END, transaction, answers + <usize>(commit ? 0 : 1), 1, 0, 0, 0, 0), 0);
}

/** Connects to xenstored: the ring's page and the event channel as start_info names them. Called once, at boot. */
export function xenstoreInit(page: usize, port: u32): void {
  clientAttach(page, port);
}

/**
 * Before a suspend: lets no new request begin and waits until the last reply has come.
 * @returns 0; -ETIMEDOUT when xenstored does not answer: then the suspend should not be tried, see xenstoreResume
 */
export function xenstoreSuspend(): i32 {
  clientHold(true);
  const deadline = monotonicNow() + DRAIN_TIMEOUT;
  while (!clientQuiet()) {
    if (waitOn(clientQuietQueue(), deadline) == -ETIMEDOUT) return -ETIMEDOUT;
  }
  return 0;
}

/** After a suspend that was cancelled or failed: the connection is the same, requests go on. */
export function xenstoreResume(): void {
  clientHold(false);
}

/** After a restore: a new connection, on which the watches are set again. */
export function xenstoreReattach(page: usize, port: u32): void {
  clientAttach(page, port);
  clientHold(false);
}
