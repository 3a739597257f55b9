// fork(): the domain becomes two. The guest side is small: wait for a domain that can be the child (shell.ts), put xenstore to rest, describe the domain, write-protect what the
// child may share, tell forkd and wait in Xen. Nothing of the parent is disconnected; the child makes what it owns anew
// (child.ts). On the way: three hypercalls.
//
// From the moment xenstore rests until the copy is made no other thread and no kernel work runs, events stay masked:
// so the copy is one of a kernel at rest.
import { forkContext } from "../boot";
import { EAGAIN, ENOSYS } from "../errno";
import { eventChannelClear, eventChannelNotify } from "../event_channel";
import { copyOnWriteProtect } from "../memory/copy_on_write";
import { monotonicNow, systemTimeAt } from "../time/clock";
import { sharedPipesForking, sharedPipesParent } from "../optional/with_fork_pipe";
import { schedPoll } from "../xen/hypercall";
import { xenstoreResume, xenstoreSuspend } from "../xenbus/xenstore";
import { childStart } from "./child";
import {
  FORK_PENDING,
  ForkDescriptor,
  STAGE_ANSWERED,
  STAGE_CALLED,
  STAGE_CHILD_RETURNED,
  STAGE_NOTIFIED,
  STAGE_PROTECTED,
  STAGE_RETURNED,
  STAGE_STORE_RESTS,
  forkDescribe,
  forkDescriptor,
  stageReached,
} from "./descriptor";
import { eventsTake, forkAwaitServed, forkPort, forkStillServed } from "./offer";
import { shellAwait } from "./shell";

/** How often, in ns, a waiting parent looks whether forkd still lives. */
const PATIENCE: u64 = 250_000_000;
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
  stageReached(STAGE_CALLED);
  shellAwait();
  if (forking) return -EAGAIN;
  forking = true;
  const result = xenstoreSuspend() == 0 ? copy() : -EAGAIN;
  if (result != 0) xenstoreResume();
  forking = false;
  stageReached(result == 0 ? STAGE_CHILD_RETURNED : STAGE_RETURNED);
  return result;
}

function resultAt(): usize {
  return changetype<usize>(forkDescriptor()) + offsetof<ForkDescriptor>("result");
}

/** With xenstore at rest. */
function copy(): i32 {
  const descriptor = forkDescriptor();
  stageReached(STAGE_STORE_RESTS);
  forkDescribe();
  const refused = sharedPipesForking();
  if (refused != 0) return refused;
  descriptor.sequence += 1;
  copyOnWriteProtect();
  stageReached(STAGE_PROTECTED);
  const result = forkContext(changetype<usize>(descriptor) + offsetof<ForkDescriptor>("stackPointer"));
  if (result == 0) childStart();
  return result;
}

/** Export: asks for the copy, below the context that boot/fork.asm has saved; the result in the parent. */
export function forkRequest(): i32 {
  const port = forkPort();
  store<u32>(portList, port);
  stageReached(STAGE_NOTIFIED);
  // Not before the context is saved: a forkd that begins just now looks for requests without being notified.
  atomic.store<i32>(resultAt(), FORK_PENDING);
  eventChannelNotify(port);
  const result = answer(port);
  stageReached(STAGE_ANSWERED);
  sharedPipesParent(result);
  eventsTake(); // the wait may have swallowed an event of the family
  if (result > 0) {
    forkDescriptor().lastChild = result;
    return result;
  }
  return result == 0 || result < LEAST_ERROR ? -EAGAIN : result; // 0 is the child's only
}

function answer(port: u32): i32 {
  let asked = monotonicNow();
  while (atomic.load<i32>(resultAt()) == FORK_PENDING) {
    schedPoll(portList, 1, systemTimeAt(asked + PATIENCE));
    eventChannelClear(port);
    const now = monotonicNow();
    if (now < asked + PATIENCE) continue;
    asked = now;
    // A daemon that comes later must not find an open request.
    if (!forkStillServed()) return withdraw();
  }
  return atomic.load<i32>(resultAt());
}

/** forkd has gone: takes the request back, unless it was answered at the last moment. */
function withdraw(): i32 {
  const result = atomic.cmpxchg<i32>(resultAt(), FORK_PENDING, -EAGAIN);
  return result == FORK_PENDING ? -EAGAIN : result;
}
