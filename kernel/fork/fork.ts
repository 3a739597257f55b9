// fork(): the domain becomes two. The guest side is small: put xenstore to rest, describe the domain and the context in
// which the copy goes on, tell forkd and wait in Xen. forkd pauses this domain, copies it, and lets both run. Nothing of
// the parent is disconnected; the child makes what it owns anew (child.ts).
//
// From the moment xenstore rests until the copy is made no other thread and no kernel work runs, events stay masked:
// so the copy is one of a kernel at rest.
import { forkChild, forkContext, machineToPhys, sharedInfo } from "../boot";
import { EAGAIN, ENOSYS } from "../errno";
import { eventChannelClear, eventChannelNotify } from "../event_channel";
import { grantTableAddress, grantTableFrames } from "../grant_table";
import { addressFrame } from "../memory/frames";
import { PAGE_SHIFT } from "../memory/pages";
import { monotonicNow, systemTimeAt } from "../time/clock";
import { schedPoll } from "../xen/hypercall";
import { startInfo } from "../xen/start_info";
import { xenstoreResume, xenstoreSuspend } from "../xenbus/xenstore";
import { childStart } from "./child";
import { FORK_PENDING, ForkDescriptor, forkDescriptor } from "./descriptor";
import { eventsTake, forkAwaitServed, forkPort, forkServed } from "./offer";

/** How often, in ns, a waiting parent looks whether forkd still lives. */
const PATIENCE: u64 = 1_000_000_000;
/** Results below are no error numbers. */
const LEAST_ERROR: i32 = -4095;

const portList = memory.data(4, 4);
let forking = false;

/**
 * Duplicates the domain. Returns twice: the child's pid (> 0) in the parent, 0 in the child, in which only the calling
 * thread may go on running app code. -ENOSYS when forkd does not serve this domain; -EAGAIN when another thread forks,
 * or xenstore or forkd cannot now; -ENOMEM when the host lacks memory. Called by a thread; blocks.
 */
export function fork(): i32 {
  if (!forkAwaitServed()) return -ENOSYS;
  if (forking) return -EAGAIN;
  forking = true;
  const result = xenstoreSuspend() == 0 ? copy() : -EAGAIN;
  if (result != 0) xenstoreResume();
  forking = false;
  return result;
}

/** With xenstore at rest. */
function copy(): i32 {
  if (!forkServed()) return -ENOSYS; // it may have gone while xenstore came to rest
  describe();
  const result = forkContext(changetype<usize>(forkDescriptor()) + offsetof<ForkDescriptor>("stackPointer"));
  if (result == 0) childStart();
  return result;
}

function describe(): void {
  const descriptor = forkDescriptor();
  const info = startInfo();
  descriptor.sequence += 1;
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
  atomic.store<i32>(changetype<usize>(descriptor) + offsetof<ForkDescriptor>("result"), FORK_PENDING);
}

/** Export: asks for the copy, below the context that boot/fork.asm has saved; the result in the parent. */
export function forkRequest(): i32 {
  const port = forkPort();
  store<u32>(portList, port);
  eventChannelNotify(port);
  const result = answer(port);
  eventsTake(); // the wait may have swallowed an event of the family
  if (result > 0) return result;
  return result == 0 || result < LEAST_ERROR ? -EAGAIN : result; // 0 is the child's only
}

function answer(port: u32): i32 {
  const resultAt = changetype<usize>(forkDescriptor()) + offsetof<ForkDescriptor>("result");
  eventChannelClear(port);
  while (atomic.load<i32>(resultAt) == FORK_PENDING) {
    schedPoll(portList, 1, systemTimeAt(monotonicNow() + PATIENCE));
    // A daemon that comes later must not find an open request.
    if (!forkServed()) return withdraw(resultAt);
    eventChannelClear(port);
  }
  return atomic.load<i32>(resultAt);
}

/** forkd has gone: takes the request back, unless it was answered at the last moment. */
function withdraw(resultAt: usize): i32 {
  const result = atomic.cmpxchg<i32>(resultAt, FORK_PENDING, -EAGAIN);
  return result == FORK_PENDING ? -EAGAIN : result;
}
