// The fork descriptor: the page in which a domain and forkd, the daemon in dom0 that copies domains, talk about forks.
// The domain tells its pfn and an event channel in xenstore (offer.ts); forkd maps it. Little endian. All of it is
// copied to the child like any other page; forkd then writes the child's result and pids into the copy.
//
// Who writes what: forkd `result`, `requestResult` and `shellAnswer` (after PENDING), `ready`, `pid`, `parentPid`, `domain`, `childWay`,
// `sharers`, `way`, `shells`, `shellLayout`, `shellChanges`, `group`, `session`, the ring of events and its producer index, and its stage times; the domain everything else. Either side reads the
// other's fields once, with an atomic load.
import { forkChild, machineToPhys, rodataEnd, sharedInfo, textStart } from "../boot";
import { grantTableAddress, grantTableFrames } from "../grant_table";
import { APP_BASE } from "../memory/app_space";
import { addressFrame, framesKernelEnd } from "../memory/frames";
import { SHARED_BASE, SHARED_END } from "../memory/page_table";
import { PAGE_SHIFT, PAGE_SIZE, pageAlloc, pagesStates } from "../memory/pages";
import { sharedPagesReady } from "../memory/shared_pages";
import { monotonicNow } from "../time/clock";
import { startInfo } from "../xen/start_info";

/** "KFRK". */
const MAGIC: u32 = 0x4b52464b;
export const FORK_VERSION: u32 = 5;
/** `result` while the answer is open. */
export const FORK_PENDING: i32 = 0x7fffffff;
/** Events that fit into the ring; forkd keeps back what has no room. */
export const FAMILY_EVENTS: u32 = 64;

/** Kinds of events. */
export const EVENT_EXIT: u32 = 1;
export const EVENT_STOPPED: u32 = 2;
export const EVENT_CONTINUED: u32 = 3;
export const EVENT_SIGNAL: u32 = 4;
/** Only to process 1: a process whose parent has ended is its child now, of process group `value`. */
export const EVENT_ADOPTED: u32 = 5;
/** A member has ended. `value` is the child that it was given last, if that lives. To those with shared pages. */
export const EVENT_GONE: u32 = 6;
/** Process `pid` has an event channel for this one: port `value` of domain `frames`. */
export const EVENT_DOORBELL: u32 = 7;
/** Child `pid` belongs to process group `value` now. */
export const EVENT_GROUP: u32 = 8;
/** A signal that comes with a value. */
export const EVENT_QUEUED: u32 = 9;

/** Operations that a domain can ask of forkd besides a fork. */
export const REQUEST_KILL: u32 = 1;
/** Tell process `requestPid` of port `requestValue`, which this domain has for it. */
export const REQUEST_DOORBELL: u32 = 2;
/** Has process `requestPid` join process group `requestValue`. */
export const REQUEST_JOIN: u32 = 3;
/** Has process `requestPid`, the caller, begin a session: its number. */
export const REQUEST_SESSION: u32 = 4;
/** Which process group, or session, process `requestPid` belongs to. */
export const REQUEST_GROUP_OF: u32 = 5;
export const REQUEST_SESSION_OF: u32 = 6;
/** To send a signal with a value, `requestData`. */
export const REQUEST_QUEUE: u32 = 7;

/** Bytes from the page's start to the stage times, u64 ns each: STAGES of the domain, its monotonic time, then as many of forkd. */
const STAGE_TIMES: usize = 1024;
export const STAGES: u32 = 16;
export const STAGE_CALLED: u32 = 0;
export const STAGE_STORE_RESTS: u32 = 1;
export const STAGE_PROTECTED: u32 = 2;
export const STAGE_NOTIFIED: u32 = 3;
export const STAGE_ANSWERED: u32 = 4;
export const STAGE_RETURNED: u32 = 5;
export const STAGE_CHILD_BEGAN: u32 = 8;
export const STAGE_CHILD_CONNECTED: u32 = 9;
export const STAGE_CHILD_RETURNED: u32 = 10;
export const STAGE_CHILD_NETWORK: u32 = 11;
const EVENT_RING: usize = 2048;
const EVENT_SHIFT: usize = 5;

/** The page's beginning. */
@unmanaged
@final
export class ForkDescriptor {
  magic: u32;
  version: u32;
  /** One more with each fork. */
  sequence: u32;
  /** The parent's: FORK_PENDING, then the child's pid or -errno. The child's: 0. */
  result: i32;
  /** Stack pointer at which the child goes on (boot/fork.asm). */
  stackPointer: u64;
  /** Where the child's vCPU begins, with rdi = the address of `stackPointer`. */
  childEntry: u64;
  /** Address of the p2m list, and how many pages the domain has. */
  p2mList: u64;
  pageCount: u64;
  startInfoPfn: u32;
  /** Addresses >> 12 of what is not the domain's own memory: not copied, mapped anew in the child. */
  sharedInfoPage: u32;
  grantTablePage: u32;
  grantTablePages: u32;
  consolePfn: u32;
  storePfn: u32;
  /** The top-level page table. */
  l4Pfn: u32;
  /** The address of this page. */
  address: u32;
  /** forkd: 1 while it serves this domain. */
  ready: u32;
  /** forkd: this process's pid, and its parent's. */
  pid: u32;
  parentPid: u32;
  /** How the process ended, as wait(2) encodes it; written before the domain shuts down. */
  exitStatus: i32;
  eventProducer: u32;
  eventConsumer: u32;
  /** forkd: how many other live domains may share frames with this one; 0 means that shared frames may be written in place. */
  sharers: u32;
  /** forkd, in a child: how it was made, WAY_*. */
  way: u32;
  /** One more whenever page tables come or the kernel's memory grows: what forkd prepared before is of no use then. */
  layout: u32;
  /** How many changes of single pages were ever written to the log at `changeLog` (u32 page numbers, a ring). */
  changeProducer: u32;
  changeLog: u64;
  changeLogSize: u32;
  /** Frames below belong to the image and the kernel, whose pages are copied … */
  kernelEndPfn: u32;
  /** … except the image's text and constants. Addresses >> 12. */
  constantFirstPage: u32;
  constantEndPage: u32;
  /** Where the app's memory begins: an address >> 12. */
  appFirstPage: u32;
  /** The last child that this process has learnt of: forkd can tell so when `result` is about the next fork already. */
  lastChild: i32;
  /** The page allocator's states, a byte for each frame: 0x80 | order heads a free block, whose contents nobody needs. */
  pageStates: u64;
  /** What the domain asks of forkd: REQUEST_*, its arguments, and FORK_PENDING, then 0, what was asked for or -errno. */
  requestOperation: u32;
  requestPid: i32;
  requestValue: i32;
  requestResult: i32;
  /** The IPv4 address of the network interface, in host order; 0 = none. */
  networkAddress: u32;
  /** The address of the mailbox (mailbox.ts). */
  mailbox: u32;
  /** Pages that a child has in common with this domain, writable: addresses >> 12; none when both are 0. */
  sharedFirstPage: u32;
  sharedEndPage: u32;
  /** forkd: this domain's number. */
  domain: u32;
  /** forkd, before `result`: how the child was made, WAY_*. */
  childWay: u32;
  /** 1 while a lock in a shared page is held: this is no moment to stop the domain. */
  locked: u32;
  /** forkd, in a child: the ephemeral ports that are its own. */
  firstPort: u16;
  portCount: u16;
  /** FORK_PENDING when the domain is about to fork and wants a shell to stand ready; then 0: one does, or cannot be had. */
  shellAnswer: i32;
  /** forkd: how many shells stand ready, and the `layout` and `changeProducer` for which the last of them was made. */
  shells: u32;
  shellLayout: u32;
  shellChanges: u32;
  /** forkd: the process group and the session of this process. */
  group: u32;
  session: u32;
  /** One more argument of what the domain asks for. */
  requestData: i32;
}

/** How a child was made. */
export const WAY_COPY: u32 = 1;
export const WAY_SHARE: u32 = 2;
export const WAY_POOL: u32 = 3;

/** An entry of the ring of events: what happened to a child, or a signal. */
@unmanaged
@final
export class FamilyEvent {
  kind: u32;
  /** The child; of a signal, the sender. */
  pid: i32;
  /** EXIT: status as wait(2) encodes it. STOPPED, SIGNAL, QUEUED: the signal's number. GROUP, ADOPTED: the process group. */
  value: i32;
  /** QUEUED: what comes with the signal. */
  data: i32;
  /** EXIT: the processor time it had in ns, and the most frames it had of its own. */
  cpuTime: u64;
  frames: u64;
}

let page: usize = 0;

/** Makes the page; false when memory is exhausted. */
export function forkDescriptorInit(): bool {
  page = pageAlloc();
  if (page == 0) return false;
  memory.fill(page, 0, PAGE_SIZE);
  forkDescriptor().magic = MAGIC;
  forkDescriptor().version = FORK_VERSION;
  forkDescribe();
  return true;
}

/** Says where everything is that forkd needs for a copy. What of it changes has to be right when a fork is asked for. */
export function forkDescribe(): void {
  const descriptor = forkDescriptor();
  const info = startInfo();
  descriptor.address = <u32>page;
  descriptor.childEntry = forkChild();
  descriptor.p2mList = info.mfn_list;
  descriptor.pageCount = info.nr_pages;
  descriptor.startInfoPfn = addressFrame(changetype<usize>(info));
  descriptor.sharedInfoPage = <u32>(sharedInfo() >> PAGE_SHIFT);
  descriptor.grantTablePage = <u32>(grantTableAddress() >> PAGE_SHIFT);
  descriptor.grantTablePages = grantTableFrames();
  descriptor.consolePfn = <u32>machineToPhys(info.console_mfn);
  descriptor.storePfn = <u32>machineToPhys(info.store_mfn);
  descriptor.l4Pfn = addressFrame(<usize>info.pt_base);
  descriptor.kernelEndPfn = framesKernelEnd();
  descriptor.constantFirstPage = <u32>(textStart() >> PAGE_SHIFT);
  descriptor.constantEndPage = <u32>(rodataEnd() >> PAGE_SHIFT);
  descriptor.appFirstPage = <u32>(APP_BASE >> PAGE_SHIFT);
  descriptor.pageStates = pagesStates();
  descriptor.sharedFirstPage = sharedPagesReady() ? <u32>(SHARED_BASE >> PAGE_SHIFT) : 0;
  descriptor.sharedEndPage = sharedPagesReady() ? <u32>(SHARED_END >> PAGE_SHIFT) : 0;
}

/** The page, or null without one (the domain does not offer fork). */
export function forkDescriptor(): ForkDescriptor {
  return changetype<ForkDescriptor>(page);
}

/** Entry `index` (running freely) of the ring of events. */
export function eventEntry(index: u32): FamilyEvent {
  return changetype<FamilyEvent>(page + EVENT_RING + ((<usize>(index & (FAMILY_EVENTS - 1))) << EVENT_SHIFT));
}

/** Where the 2 * STAGES stage times stand. */
export function stageTimes(): usize {
  return page + STAGE_TIMES;
}

/** Notes that a fork has reached a stage of the domain's. */
export function stageReached(stage: u32): void {
  store<u64>(stageTimes() + ((<usize>stage) << 3), monotonicNow());
}

/** In a child: forgets what the page says of the parent. The result and the pids are the child's own already. */
export function forkDescriptorRenew(): void {
  const descriptor = forkDescriptor();
  descriptor.ready = 0;
  descriptor.exitStatus = 0;
  descriptor.lastChild = 0;
  descriptor.eventProducer = 0;
  descriptor.eventConsumer = 0;
  descriptor.requestOperation = 0;
  descriptor.requestResult = 0;
  descriptor.locked = 0;
  descriptor.shellAnswer = 0;
  descriptor.shells = 0;
  store<u64>(stageTimes() + ((<usize>STAGE_CHILD_NETWORK) << 3), 0); // the parent's network was there long ago
}

/** Leaves word of how the process ends, as wait(2) encodes it, for the parent. The first word counts. */
export function exitStatusLeave(status: i32): void {
  if (page != 0 && forkDescriptor().exitStatus == 0) forkDescriptor().exitStatus = status;
}
