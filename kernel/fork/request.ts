// What a domain asks of forkd besides forks: one request at a time, in the fork descriptor. Other threads wait their turn.
import { ENOSYS, ESRCH } from "../errno";
import { eventChannelNotify } from "../event_channel";
import { WaitQueue, waitOn, wakeOne } from "../thread/wait_queue";
import { NEVER, monotonicNow, systemTimeAt } from "../time/clock";
import { schedPoll } from "../xen/hypercall";
import { FORK_PENDING, ForkDescriptor, forkDescriptor } from "./descriptor";
import { forkAnswers, forkAwaitServed, forkPort, forkServed, forkStillServed } from "./offer";

/** How often, in ns, a waiting thread looks whether forkd still lives, and a domain that waits as a whole for the answer. */
const PATIENCE: u64 = 1_000_000_000;
const POLL_INTERVAL: u64 = 10_000_000;

const turn = changetype<WaitQueue>(memory.data(8, 4));
let busy = false;

function resultAt(): usize {
  return changetype<usize>(forkDescriptor()) + offsetof<ForkDescriptor>("requestResult");
}

function open(): bool {
  return atomic.load<i32>(resultAt()) == FORK_PENDING;
}

function post(operation: u32, pid: i32, value: i32, data: i32): void {
  const descriptor = forkDescriptor();
  descriptor.requestOperation = operation;
  descriptor.requestPid = pid;
  descriptor.requestValue = value;
  descriptor.requestData = data;
  atomic.store<i32>(resultAt(), FORK_PENDING);
  eventChannelNotify(forkPort());
}

/**
 * Asks forkd for REQUEST_* `operation` and waits for the answer: 0, what was asked for or -errno; -ESRCH when the domain does not offer fork, so
 * that it is a family of its own; -ENOSYS when no forkd serves it. Called by a thread; blocks, but not the other threads.
 */
export function forkAsk(operation: u32, pid: i32, value: i32, data: i32 = 0): i32 {
  if (changetype<usize>(forkDescriptor()) == 0) return -ESRCH;
  while (busy) waitOn(turn, NEVER);
  busy = true;
  let result = -ENOSYS;
  if (forkAwaitServed()) {
    post(operation, pid, value, data);
    while (open() && forkStillServed()) waitOn(forkAnswers(), monotonicNow() + PATIENCE);
    result = atomic.load<i32>(resultAt());
    if (result == FORK_PENDING) result = -ENOSYS;
  }
  settle(0);
  busy = false;
  wakeOne(turn);
  return result;
}

/** Like forkAsk, but nothing in the domain goes on before the answer: for kernel work, which must not block. */
export function forkAskStill(operation: u32, pid: i32, value: i32): void {
  if (!forkServed()) return;
  awaitStill();
  const other = atomic.load<i32>(resultAt()); // the answer to a thread that has not seen it yet
  post(operation, pid, value, 0);
  awaitStill();
  settle(other);
}

function awaitStill(): void {
  while (open() && forkStillServed()) schedPoll(0, 0, systemTimeAt(monotonicNow() + POLL_INTERVAL));
}

function settle(result: i32): void {
  forkDescriptor().requestOperation = 0;
  atomic.store<i32>(resultAt(), result);
}

/** In the child of a fork: the requests of other threads were the parent's. */
export function forkRequestsForget(): void {
  busy = false;
}
