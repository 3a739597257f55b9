// What poll and select have in common: the readiness of a description, and waiting for many at once.
//
// A wait is a run of slots in pages of their own, one for each description, of a socket of AF_UNIX up to three: {Waiter, OpenFile}. Each slot holds a
// reference, so that a close by another thread does not free what is being waited for.
import { consoleWaitQueue } from "../../kernel/console";
import { PAGE_SIZE, orderFor, pagesAlloc, pagesFree } from "../../kernel/memory/pages";
import { threadBlockInterruptibly } from "../../kernel/thread/scheduler";
import { WAITER_SIZE, WaitQueue, Waiter, waiterAdd, waiterRemove } from "../../kernel/thread/wait_queue";
import { READABLE, WRITABLE } from "../net/poll_events";
import {
  KIND_CONSOLE,
  KIND_UNIX,
  NO_FILE,
  OpenFile,
  openFileHold,
  openFileIsAnonymous,
  openFileIsPipe,
  openFileIsSocket,
  openFileRelease,
} from "../process/open_file";
import { anonymousEvents, anonymousQueue } from "../optional/with_anonymous";
import { socketEvents, socketQueue } from "../optional/with_network";
import { pipeEvents, pipeQueue } from "../optional/with_pipe";
import { unixPipe, unixPlaces, unixQueue } from "../optional/with_unix";
import { consoleFileEvents } from "./console_file";

const SLOT_SIZE: usize = <usize>WAITER_SIZE + 8;
const SLOT_FILE: usize = WAITER_SIZE;

/** Readiness of `file` as POLL bits. Embedded files are always ready. */
export function openFileEvents(file: OpenFile): u32 {
  if (openFileIsSocket(file)) return socketEvents(file);
  if (openFileIsPipe(file)) return pipeEvents(file);
  if (openFileIsAnonymous(file)) return anonymousEvents(file);
  return file.kind == KIND_CONSOLE ? consoleFileEvents() : READABLE | WRITABLE;
}

/** What is woken when the readiness of `file` changes; null when it never does. Of a socket of AF_UNIX its own: it has those of unixPipe(), too. */
export function openFileQueue(file: OpenFile): WaitQueue {
  if (file.kind == KIND_UNIX) return unixQueue(file);
  if (openFileIsSocket(file)) return socketQueue(file);
  if (openFileIsPipe(file)) return pipeQueue(file);
  if (openFileIsAnonymous(file)) return anonymousQueue(file);
  return file.kind == KIND_CONSOLE ? consoleWaitQueue() : changetype<WaitQueue>(0);
}

/** A wait for up to `capacity` descriptions that is being prepared. */
@unmanaged
@final
export class ReadinessWait {
  slots: usize;
  order: u32;
  count: u32;

  /** Takes memory for the slots; false when there is none. Nothing to wait for needs none. */
  begin(capacity: u32): bool {
    this.count = 0;
    this.slots = 0;
    if (capacity == 0) return true;
    this.order = orderFor(max(capacity * (1 + unixPlaces()) * <u32>SLOT_SIZE, PAGE_SIZE));
    this.slots = pagesAlloc(this.order);
    return this.slots != 0;
  }

  /** Waits for `file` too. */
  add(file: OpenFile): void {
    if (file.kind == KIND_UNIX) {
      this.addEnd(unixPipe(file, true));
      this.addEnd(unixPipe(file, false));
    }
    this.addOne(file, openFileQueue(file));
  }

  private addEnd(end: OpenFile): void {
    if (end != NO_FILE) this.addOne(end, pipeQueue(end));
  }

  private addOne(file: OpenFile, queue: WaitQueue): void {
    if (changetype<usize>(queue) == 0) return;
    const slot = this.slots + <usize>this.count * SLOT_SIZE;
    memory.fill(slot, 0, SLOT_SIZE);
    store<usize>(slot, changetype<usize>(file), SLOT_FILE);
    openFileHold(file);
    waiterAdd(queue, changetype<Waiter>(slot));
    this.count += 1;
  }
}

/** Sleeps until one of the descriptions wakes the thread, or `deadline`: 0, -ETIMEDOUT or -EINTR. Ends the wait. */
export function readinessBlock(slots: usize, count: u32, order: u32, deadline: u64): i32 {
  const result = threadBlockInterruptibly(deadline);
  for (let i: u32 = 0; i < count; i++) {
    const slot = slots + <usize>i * SLOT_SIZE;
    waiterRemove(changetype<Waiter>(slot));
    openFileRelease(changetype<OpenFile>(load<usize>(slot, SLOT_FILE)));
  }
  if (slots != 0) pagesFree(slots, order);
  return result;
}
