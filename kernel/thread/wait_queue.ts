// Wait queues: threads that wait for a condition of some object. A waiter is one thread's place in one queue, so a
// thread can stand in many queues at once (poll). Waking takes no waiter out of its queue: who waits re-checks the
// condition in a loop and leaves by itself, so a wake-up too many does no harm. A waiter may also stand for no thread but for who wants to
// be told of each wake-up (watchWoken).
// Invariant: a waiter is in a queue exactly while its `queue` field is not 0.
import { watchWoken } from "../optional/with_epoll";
import { Thread, currentThread, threadBlock, threadBlockInterruptibly, threadWake } from "./scheduler";

/** The threads waiting for one thing; all zero is an empty queue. */
@unmanaged
@final
export class WaitQueue {
  first: usize;
  last: usize;
}

/** A thread's place in a queue; all zero when idle. */
@unmanaged
@final
export class Waiter {
  next: usize;
  previous: usize;
  queue: usize;
  /** 0: watchWoken() is told instead. */
  thread: usize;
}

/** Bytes of a Waiter, for arrays of them. */
export const WAITER_SIZE: u32 = 16;

/** Puts the current thread into `queue` at `waiter`'s place. */
export function waiterAdd(queue: WaitQueue, waiter: Waiter): void {
  waiter.thread = changetype<usize>(currentThread());
  waiterWatch(queue, waiter);
}

/** Puts `waiter`, whose thread is set or 0, into `queue`. */
export function waiterWatch(queue: WaitQueue, waiter: Waiter): void {
  waiter.queue = changetype<usize>(queue);
  waiter.next = 0;
  waiter.previous = queue.last;
  if (queue.last != 0) changetype<Waiter>(queue.last).next = changetype<usize>(waiter);
  else queue.first = changetype<usize>(waiter);
  queue.last = changetype<usize>(waiter);
}

/** Takes `waiter` out of its queue; does nothing when it is in none. */
export function waiterRemove(waiter: Waiter): void {
  if (waiter.queue == 0) return;
  const queue = changetype<WaitQueue>(waiter.queue);
  if (waiter.previous != 0) changetype<Waiter>(waiter.previous).next = waiter.next;
  else queue.first = waiter.next;
  if (waiter.next != 0) changetype<Waiter>(waiter.next).previous = waiter.previous;
  else queue.last = waiter.previous;
  waiter.queue = 0;
}

/** Wakes every waiting thread, and tells who watches. May be called from interrupt work. */
export function wakeAll(queue: WaitQueue): void {
  const first = queue.first;
  if (first == 0) return;
  if (changetype<Waiter>(first).next != 0) wakeFrom(first);
  else wake(first); // most often nobody else waits
}

function wakeFrom(first: usize): void {
  for (let at = first; at != 0; at = changetype<Waiter>(at).next) wake(at);
}

function wake(waiter: usize): void {
  const thread = changetype<Waiter>(waiter).thread;
  if (thread != 0) threadWake(changetype<Thread>(thread));
  else watchWoken(waiter);
}

/** Wakes the thread that has waited longest, in a queue of threads only. */
export function wakeOne(queue: WaitQueue): void {
  if (queue.first != 0) threadWake(changetype<Thread>(changetype<Waiter>(queue.first).thread));
}

function ownWaiter(): Waiter {
  return changetype<Waiter>(changetype<usize>(currentThread()) + offsetof<Thread>("waiterNext"));
}

/** Blocks the current thread until the queue is woken: 0, or until `deadline` (monotonic ns): -ETIMEDOUT. Check the condition again afterwards. */
export function waitOn(queue: WaitQueue, deadline: u64): i32 {
  const waiter = ownWaiter();
  waiterAdd(queue, waiter);
  const result = threadBlock(deadline);
  waiterRemove(waiter);
  return result;
}

/** Like waitOn, but a signal for the thread ends it, too: -EINTR. All system calls that an app may wait in use it. */
export function waitInterruptibly(queue: WaitQueue, deadline: u64): i32 {
  const waiter = ownWaiter();
  waiterAdd(queue, waiter);
  const result = threadBlockInterruptibly(deadline);
  waiterRemove(waiter);
  return result;
}
