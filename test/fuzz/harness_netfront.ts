// A malicious back end against the whole of netfront: the xenbus front end, both rings, grants and blocks. The input is a sequence
// of records, u8 kind, u8 argument, and what the kind takes:
//   0  time passes, 4^argument ms
//   1  a receive request is answered: u8 lies, 8 bytes told, u8 length, so many bytes of a frame (harness_netfront_back_end.ts, deliver)
//   2  transmit requests are answered: u8 lies, 4 bytes told
//   3  u32 value: an index of a ring is set to it or, with bit 3 of the argument, changed by it
//   4  u16 offset, u8 length, bytes: written to a page that the guest lets the back end write, the argument says which
//   5  events are raised
//   6  u8 length, bytes: a value in xenstore, that of the node with the argument's number; length 255 takes it away
//   7  the back end keeps to xenbus from now on, or does not
//   8  the stack sends: u16 size, u16 bytes of a fragment; kinds of frames by the bits of the argument
//   9  the stack makes a block, or gives one back
//   10 a granted page is mapped: u16 reference
// Whatever it does, an honest back end is served again when it comes after that one, and no page, grant or port is lost.
import { sharedInfo } from "../../kernel/boot";
import { grantTableAttach, grantTableInit } from "../../kernel/grant_table";
import { pageAlloc, pagesFreeCount, pagesInit } from "../../kernel/memory/pages";
import { randomStir } from "../../kernel/random";
import { schedulerInit } from "../../kernel/thread/scheduler";
import { clockStart } from "../../kernel/time/clock";
import { timersNextDeadline } from "../../kernel/time/timer";
import { kernelWork } from "../../kernel/work";
import {
  EVTCHN_PENDING,
  EVTCHN_PENDING_SEL,
  EVTCHN_UPCALL_PENDING,
  TIME_SYSTEM_TIME,
} from "../../kernel/xen/shared_info";
import { StartInfo, startInfoInit } from "../../kernel/xen/start_info";
import { xenstoreInit } from "../../kernel/xenbus/xenstore";
import { interfaceConfigure } from "../../libos/net/configure";
import {
  DeviceBlock,
  SCATTER_GATHER,
  TX_CHECKSUM_BLANK,
  deviceBlockAllocate,
  deviceBlockFree,
  deviceCarrier,
  deviceFeatures,
  devicePresent,
  deviceTransmit,
  deviceTransmitAllocate,
  deviceTransmitAttach,
  deviceTransmitFree,
} from "../../libos/net/device";
import { netfrontStart } from "../../libos/net/netfront/netfront";
import {
  REQ_EVENT,
  REQ_PROD,
  RSP_PROD,
  backEndConnected,
  complete,
  deliver,
  grantedPage,
  grantsInForce,
  hold,
  letGo,
  repliesSeen,
  ringPage,
} from "./harness_netfront_back_end";
import {
  frontState,
  receivePort,
  storeDigit,
  storeInit,
  storeRemove,
  storeServe,
  storeSet,
  storeSetText,
  transmitPort,
} from "./harness_netfront_xenstored";

const OUR_ADDRESS: u32 = 0x0a00020f;
const GATEWAY: u32 = 0x0a000202;

/** Where Xen's things lie, below the pages of the kernel. */
const START_INFO: usize = 0x220000;
const P2M: usize = 0x230000;
const PAGES: u32 = 4096;

const EVENT_CHANNEL_OP: u32 = 32;
const SCHED_OP: u32 = 29;
const CLOSE: u64 = 3;
const ALLOC_UNBOUND: u64 = 6;
const POLL: u64 = 3;

const STORE_PORT: u32 = 1;
const INITIALISING: u32 = 1;
const INIT_WAIT: u32 = 2;
const CONNECTED: u32 = 4;
const CLOSING: u32 = 5;
const CLOSED: u32 = 6;

// Numbers of the nodes in harness_netfront_xenstored.ts.
const STATE: u32 = 0;
const MAC: u32 = 9;
const MTU: u32 = 10;
const BACKEND_ID: u32 = 11;
const BACKEND: u32 = 12;

const BLOCKS: u32 = 4;
/** Pages of blocks that the driver keeps although nobody uses them (netfront/blocks.ts), … */
const IDLE_PAGES: u32 = PAGES / 32;
/** … and at most: a block of which the back end used a page when it was done is kept, whatever there is. */
const BLOCK_PAGES: u32 = PAGES / 4;
/** Pages that allocators keep when they have been used once. */
const SLABS: u32 = 8;

let now: u64 = 1_000_000_000;
let portsOpen: u64 = 3;
let keepsToXenbus = true;
const blocks = memory.data(16, 4);
const request = memory.data(64);
let lastFrontState: u32 = 0;
let freeBefore: u32 = 0;
let grantsBefore: u32 = 0;
let portsBefore: i32 = 0;
let held = false;

export function _start(): void {}

// ---- Xen ----

/** The import of kernel/boot.ts: what of Xen a front end uses. */
export function boot_hypercall(number: u32, a1: u64, a2: u64, _a3: u64, _a4: u64, _a5: u64): i64 {
  const argument = <usize>a2;
  if (number == EVENT_CHANNEL_OP && a1 == ALLOC_UNBOUND) {
    const port = <u32>ctz(~portsOpen);
    if (port == 64) unreachable(); // they have been lost one by one
    portsOpen |= (<u64>1) << port;
    store<u32>(argument, port, 4);
  } else if (number == EVENT_CHANNEL_OP && a1 == CLOSE) {
    const bit = (<u64>1) << load<u32>(argument);
    if ((portsOpen & bit) == 0) unreachable();
    portsOpen &= ~bit;
  } else if (number == SCHED_OP && a1 == POLL) {
    if (!storeServe()) unreachable(); // only for xenstore is there anyone who waits
    raise(STORE_PORT);
  }
  return 0;
}

function raise(port: u32): void {
  const page = sharedInfo();
  store<u64>(page + EVTCHN_PENDING, load<u64>(page + EVTCHN_PENDING) | ((<u64>1) << port));
  store<u64>(page + EVTCHN_PENDING_SEL, 1);
  store<u8>(page + EVTCHN_UPCALL_PENDING, 1);
}

function setTime(): void {
  store<u64>(sharedInfo() + TIME_SYSTEM_TIME, now);
}

/** Lets everyone work until nobody has anything to say; the rounds are bounded, a lying back end can go on for ever. */
function settle(): void {
  for (let round: u32 = 0; round < 32; round++) {
    let busy = false;
    while (storeServe()) busy = true;
    if (busy) raise(STORE_PORT);
    kernelWork();
    if (keepsToXenbus && followXenbus()) busy = true;
    if (!busy) return;
  }
}

/** Lets `duration` ns pass, with all that is due on the way. */
function pass(duration: u64): void {
  const end = now + duration;
  for (let left = 64; left != 0; left--) {
    const due = timersNextDeadline();
    now = due > now && due < end ? due : end;
    setTime();
    settle();
    if (now == end) return;
  }
  now = end;
  setTime();
}

// ---- the back end ----

function become(state: u32): bool {
  const digit = memory.data(1);
  store<u8>(digit, <u8>(0x30 + state));
  storeSet(STATE, digit, 1);
  return true;
}

/** What an honest back end does when the front end's state has changed; true when it did something. */
function followXenbus(): bool {
  const changed = frontState != lastFrontState;
  lastFrontState = frontState;
  const own = storeDigit(STATE);
  if (frontState == CONNECTED && own == INIT_WAIT) {
    backEndConnected();
    return become(CONNECTED);
  }
  if ((frontState == CLOSED || frontState == CLOSING) && changed) return become(CLOSED);
  if (frontState == INITIALISING && own == CLOSED) return become(INIT_WAIT);
  return false;
}

function offerAll(): void {
  for (let node: u32 = 1; node < MAC; node++) storeSetText(node, "1");
  storeSetText(6, "0"); // feature-no-csum-offload
  storeSetText(MAC, "00:16:3e:00:00:01");
  storeRemove(MTU);
  storeSetText(BACKEND_ID, "0");
  storeSetText(BACKEND, "/backend");
}

/** An ARP request for our address, from the gateway. */
function arpRequest(): usize {
  const frame = request;
  memory.fill(frame, 0xff, 6);
  store<u64>(frame + 6, 0x0608_0200_0000_1600); // from 00:16:00:00:00:02
  store<u64>(frame + 14, 0x0100_0406_0008_0100); // Ethernet, IPv4, a request
  store<u32>(frame + 22, 0x0000_1600);
  store<u16>(frame + 26, 0x0200);
  store<u32>(frame + 28, bswap<u32>(GATEWAY));
  store<u32>(frame + 32, 0);
  store<u16>(frame + 36, 0);
  store<u32>(frame + 38, bswap<u32>(OUR_ADDRESS));
  return frame;
}

/** From now on the back end is honest: connects anew, and is served. */
function serveHonestly(): void {
  letGo();
  keepsToXenbus = true;
  offerAll();
  become(CLOSED);
  pass(100_000_000);
  for (let tries = 0; tries < 16 && !(frontState == CONNECTED && deviceCarrier()); tries++) {
    // Nobody has been there to see it: the front end waits for the back end to begin.
    if (storeDigit(STATE) == CLOSED && frontState != CLOSED && frontState != CLOSING) become(INIT_WAIT);
    pass(30_000_000_000);
  }
  if (frontState != CONNECTED || !deviceCarrier()) unreachable();
  const before = repliesSeen;
  deliver(arpRequest(), 42, 0, 0);
  settle();
  complete(u32.MAX_VALUE, 0, 0, true);
  settle();
  if (repliesSeen == before) unreachable();
}

// ---- the run ----

export function fuzzStart(memoryStart: usize, memoryEnd: usize): void {
  pagesInit(memoryStart, memoryEnd);
  setTime();
  clockStart();
  randomStir();
  const information = changetype<StartInfo>(START_INFO);
  information.nr_pages = PAGES;
  information.mfn_list = P2M;
  for (let pfn: u32 = 0; pfn < PAGES; pfn++) store<u64>(P2M + ((<usize>pfn) << 3), pfn);
  startInfoInit(START_INFO);
  schedulerInit();
  grantTableInit();
  grantTableAttach();
  const ring = pageAlloc();
  storeInit(ring);
  offerAll();
  become(INIT_WAIT);
  xenstoreInit(ring, STORE_PORT);
  interfaceConfigure(OUR_ADDRESS, 24, GATEWAY, 0, now);
  netfrontStart();
  pass(5_000_000_000);
  serveHonestly();
}

export function fuzzOne(at: usize, length: u32): void {
  const end = at + length;
  freeBefore = pagesFreeCount();
  grantsBefore = grantsInForce();
  portsBefore = <i32>popcnt(portsOpen);
  while (at + 2 <= end) {
    at = step(load<u8>(at), load<u8>(at + 1), at + 2, end);
    settle();
  }
  for (let i: u32 = 0; i < BLOCKS; i++) blockGive(i);
  serveHonestly();
  const grants = grantsInForce();
  if (grants > grantsBefore + (held ? BLOCK_PAGES : IDLE_PAGES) || popcnt(portsOpen) != portsBefore) unreachable();
  // A page that a grant is not ended for is kept with it.
  if (pagesFreeCount() + (grants - grantsBefore) + SLABS < freeBefore) unreachable();
}

/** Obeys the record whose operands begin at `at`; where the next one begins. */
function step(kind: u8, argument: u32, at: usize, end: usize): usize {
  const left = <u32>(end - at);
  if (kind == 0) {
    pass((<u64>1_000_000) << ((argument & 7) << 1));
  } else if (kind == 1 && left >= 10) {
    const size = min<u32>(load<u8>(at + 9), left - 10);
    deliver(at + 10, size, load<u8>(at), at + 1);
    return at + 10 + size;
  } else if (kind == 2 && left >= 5) {
    complete(argument, load<u8>(at), at + 1, false);
    return at + 5;
  } else if (kind == 3 && left >= 4) {
    setIndex(argument, load<u32>(at));
    return at + 4;
  } else if (kind == 4 && left >= 3) {
    const size = min<u32>(load<u8>(at + 2), left - 3);
    scribble(argument, load<u16>(at), at + 3, size);
    return at + 3 + size;
  } else if (kind == 5) {
    raise((argument & 1) != 0 ? transmitPort : receivePort);
  } else if (kind == 6 && left >= 1) {
    return setValue(argument, at, left - 1);
  } else if (kind == 7) {
    keepsToXenbus = (argument & 1) != 0;
  } else if (kind == 8 && left >= 4) {
    sendFrame(argument, load<u16>(at), load<u16>(at + 2));
    return at + 4;
  } else if (kind == 9) {
    const index = argument & (BLOCKS - 1);
    if (load<u32>(blocks + (index << 2)) != 0) blockGive(index);
    else if (devicePresent())
      store<u32>(blocks + (index << 2), <u32>changetype<usize>(deviceBlockAllocate(argument >> 4)));
  } else if (kind == 10 && left >= 2) {
    held = true;
    hold(load<u16>(at));
    return at + 2;
  }
  return at;
}

function setIndex(which: u32, value: u32): void {
  const page = ringPage((which & 1) != 0);
  if (page == 0) return;
  const at = page + ((which & 6) == 0 ? REQ_EVENT : (which & 6) == 2 ? REQ_PROD : RSP_PROD);
  store<u32>(at, (which & 8) != 0 ? load<u32>(at) + value : value);
}

function scribble(which: u32, offset: u32, from: usize, size: u32): void {
  const page = which == 0 ? ringPage(false) : which == 1 ? ringPage(true) : grantedPage(which + 6, true);
  if (page != 0 && offset + size <= 4096) memory.copy(page + offset, from, size);
}

/** Where the back end is, the toolstack says: it only detaches the device and attaches it again. */
function setValue(node: u32, at: usize, left: u32): usize {
  const told: u32 = load<u8>(at);
  const size = told == 255 ? 0 : min(told, left);
  node &= 15;
  if (told == 255) storeRemove(node);
  else if (node == BACKEND) storeSetText(BACKEND, "/backend");
  else storeSet(node, at + 1, size);
  return at + 1 + size;
}

function blockGive(index: u32): void {
  const block = load<u32>(blocks + (index << 2));
  store<u32>(blocks + (index << 2), 0);
  if (block != 0) deviceBlockFree(changetype<DeviceBlock>(block));
}

/** Sends a frame as the stack does, or gives it back unsent. */
function sendFrame(how: u32, size: u32, fragment: u32): void {
  const own = max(size & 0x1fff, 60);
  const frame = deviceTransmitAllocate(own);
  if (changetype<usize>(frame) == 0) return;
  memory.fill(frame.data, 0, own);
  store<u16>(frame.data + 12, 0x0008);
  frame.length = own;
  const block = changetype<DeviceBlock>(load<u32>(blocks + ((how & (BLOCKS - 1)) << 2)));
  if (changetype<usize>(block) != 0 && (deviceFeatures() & SCATTER_GATHER) != 0 && (how & 4) != 0) {
    const bytes: u32 = (<u32>4096) << block.order;
    const offset = fragment & (bytes - 1);
    const wrapped = (how & 8) != 0 ? offset / 2 : 0;
    if (deviceTransmitAttach(frame, block, block.address + offset, bytes - offset, wrapped))
      frame.length += bytes - offset + wrapped;
  }
  if ((how & 16) != 0) frame.flags = TX_CHECKSUM_BLANK;
  if ((how & 32) != 0) frame.gsoSize = 1448;
  if ((how & 64) != 0) deviceTransmitFree(frame);
  else deviceTransmit(frame);
}
