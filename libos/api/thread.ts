// pthread.h and sched.h. Threads are cooperative: the processor changes hands only in calls that wait, in sched_yield,
// and when a thread ends, so plain variables need a mutex only around such calls. As in C, the functions of this file
// return error numbers and leave errno alone.
//
// A thread has two stacks: the machine's, which the kernel owns, and AssemblyScript's shadow stack, which holds what its
// functions refer to and lies in the thread's block of the app's heap:
//
//   | guard words | shadow stack, growing down | ThreadRecord |
//
// The garbage collector must see the shadow stacks of all threads: the compiler driver makes it call
// __visitThreadStacks besides scanning the stack that it knows, the main thread's.
import { EAGAIN, EDEADLK, EINVAL, ESRCH } from "../../kernel/errno";
import { errno, keep, setErrno } from "./errno";
import * as posix from "./posix";
import { abort } from "./stdlib";

/** A thread's id, > 0. */
export type pthread_t = i32;

/** How a thread is made. */
@final
export class pthread_attr_t {
  /** Bytes of the machine's stack, 16 KiB … 4 MiB; 12 KiB of them are the system's. */
  stackSize: u32 = 32 * 1024;
  /** Bytes of the shadow stack: 4 for each object a running function refers to. */
  shadowStackSize: u32 = 8 * 1024;
  /** Nobody will join the thread: it goes away when it ends. */
  detached: bool = false;
}

@unmanaged
@final
class ThreadRecord {
  next: ThreadRecord;
  id: i32;
  entry: u32;
  argument: usize;
  /** Futex: 0 while the thread runs, 1 when it has ended. */
  ended: u32;
  status: i32;
  /** Bytes of the shadow stack, a multiple of 16. */
  shadowSize: usize;
  detached: bool;
  joined: bool;
  /** The argument is an object of the collector's. */
  managedArgument: bool;
}

const MAIN_THREAD: pthread_t = 1;
const GUARD_SIZE: usize = 16;
const GUARD: u64 = 0x5aa55aa55aa55aa5;
const NONE: ThreadRecord = changetype<ThreadRecord>(0);

/** All threads but the main one, newest first. */
let threads: ThreadRecord = NONE;

/** Where the thread's block begins: with the guard words. */
function blockOf(record: ThreadRecord): usize {
  return changetype<usize>(record) - record.shadowSize - GUARD_SIZE;
}

function checkGuard(record: ThreadRecord): void {
  const guard = blockOf(record);
  if (load<u64>(guard) != GUARD || load<u64>(guard, 8) != GUARD) {
    abort("a thread overflowed its shadow stack (pthread_attr_t.shadowStackSize)");
  }
}

function recordOf(id: pthread_t): ThreadRecord {
  let record = threads;
  while (record != NONE && record.id != id) record = record.next;
  return record;
}

/** Takes the record out of the list and gives its block, shadow stack included, back to the heap. */
function release(record: ThreadRecord): void {
  if (threads == record) {
    threads = record.next;
  } else {
    let before = threads;
    while (before.next != record) before = before.next;
    before.next = record.next;
  }
  heap.free(blockOf(record));
}

/**
 * Starts a thread that runs `start(argument)`; what it returns is the status that pthread_join gives. The argument is a
 * number of up to 32 bits or an object. Returns the thread, or -1 with errno EAGAIN (no memory or too many threads).
 */
export function pthread_create<T>(
  start: (argument: T) => i32,
  argument: T,
  attributes: pthread_attr_t | null = null,
): pthread_t {
  if (sizeof<T>() > sizeof<usize>() || isFloat<T>()) ERROR("a thread's argument is an integer of 32 bits or an object");
  const word = isReference<T>() ? changetype<usize>(argument) : <usize>argument;
  return create(start.index, word, isManaged<T>(), attributes === null ? new pthread_attr_t() : attributes);
}

function create(entry: u32, argument: usize, managedArgument: bool, attributes: pthread_attr_t): pthread_t {
  const shadowSize = (<usize>max(min(attributes.shadowStackSize, 0x1000000), 1024) + 15) & ~15;
  const block = heap.alloc(GUARD_SIZE + shadowSize + offsetof<ThreadRecord>());
  store<u64>(block, GUARD);
  store<u64>(block, GUARD, 8);
  const shadowTop = block + GUARD_SIZE + shadowSize;
  memory.fill(shadowTop, 0, offsetof<ThreadRecord>());
  const record = changetype<ThreadRecord>(shadowTop);
  record.shadowSize = shadowSize;
  record.entry = entry;
  record.argument = argument;
  record.managedArgument = managedArgument;
  record.detached = attributes.detached;

  const id = posix.thread_create(entry, shadowTop, attributes.stackSize, shadowTop);
  if (id < 0) {
    heap.free(block);
    setErrno(id == -EINVAL ? EINVAL : EAGAIN);
    return -1;
  }
  record.id = id;
  record.next = threads;
  threads = record;
  return id;
}

/** In the child of a fork: only the calling thread is there. For fork(), not for apps. */
export function forgetOtherThreads(): void {
  const self = posix.thread_self();
  let record = threads;
  while (record != NONE) {
    const next = record.next;
    if (record.id != self && record.ended == 0) release(record);
    record = next;
  }
}

/** Where a new thread begins: the kernel calls it, with the record as `argument`. Not for apps. */
export function threadStart(entry: u32, argument: usize): void {
  const record = changetype<ThreadRecord>(argument);
  setErrno(0);
  end(record, call_indirect<i32>(entry, record.argument));
}

function end(record: ThreadRecord, status: i32): void {
  checkGuard(record);
  record.status = status;
  record.ended = 1;
  posix.futex_wake(changetype<usize>(record) + offsetof<ThreadRecord>("ended"), u32.MAX_VALUE);
  // The shadow stack this runs on goes back to the heap; nothing allocates before thread_exit leaves it for good.
  if (record.detached) release(record);
  posix.thread_exit();
}

/** Ends the calling thread. Of the main thread: the app goes on until its other threads have ended. */
export function pthread_exit(status: i32): void {
  const record = recordOf(posix.thread_self());
  if (record == NONE) posix.thread_exit();
  else end(record, status);
}

/** The calling thread. */
export function pthread_self(): pthread_t {
  return posix.thread_self();
}

/**
 * Waits for `thread` to end and stores its status at `status` (i32*, 0 = not wanted). Returns 0, ESRCH (no such
 * thread), EDEADLK (itself) or EINVAL (detached, or joined by another).
 */
export function pthread_join(thread: pthread_t, status: usize = 0): i32 {
  const record = recordOf(thread);
  if (record == NONE) return thread == MAIN_THREAD ? EINVAL : ESRCH;
  if (thread == posix.thread_self()) return EDEADLK;
  if (record.detached || record.joined) return EINVAL;
  record.joined = true;
  while (record.ended == 0) {
    keep(errno, posix.futex_wait(changetype<usize>(record) + offsetof<ThreadRecord>("ended"), 0, -1));
  }
  if (status != 0) store<i32>(status, record.status);
  release(record);
  return 0;
}

/** Lets `thread` go away by itself when it ends. Returns 0, ESRCH or EINVAL. */
export function pthread_detach(thread: pthread_t): i32 {
  const record = recordOf(thread);
  if (record == NONE) return thread == MAIN_THREAD ? 0 : ESRCH;
  if (record.detached || record.joined) return EINVAL;
  record.detached = true;
  if (record.ended != 0) release(record);
  return 0;
}

/** Lets the other threads that can run do so first. Returns 0. */
export function sched_yield(): i32 {
  return keep(errno, posix.sched_yield());
}

function visit(object: usize, cookie: u32): void {
  // @ts-ignore: a function of AssemblyScript's runtime that its declarations leave out
  __visit(object, cookie);
}

function visitStack(from: usize, to: usize, cookie: u32): void {
  for (let slot = from; slot < to; slot += sizeof<usize>()) visit(load<usize>(slot), cookie);
}

/**
 * Shows the collector what all threads refer to, apart from the main thread's stack while that thread runs, which the
 * collector scans itself. Called by the collector; must not allocate.
 */
export function __visitThreadStacks(cookie: u32): void {
  const self = posix.thread_self();
  // Once the main thread has ended this is an error number: an address above all, so nothing is visited.
  if (self != MAIN_THREAD) visitStack(<usize>posix.thread_shadow_stack(MAIN_THREAD), __heap_base, cookie);
  for (let record = threads; record != NONE; record = record.next) {
    if (record.managedArgument) visit(record.argument, cookie);
    if (record.ended != 0) continue;
    checkGuard(record);
    const pointer = record.id == self ? __stack_pointer : <usize>posix.thread_shadow_stack(record.id);
    visitStack(pointer, changetype<usize>(record), cookie);
  }
}
