// eventfd(2): a number between threads. Writing adds to it, reading takes it, or 1 of it, and waits while it is 0.
// Invariant: the number is at most COUNTER_MAX.
import { EAGAIN, EINVAL, ENOMEM } from "../../kernel/errno";
import { SLAB_SIZE, Slab, slabInit } from "../../kernel/memory/slab";
import { WaitQueue, waitInterruptibly, wakeAll } from "../../kernel/thread/wait_queue";
import { NEVER } from "../../kernel/time/clock";
import { READABLE, WRITABLE } from "../net/poll_events";
import { descriptorOpen } from "../process/descriptors";
import { KIND_EVENT, OpenFile } from "../process/open_file";
import { EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE, O_RDWR } from "./constants";

const COUNTER_MAX: u64 = u64.MAX_VALUE - 1;
const WORD: u32 = 8;

@unmanaged
@final
class EventCounter {
  /** WaitQueue of who wants to read or to write; must come first. */
  private first: usize;
  private last: usize;
  value: u64;
  isSemaphore: bool;

  get waiters(): WaitQueue {
    return changetype<WaitQueue>(this);
  }
}

const slab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
let initialised = false;

function counterOf(file: OpenFile): EventCounter {
  return changetype<EventCounter>(file.object);
}

export function posix_eventfd(initial: u32, flags: i32): i32 {
  if ((flags & ~(EFD_SEMAPHORE | EFD_NONBLOCK | EFD_CLOEXEC)) != 0) return -EINVAL;
  if (!initialised) {
    slabInit(slab, offsetof<EventCounter>());
    initialised = true;
  }
  const counter = changetype<EventCounter>(slab.alloc());
  if (changetype<usize>(counter) == 0) return -ENOMEM;
  counter.value = initial;
  counter.isSemaphore = (flags & EFD_SEMAPHORE) != 0;
  const mode = O_RDWR | (flags & EFD_NONBLOCK);
  const fd = descriptorOpen(KIND_EVENT, changetype<usize>(counter), mode, (flags & EFD_CLOEXEC) != 0);
  if (fd < 0) slab.free(changetype<usize>(counter));
  return fd;
}

/** Waits as a call on `file` may: 0, -EAGAIN, -EINTR. */
function waitFor(file: OpenFile): i32 {
  return file.nonBlocking ? -EAGAIN : waitInterruptibly(counterOf(file).waiters, NEVER);
}

/** Export, by libos/optional/with_eventfd.ts. */
export function eventRead(file: OpenFile, target: usize, count: u32): i32 {
  if (count < WORD) return -EINVAL;
  const counter = counterOf(file);
  while (counter.value == 0) {
    const waited = waitFor(file);
    if (waited != 0) return waited;
  }
  const taken: u64 = counter.isSemaphore ? 1 : counter.value;
  counter.value -= taken;
  store<u64>(target, taken);
  wakeAll(counter.waiters);
  return WORD;
}

/** Export, by libos/optional/with_eventfd.ts. */
export function eventWrite(file: OpenFile, source: usize, count: u32): i32 {
  if (count < WORD) return -EINVAL;
  const added = load<u64>(source);
  if (added > COUNTER_MAX) return -EINVAL;
  const counter = counterOf(file);
  while (counter.value > COUNTER_MAX - added) {
    const waited = waitFor(file);
    if (waited != 0) return waited;
  }
  counter.value += added;
  wakeAll(counter.waiters);
  return WORD;
}

/** Export, by libos/optional/with_eventfd.ts. */
export function eventEvents(file: OpenFile): u32 {
  const value = counterOf(file).value;
  return (value != 0 ? READABLE : 0) | (value < COUNTER_MAX ? WRITABLE : 0);
}

/** Export, by libos/optional/with_eventfd.ts. */
export function eventQueue(file: OpenFile): WaitQueue {
  return counterOf(file).waiters;
}

/** Export, by libos/optional/with_eventfd.ts. */
export function eventClose(file: OpenFile): void {
  slab.free(file.object);
}
