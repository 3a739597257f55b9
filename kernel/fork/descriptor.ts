// The fork descriptor: the page in which a domain and forkd, the daemon in dom0 that copies domains, talk about forks.
// The domain tells its pfn and an event channel in xenstore (offer.ts); forkd maps it. Little endian. All of it is
// copied to the child like any other page; forkd then writes the child's result and pids into the copy.
//
// Who writes what: forkd `result` (after PENDING), `ready`, `pid`, `parentPid`, the ring of exit events and its producer
// index; the domain everything else. Either side reads the other's fields once, with an atomic load.
import { pageAlloc, PAGE_SIZE } from "../memory/pages";

/** "KFRK". */
const MAGIC: u32 = 0x4b52464b;
export const FORK_VERSION: u32 = 1;
/** `result` while the answer is open. */
export const FORK_PENDING: i32 = 0x7fffffff;
/** Exit events that fit into the ring: as many children as a process may have, so that it cannot overflow. */
export const EXIT_EVENTS: u32 = 64;

const EXIT_RING: usize = 128;

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
  /** Where the child's vCPU begins, with rdi = stackPointer. */
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
  flags: u32;
  /** forkd: 1 while it serves this domain. */
  ready: u32;
  /** forkd: this process's pid, and its parent's. */
  pid: u32;
  parentPid: u32;
  /** How the process ended, as wait(2) encodes it; written before the domain shuts down. */
  exitStatus: i32;
  exitProducer: u32;
  exitConsumer: u32;
}

/** An entry of the ring of exit events: a child that has ended. */
@unmanaged
@final
export class ExitEvent {
  pid: u32;
  /** As wait(2) encodes it. */
  status: i32;
}

let page: usize = 0;

/** Makes the page; false when memory is exhausted. */
export function forkDescriptorInit(): bool {
  page = pageAlloc();
  if (page == 0) return false;
  memory.fill(page, 0, PAGE_SIZE);
  forkDescriptor().magic = MAGIC;
  forkDescriptor().version = FORK_VERSION;
  return true;
}

/** The page, or null without one (the domain does not offer fork). */
export function forkDescriptor(): ForkDescriptor {
  return changetype<ForkDescriptor>(page);
}

/** Entry `index` (running freely) of the ring of exit events. */
export function exitEvent(index: u32): ExitEvent {
  return changetype<ExitEvent>(page + EXIT_RING + ((<usize>(index & (EXIT_EVENTS - 1))) << 3));
}

/** In a child: forgets what the page says of the parent. The result and the pids are the child's own already. */
export function forkDescriptorRenew(): void {
  const descriptor = forkDescriptor();
  descriptor.ready = 0;
  descriptor.exitStatus = 0;
  descriptor.exitProducer = 0;
  descriptor.exitConsumer = 0;
}

/** Leaves word of how the process ends, as wait(2) encodes it, for the parent. The first word counts. */
export function exitStatusLeave(status: i32): void {
  if (page != 0 && forkDescriptor().exitStatus == 0) forkDescriptor().exitStatus = status;
}
