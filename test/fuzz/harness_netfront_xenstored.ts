// A xenstored for one network device, as a fuzz target has it: it answers what netfront's front end asks (docs/misc/xenstore-ring.txt),
// and its values are the harness's to change. It knows nodes by their last name alone.
import {
  HEADER_SIZE,
  REQ,
  REQ_CONS,
  REQ_PROD,
  RSP,
  RSP_PROD,
  StoreHeader,
  XENSTORE_RING_SIZE,
  XS_DIRECTORY,
  XS_ERROR,
  XS_READ,
  XS_UNWATCH,
  XS_WATCH,
  XS_WATCH_EVENT,
  XS_WRITE,
} from "../../kernel/xenbus/wire";

/** Nodes that have values, each in 32 bytes: u8 length, then the bytes; length 255 = there is no such node. */
export const NODES: u32 = 16;
const NODE_SIZE: u32 = 32;
/** The longest value. */
export const VALUE_MAX: u32 = 24;
const ABSENT: u8 = 255;

const MASK: u32 = XENSTORE_RING_SIZE - 1;
const MESSAGE_MAX: u32 = 512;
const TOKEN_LENGTH: u32 = 8;

const values = memory.data(512);
const message = memory.data(512, 8);
const header = changetype<StoreHeader>(memory.data(16, 8));
/** Tokens of the watches on the back end's state and on the class of the device: a byte that says whether it is set, then eight. */
const backendWatch = memory.data(16);
const classWatch = memory.data(16);

let page: usize = 0;
let backendChanged = false;
let classChanged = false;

/** What the front end has written last: its state, and references and ports of its rings. */
export let frontState: u32 = 0;
export let transmitReference: u32 = 0;
export let receiveReference: u32 = 0;
export let transmitPort: u32 = 0;
export let receivePort: u32 = 0;

/** Name of the node that has value number `index`. */
function nodeName(index: u32): string {
  if (index == 0) return "state";
  if (index == 1) return "online";
  if (index == 2) return "feature-split-event-channels";
  if (index == 3) return "feature-sg";
  if (index == 4) return "feature-gso-tcpv4";
  if (index == 5) return "feature-gso-tcpv6";
  if (index == 6) return "feature-no-csum-offload";
  if (index == 7) return "feature-ipv6-csum-offload";
  if (index == 8) return "feature-rx-copy";
  if (index == 9) return "mac";
  if (index == 10) return "mtu";
  if (index == 11) return "backend-id";
  if (index == 12) return "backend";
  return "";
}

/** Begins with the xenstore ring at `ringPage`, all indices 0. */
export function storeInit(ringPage: usize): void {
  page = ringPage;
}

function changed(): void {
  backendChanged = true;
  classChanged = true;
}

/** Gives node `index` the `length` bytes at `from`; whoever watches is told. */
export function storeSet(index: u32, from: usize, length: u32): void {
  const slot = values + index * NODE_SIZE;
  length = min(length, VALUE_MAX);
  store<u8>(slot, <u8>length);
  memory.copy(slot + 1, from, length);
  changed();
}

/** Gives node `index` a literal. */
export function storeSetText(index: u32, text: string): void {
  const slot = values + index * NODE_SIZE;
  store<u8>(slot, <u8>text.length);
  for (let i = 0; i < text.length; i++) store<u8>(slot + 1 + i, <u8>text.charCodeAt(i));
  changed();
}

/** Takes node `index` away. */
export function storeRemove(index: u32): void {
  store<u8>(values + index * NODE_SIZE, ABSENT);
  changed();
}

/** The value of node `index` as one digit; 255 for anything else. */
export function storeDigit(index: u32): u32 {
  const slot = values + index * NODE_SIZE;
  const digit: u32 = load<u8>(slot + 1) - 0x30;
  return load<u8>(slot) == 1 && digit < 10 ? digit : 255;
}

function pathEndsWith(length: u32, name: string): bool {
  const count = <u32>name.length;
  if (count == 0 || length < count + 1 || load<u8>(message + length - count - 1) != 0x2f) return false;
  for (let i: u32 = 0; i < count; i++) {
    if (load<u8>(message + length - count + i) != name.charCodeAt(i)) return false;
  }
  return true;
}

function put(from: usize, length: u32): void {
  const produced = load<u32>(page + RSP_PROD);
  for (let i: u32 = 0; i < length; i++) store<u8>(page + RSP + ((produced + i) & MASK), load<u8>(from + i));
  store<u32>(page + RSP_PROD, produced + length);
}

function reply(type: u32, from: usize, length: u32): void {
  header.type = type;
  header.length = length;
  put(changetype<usize>(header), HEADER_SIZE);
  put(from, length);
}

const scratch = memory.data(64);

function replyText(type: u32, text: string): void {
  for (let i = 0; i < text.length; i++) store<u8>(scratch + i, <u8>text.charCodeAt(i));
  store<u8>(scratch + text.length, 0);
  reply(type, scratch, text.length + 1);
}

function read(length: u32): void {
  for (let index: u32 = 0; index < NODES; index++) {
    if (!pathEndsWith(length, nodeName(index))) continue;
    const slot = values + index * NODE_SIZE;
    if (load<u8>(slot) == ABSENT) break;
    return reply(XS_READ, slot + 1, load<u8>(slot));
  }
  replyText(XS_ERROR, "ENOENT");
}

function number(at: usize, end: usize): u32 {
  let value: u32 = 0;
  while (at < end) value = value * 10 + load<u8>(at++) - 0x30;
  return value;
}

function write(length: u32, end: usize): void {
  const value = number(message + length + 1, end);
  if (pathEndsWith(length, "state")) frontState = value;
  else if (pathEndsWith(length, "tx-ring-ref")) transmitReference = value;
  else if (pathEndsWith(length, "rx-ring-ref")) receiveReference = value;
  else if (pathEndsWith(length, "event-channel-tx")) transmitPort = value;
  else if (pathEndsWith(length, "event-channel-rx")) receivePort = value;
  else if (pathEndsWith(length, "event-channel")) receivePort = transmitPort = value;
  replyText(XS_WRITE, "OK");
}

function watch(length: u32, wanted: bool): void {
  const isBackend = pathEndsWith(length, "state");
  const slot = isBackend ? backendWatch : classWatch;
  store<bool>(slot, wanted);
  memory.copy(slot + 1, message + length + 1, TOKEN_LENGTH);
  if (isBackend) backendChanged = true;
  else classChanged = true;
  replyText(header.type, "OK");
}

function answer(length: u32): void {
  let path: u32 = 0;
  while (path < length && load<u8>(message + path) != 0) path++;
  if (header.type == XS_DIRECTORY) replyText(XS_DIRECTORY, "0");
  else if (header.type == XS_READ) read(path);
  else if (header.type == XS_WRITE) write(path, message + length);
  else if (header.type == XS_WATCH || header.type == XS_UNWATCH) watch(path, header.type == XS_WATCH);
  else unreachable();
}

function take(target: usize, length: u32): void {
  const consumed = load<u32>(page + REQ_CONS);
  for (let i: u32 = 0; i < length; i++) store<u8>(target + i, load<u8>(page + REQ + ((consumed + i) & MASK)));
  store<u32>(page + REQ_CONS, consumed + length);
}

/** Answers a request if a whole one is there, or tells of a change; false when there was nothing to do. */
export function storeServe(): bool {
  const ready = load<u32>(page + REQ_PROD) - load<u32>(page + REQ_CONS);
  if (ready >= HEADER_SIZE) {
    take(changetype<usize>(header), HEADER_SIZE);
    if (header.length > MESSAGE_MAX || header.length > ready - HEADER_SIZE) unreachable(); // the client has not kept to the protocol
    take(message, header.length);
    answer(header.length);
    return true;
  }
  const tellsBackend = backendChanged;
  const slot = tellsBackend ? backendWatch : classWatch;
  if (!backendChanged && !classChanged) return false;
  if (tellsBackend) backendChanged = false;
  else classChanged = false;
  if (!load<bool>(slot)) return true;
  header.requestId = 0;
  store<u16>(message, 0x0073); // a path: only the token counts
  memory.copy(message + 2, slot + 1, TOKEN_LENGTH);
  store<u8>(message + 2 + TOKEN_LENGTH, 0);
  reply(XS_WATCH_EVENT, message, 3 + TOKEN_LENGTH);
  return true;
}
