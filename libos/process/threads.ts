// The app's threads, as the app knows them. The kernel's Thread does the running; its `owner` is the AppThread. A thread
// ends by itself only; with the last one the process ends.
// An id is the thread's place in the table plus SLOTS times the round in which it was given, so that it stays unused
// long after its thread has ended: a join of a thread that is gone does not meet another. The main thread's is 1.
import { appThreadStart } from "../../kernel/boot";
import { EAGAIN, EINVAL } from "../../kernel/errno";
import { ListNode, listRemove } from "../../kernel/list";
import { PAGE_SIZE, orderFor, pageAlloc } from "../../kernel/memory/pages";
import { SLAB_SIZE, Slab, slabInit } from "../../kernel/memory/slab";
import {
  Thread,
  currentThread,
  threadCreate,
  threadDiscard,
  threadExit,
  threadInterrupt,
} from "../../kernel/thread/scheduler";
import { signalsThreadEnded } from "../../kernel/optional/with_signal";
import { appExit } from "./app";

/** Places in the table; 0 stays empty and 1 is the main thread's. */
const SLOTS: u32 = 1024;
const FIRST_SLOT: u32 = 2;
const ROUNDS: u32 = 1 << 20;
const LEAST_STACK: u32 = 16384;
const MOST_STACK: u32 = 0x400000;

@unmanaged
@final
export class AppThread {
  /** Link among the sleepers of a futex; must come first. */
  private linkNext: usize;
  private linkPrevious: usize;
  /** The futex it sleeps on, an offset in app memory. */
  futex: u32;
  futexWoken: bool;
  id: i32;
  entry: u32;
  argument: u32;
  /** The kernel's thread; 0 for the main thread before it has called. */
  thread: usize;
  // Its signals (signals.ts), as sets:
  /** What it holds up. */
  blocked: u32;
  /** What was sent to it alone and waits. */
  pending: u32;
  /** Whose handlers are to run on it. */
  due: u32;
  /** What it holds up again behind the handler for which it waits, while it is `suspended`. */
  maskBefore: u32;
  suspended: bool;
  /** Handlers that run on it, each in the midst of the one before. */
  handlers: u8;

  get link(): ListNode {
    return changetype<ListNode>(this);
  }
}

export const NO_THREAD: AppThread = changetype<AppThread>(0);

const slab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
const mainThread = changetype<AppThread>(memory.data(56, 8)); // offsetof<AppThread>() bytes
let table: usize = 0; // one page: AppThread addresses by slot
let lastSlot: u32 = FIRST_SLOT - 1;
let round: u32 = 0;
let running: u32 = 1;

/** The calling thread. Whoever calls without having been created is the main thread. */
export function appThreadSelf(): AppThread {
  const thread = currentThread();
  if (thread.owner != 0) return changetype<AppThread>(thread.owner);
  mainThread.id = 1;
  mainThread.thread = changetype<usize>(thread);
  thread.owner = changetype<usize>(mainThread);
  return mainThread;
}

/** The thread with `id`, or null when there is none. */
export function appThreadOf(id: i32): AppThread {
  if (id == 1) return mainThread.thread != 0 ? mainThread : NO_THREAD;
  if (table == 0 || id < 1) return NO_THREAD;
  const thread = changetype<AppThread>(load<usize>(slotAddress(id & (SLOTS - 1))));
  return thread != NO_THREAD && thread.id == id ? thread : NO_THREAD;
}

/** The main thread, or another one when that has ended. */
export function appThreadFirst(): AppThread {
  const other = mainThread.thread != 0 ? NO_THREAD : appThreadBehind(FIRST_SLOT - 1);
  return other == NO_THREAD ? mainThread : other;
}

/** The first thread in a place behind `slot`, the main thread's is 1; or null. */
export function appThreadBehind(slot: u32): AppThread {
  if (table == 0) return NO_THREAD;
  while (++slot < SLOTS) {
    const thread = load<usize>(slotAddress(slot));
    if (thread != 0) return changetype<AppThread>(thread);
  }
  return NO_THREAD;
}

/** The place of `thread`. */
export function appThreadSlot(thread: AppThread): u32 {
  return thread.id & (SLOTS - 1);
}

function slotAddress(slot: u32): usize {
  return table + ((<usize>slot) << 2);
}

/** An id whose slot is free, or -EAGAIN. Slots are taken in turn. */
function freeId(): i32 {
  for (let tried = FIRST_SLOT; tried < SLOTS; tried++) {
    lastSlot += 1;
    if (lastSlot == SLOTS) {
      lastSlot = FIRST_SLOT;
      round = (round + 1) & (ROUNDS - 1);
    }
    if (load<usize>(slotAddress(lastSlot)) == 0) return <i32>(round * SLOTS + lastSlot);
  }
  return -EAGAIN;
}

function prepareTable(): bool {
  if (table != 0) return true;
  table = pageAlloc();
  if (table == 0) return false;
  memory.fill(table, 0, PAGE_SIZE);
  slabInit(slab, offsetof<AppThread>());
  return true;
}

/**
 * Starts a thread in the app's _thread_start(entry, argument).
 * @param stackSize bytes of its machine stack with the guard page and the part that system calls use
 * @param shadowStackTop where its __stack_pointer begins
 * @returns its id, -EAGAIN, or -EINVAL for a size out of range
 */
export function appThreadCreate(entry: u32, argument: u32, stackSize: u32, shadowStackTop: u32): i32 {
  if (stackSize < LEAST_STACK || stackSize > MOST_STACK) return -EINVAL;
  const self = appThreadSelf(); // the main thread is known before there is a second
  if (!prepareTable()) return -EAGAIN;
  const id = freeId();
  if (id < 0) return id;
  const appThread = changetype<AppThread>(slab.alloc());
  if (appThread == NO_THREAD) return -EAGAIN;
  // Stacks are blocks of 2^n pages, the guard among them: use all of it.
  const pages = (1 << orderFor(stackSize)) - 1;
  const thread = changetype<Thread>(threadCreate(runAppThread.index, changetype<usize>(appThread), pages, true));
  if (changetype<usize>(thread) == 0) {
    slab.free(changetype<usize>(appThread));
    return -EAGAIN;
  }
  thread.owner = changetype<usize>(appThread);
  thread.appStackPointer = shadowStackTop;
  appThread.id = id;
  appThread.entry = entry;
  appThread.argument = argument;
  appThread.thread = changetype<usize>(thread);
  appThread.blocked = self.blocked;
  store<usize>(slotAddress(id & (SLOTS - 1)), changetype<usize>(appThread));
  running += 1;
  return id;
}

/**
 * In the child of a fork, on the thread that called it: the app's other threads are gone. They stay where they were in the
 * queues of what they waited for, as does what they held; waking them does nothing.
 */
export function appThreadsForked(): void {
  const self = appThreadSelf();
  if (mainThread.thread != 0 && mainThread != self) {
    forget(mainThread);
    mainThread.thread = 0;
  }
  for (let slot = FIRST_SLOT; slot < SLOTS && table != 0; slot++) {
    const thread = changetype<AppThread>(load<usize>(slotAddress(slot)));
    if (thread == NO_THREAD || thread == self) continue;
    forget(thread);
    store<usize>(slotAddress(slot), 0);
  }
  running = 1;
}

/** How many threads the app has. */
export function appThreadsRunning(): u32 {
  return running;
}

/** Ends what all threads but the calling one interruptibly wait for. */
export function appThreadsInterrupt(): void {
  const self = appThreadSelf();
  if (mainThread.thread != 0 && mainThread != self) threadInterrupt(changetype<Thread>(mainThread.thread));
  for (let slot = FIRST_SLOT; slot < SLOTS && table != 0; slot++) {
    const thread = changetype<AppThread>(load<usize>(slotAddress(slot)));
    if (thread != NO_THREAD && thread != self) threadInterrupt(changetype<Thread>(thread.thread));
  }
}

/** The calling thread, the only one, ends, and `successor`, a new thread of the kernel's, is the main thread; does not return. */
export function appThreadReplace(successor: usize): void {
  const self = appThreadSelf();
  currentThread().owner = 0;
  if (self != mainThread) {
    mainThread.blocked = self.blocked;
    mainThread.pending = self.pending;
    store<usize>(slotAddress(self.id & (SLOTS - 1)), 0);
    slab.free(changetype<usize>(self));
  }
  mainThread.id = 1;
  mainThread.thread = successor;
  mainThread.handlers = 0;
  mainThread.suspended = false;
  changetype<Thread>(successor).owner = changetype<usize>(mainThread);
  threadExit();
}

function forget(thread: AppThread): void {
  listRemove(thread.link);
  threadDiscard(changetype<Thread>(thread.thread));
}

function runAppThread(argument: usize): void {
  const appThread = changetype<AppThread>(argument);
  appThreadStart(appThread.entry, appThread.argument);
  appThreadExit();
}

/** Ends the calling thread, and with the last one the process, with status 0; does not return. */
export function appThreadExit(): void {
  const self = appThreadSelf();
  running -= 1;
  if (running == 0) appExit(0);
  currentThread().owner = 0;
  if (self == mainThread) {
    mainThread.thread = 0;
  } else {
    store<usize>(slotAddress(self.id & (SLOTS - 1)), 0);
    slab.free(changetype<usize>(self));
  }
  signalsThreadEnded();
  threadExit();
}
