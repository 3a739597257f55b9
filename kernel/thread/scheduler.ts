// Cooperative threads on one vCPU. Two classes: kernel threads (power, xenbus …) go first; app threads share the
// app's runtime, which is not re-entrant, so an app thread runs until it blocks or yields. An event upcall may put a
// kernel thread in between; the app thread it interrupted then stands first in its queue, so no other app thread runs
// before it.
//
// There is no idle thread: with nothing runnable, the thread that blocks does the kernel's work and sleeps in Xen on
// its own stack. So with one thread no stack is ever switched.
// Invariants: a thread is in a run queue exactly while RUNNABLE; the current thread is in none.
import {
  appStackPointerGet,
  appStackPointerSet,
  contextSwitch,
  setStackLimit,
  threadStart as threadStartAddress,
} from "../boot";
import { EINTR, ETIMEDOUT } from "../errno";
import { ListNode, listEmpty, listFirst, listInit, listInsertTail, listRemove } from "../list";
import { Slab, SLAB_SIZE, slabInit } from "../memory/slab";
import { PAGE_SIZE } from "../memory/pages";
import { panic } from "../panic";
import { NEVER } from "../time/clock";
import { Timer, TIMER_SIZE, timerCancel, timerInit, timerSet } from "../time/timer";
import { idleWait, kernelWork, workPending } from "../work";
import { stackAlloc, stackFree } from "./stack";

/** Below an app thread's limit this many bytes are left for system calls, upcalls and trap frames. */
export const STACK_RESERVE: u32 = 8192;

/** While threads take turns and no event comes, every so many-th switch looks for the kernel's work; a power of two. */
const TURNS: u32 = 32;

const STATE_RUNNING: u32 = 0;
const STATE_RUNNABLE: u32 = 1;
const STATE_BLOCKED: u32 = 2;
const STATE_DEAD: u32 = 3;

/** A thread. Its stack is a block of pages whose lowest one is an unmapped guard. */
@unmanaged
@final
export class Thread {
  private runNext: usize; // ListNode of the run queue; must come first
  private runPrevious: usize;
  stackPointer: u64;
  waiterNext: usize; // the Waiter of waitOn
  private waiterPrevious: usize;
  private waiterQueue: usize;
  private waiterThread: usize;
  state: u32;
  /** Set when a wake-up comes while the thread is not blocked: the next block returns at once. */
  woken: bool;
  timedOut: bool;
  /** App threads run app code and have a shadow stack. */
  isApp: bool;
  /** A signal is due to it: whatever it waits for interruptibly is over. */
  interrupted: bool;
  stack: usize;
  stackPages: u32;
  entry: u32;
  argument: usize;
  appStackPointer: u32;
  /** The owner's own data (libos/process). */
  owner: usize;
}

const TIMER_OFFSET: u32 = (offsetof<Thread>() + 7) & ~7;
const THREAD_SIZE: u32 = TIMER_OFFSET + TIMER_SIZE;

const threads = changetype<Slab>(memory.data(SLAB_SIZE, 8));
const kernelQueue = changetype<ListNode>(memory.data(8, 4));
const appQueue = changetype<ListNode>(memory.data(8, 4));
let current: usize = 0;
let dead: usize = 0;
let turn: u32 = 0;

function timerOf(thread: Thread): Timer {
  return changetype<Timer>(changetype<usize>(thread) + TIMER_OFFSET);
}

function linkOf(thread: Thread): ListNode {
  return changetype<ListNode>(thread);
}

function queueOf(thread: Thread): ListNode {
  return thread.isApp ? appQueue : kernelQueue;
}

function onTimeout(argument: usize): void {
  const thread = changetype<Thread>(argument);
  thread.timedOut = true;
  threadWake(thread);
}

function newThread(): Thread {
  const thread = changetype<Thread>(threads.alloc());
  if (changetype<usize>(thread) != 0) timerInit(timerOf(thread), onTimeout.index, changetype<usize>(thread));
  return thread;
}

/** Makes the running context the first thread, on the stack it already has. */
export function schedulerInit(): void {
  slabInit(threads, THREAD_SIZE);
  listInit(kernelQueue);
  listInit(appQueue);
  current = changetype<usize>(newThread());
  if (current == 0) panic("no memory for the first thread");
}

/** The running thread. */
export function currentThread(): Thread {
  return changetype<Thread>(current);
}

/**
 * A new runnable thread that calls the function with table index `entry` with `argument`.
 * @param stackPages pages of stack, the guard not counted
 * @returns the thread, or 0 when memory is exhausted
 */
export function threadCreate(entry: u32, argument: usize, stackPages: u32, isApp: bool = false): usize {
  const thread = newThread();
  if (changetype<usize>(thread) == 0) return 0;
  thread.stack = stackAlloc(stackPages);
  if (thread.stack == 0) {
    threads.free(changetype<usize>(thread));
    return 0;
  }
  thread.stackPages = stackPages;
  thread.entry = entry;
  thread.argument = argument;
  thread.isApp = isApp;
  // What contextSwitch pops: six registers and the address to go on at; then the alignment a call would leave.
  const top = thread.stack + PAGE_SIZE + stackPages * PAGE_SIZE;
  store<u64>(top - 16, threadStartAddress());
  thread.stackPointer = top - 16 - 48;
  memory.fill(<usize>thread.stackPointer, 0, 48);
  makeRunnable(thread);
  return changetype<usize>(thread);
}

/** Where a new context begins (export: boot/switch.asm calls it). */
export function threadMain(): void {
  if (dead != 0) reapDead();
  call_indirect<void>(currentThread().entry, currentThread().argument);
  threadExit();
}

function makeRunnable(thread: Thread): void {
  thread.state = STATE_RUNNABLE;
  listInsertTail(queueOf(thread), linkOf(thread));
}

/** Ends the current thread; does not return. */
export function threadExit(): void {
  const thread = currentThread();
  thread.state = STATE_DEAD;
  schedule();
  panic("a dead thread was scheduled");
}

/**
 * Takes `thread`, which is not the running one, out of scheduling for ever. Its memory stays: wait queues may refer to it,
 * and waking it does nothing.
 */
export function threadDiscard(thread: Thread): void {
  timerCancel(timerOf(thread));
  listRemove(linkOf(thread));
  thread.state = STATE_DEAD;
}

/** Blocks the current thread until threadWake: 0, or until `deadline` (monotonic ns): -ETIMEDOUT. Returns at once when a wake-up came before. */
export function threadBlock(deadline: u64): i32 {
  const thread = currentThread();
  if (thread.woken) {
    thread.woken = false;
    return 0;
  }
  thread.timedOut = false;
  thread.state = STATE_BLOCKED;
  if (deadline != NEVER) timerSet(timerOf(thread), deadline);
  schedule();
  if (deadline != NEVER) timerCancel(timerOf(thread));
  thread.woken = false;
  return thread.timedOut ? -ETIMEDOUT : 0;
}

/** Like threadBlock, but threadInterrupt ends it, too: -EINTR, at once when the thread is interrupted already. */
export function threadBlockInterruptibly(deadline: u64): i32 {
  const thread = currentThread();
  if (thread.interrupted) return -EINTR;
  const result = threadBlock(deadline);
  return result == 0 && thread.interrupted ? -EINTR : result;
}

/** Ends the interruptible waits of `thread`, this one and those to come, until `interrupted` is cleared. */
export function threadInterrupt(thread: Thread): void {
  thread.interrupted = true;
  threadWake(thread);
}

/** Makes `thread` runnable. May be called from interrupt work. */
export function threadWake(thread: Thread): void {
  if (thread.state == STATE_BLOCKED) makeRunnable(thread);
  else thread.woken = true;
}

/** Lets every other runnable thread go first. */
export function threadYield(): void {
  makeRunnable(currentThread());
  schedule();
}

/** True when a kernel thread waits for the processor. */
export function kernelThreadRunnable(): bool {
  return !listEmpty(kernelQueue);
}

/** From an event upcall: lets the runnable kernel threads go first, then this thread before any other of the app. */
export function threadPreempt(): void {
  const thread = currentThread();
  thread.state = STATE_RUNNABLE;
  // Behind the first node stands the list's beginning: inserting "at the tail" of the first node is inserting before it.
  listInsertTail(changetype<ListNode>(queueOf(thread).next), linkOf(thread));
  schedule();
}

function nextRunnable(): usize {
  const first = listFirst(kernelQueue);
  return first != 0 ? first : listFirst(appQueue);
}

function schedule(): void {
  let next = nextRunnable();
  turn += 1;
  if (next == 0 || workPending() || (turn & (TURNS - 1)) == 0) {
    kernelWork();
    next = nextRunnable();
  }
  while (next == 0) {
    idleWait();
    kernelWork();
    next = nextRunnable();
  }
  listRemove(changetype<ListNode>(next));
  changetype<Thread>(next).state = STATE_RUNNING;
  if (next == current) return;
  switchTo(changetype<Thread>(next));
  if (dead != 0) reapDead();
}

function switchTo(next: Thread): void {
  const previous = currentThread();
  if (previous.isApp) previous.appStackPointer = appStackPointerGet();
  if (previous.state == STATE_DEAD) dead = changetype<usize>(previous);
  if (next.isApp) {
    appStackPointerSet(next.appStackPointer);
    setStackLimit(next.stack + PAGE_SIZE + STACK_RESERVE);
  }
  current = changetype<usize>(next);
  contextSwitch(changetype<usize>(previous) + offsetof<Thread>("stackPointer"), <usize>next.stackPointer);
}

/** A thread cannot free the stack it stands on: the next one to run does. */
function reapDead(): void {
  const thread = changetype<Thread>(dead);
  dead = 0;
  if (thread.stack != 0) stackFree(thread.stack, thread.stackPages);
  threads.free(changetype<usize>(thread));
}
