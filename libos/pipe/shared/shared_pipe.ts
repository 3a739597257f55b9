// A pipe of several processes: what it is to this one. Its state (state.ts) is the same memory for all of them; here are the
// threads of this process that wait. A pipe that was made before a fork goes on being one pipe for both sides.
// Who looks and does not find what it wants is noted in the state before the lock goes, and woken by who changes that: so no
// wake-up is lost, and none is sent that nobody waits for.
// Invariant: a pipe is in the list, and has an entry among the holders, as long as an end is open here, or the process KEEPS it.
import { EAGAIN, EPIPE } from "../../../kernel/errno";
import { forkDescriptor } from "../../../kernel/fork/descriptor";
import { sharedPagesAlloc, sharedPagesFree } from "../../../kernel/memory/shared_pages";
import { SLAB_SIZE, Slab, slabInit } from "../../../kernel/memory/slab";
import { WaitQueue, wakeAll } from "../../../kernel/thread/wait_queue";
import { POLLERR, POLLHUP, READABLE, WRITABLE } from "../../net/poll_events";
import { PIPE_BUF } from "../../posix/constants";
import { passingUnread } from "../../optional/with_fork_unix_rights";
import { deathsClear, deathsCount } from "./deaths";
import { doorbellRing, doorbellsIntroduce, hasDoorbell } from "./doorbells";
import { ownPid, sharedLock, sharedUnlock } from "./lock";
import { marksBound, marksClear, marksFree, marksPut, marksStaged, marksTake, marksTakeAll } from "./marks";
import { lookAgainLater } from "./patience";
import {
  KEEPS,
  PipeState,
  READ_END,
  WRITE_END,
  holderAdd,
  holderAt,
  holderDrop,
  holdersEnd,
  sharedLength,
  sharedPut,
  sharedRoom,
  sharedTake,
} from "./state";

@unmanaged
@final
export class SharedPipe {
  /** The next in the list. */
  next: usize;
  /** PipeState. */
  shared: usize;
  /** The entry of this process among the holders, and of the child that is being made (-1: none). */
  own: u32;
  child: i32;
  /** How many ends of processes the entries know of. */
  deaths: u32;
  readersFirst: usize;
  readersLast: usize;
  writersFirst: usize;
  writersLast: usize;
  /** How many bytes were ever written when this process had last written some. */
  putAt: u64;
  /** How many marks (marks.ts) a writer of this process waits for places for. */
  marksWanted: u32;

  get state(): PipeState {
    return changetype<PipeState>(this.shared);
  }

  /** Threads of this process that wait for bytes, or for the last writer to go. */
  get readers(): WaitQueue {
    return changetype<WaitQueue>(changetype<usize>(this) + offsetof<SharedPipe>("readersFirst"));
  }

  /** Threads of this process that wait for room, or for the last reader to go. */
  get writers(): WaitQueue {
    return changetype<WaitQueue>(changetype<usize>(this) + offsetof<SharedPipe>("writersFirst"));
  }
}

/** No pipe. */
export const NO_SHARED_PIPE: SharedPipe = changetype<SharedPipe>(0);

const slab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
let initialised = false;
let first: usize = 0;

/** The first pipe of this process; `next` leads to the others. */
export function sharedPipes(): SharedPipe {
  return changetype<SharedPipe>(first);
}

/** An empty pipe with both ends open, or NO_SHARED_PIPE when memory or places for it are exhausted. */
export function sharedPipeCreate(): SharedPipe {
  if (!initialised) {
    slabInit(slab, offsetof<SharedPipe>());
    initialised = true;
  }
  const pipe = changetype<SharedPipe>(slab.alloc());
  if (pipe == NO_SHARED_PIPE) return pipe;
  const pages = sharedPagesAlloc();
  if (pages == 0) {
    slab.free(changetype<usize>(pipe));
    return NO_SHARED_PIPE;
  }
  pipe.shared = pages;
  pipe.child = -1;
  pipe.deaths = deathsCount();
  pipe.own = <u32>holderAdd(pipe.state, ownPid(), READ_END | WRITE_END);
  pipe.next = first;
  first = changetype<usize>(pipe);
  return pipe;
}

/** Takes a pipe of which this process has nothing out of the list. */
export function sharedPipeLose(pipe: SharedPipe): void {
  if (first == changetype<usize>(pipe)) first = pipe.next;
  else {
    let before = sharedPipes();
    while (before.next != changetype<usize>(pipe)) before = changetype<SharedPipe>(before.next);
    before.next = pipe.next;
  }
  sharedPagesFree(pipe.shared);
  slab.free(changetype<usize>(pipe));
}

/** Takes the lock; the entries are those of the living then. */
export function sharedPipeEnter(pipe: SharedPipe): PipeState {
  sharedLock(pipe.state);
  if (pipe.deaths != deathsCount()) sharedPipeClear(pipe);
  return pipe.state;
}

/** Clears all that those have left who have ended; the caller has the lock. */
export function sharedPipeClear(pipe: SharedPipe): void {
  deathsClear(pipe.state);
  marksClear(pipe.state);
  pipe.deaths = deathsCount();
}

/** Notes that this process waits for `what` of a pipe whose lock it has. */
export function sharedPipeNote(pipe: SharedPipe, what: u8): void {
  const state = pipe.state;
  const own = holderAt(state, pipe.own);
  own.waits |= what;
  if (changetype<usize>(forkDescriptor()) != 0) own.domain = <u16>forkDescriptor().domain;
  if (what == READ_END) state.readersWait = 1;
  else state.writersWait = 1;
  for (let i: u32 = 0; i < holdersEnd(state); i++) {
    const other = holderAt(state, i);
    if (i != pipe.own && other.ends != 0 && !hasDoorbell(other.pid)) return lookAgainLater();
  }
}

/** Lets the lock go and wakes whoever waits for `what`. */
export function sharedPipeLeave(pipe: SharedPipe, what: u8): void {
  const state = pipe.state;
  const waited = what == READ_END ? state.readersWait : state.writersWait;
  if (waited != 0) {
    if (what == READ_END) state.readersWait = 0;
    else state.writersWait = 0;
    for (let i: u32 = 0; i < holdersEnd(state); i++) {
      const holder = holderAt(state, i);
      if ((holder.waits & what) == 0) continue;
      holder.waits &= ~what;
      if (i != pipe.own) doorbellRing(holder.pid, holder.domain);
    }
  }
  sharedUnlock(state);
  wakeAll(what == READ_END ? pipe.readers : pipe.writers);
}

/** A mark has been freed, with the lock, which goes. The pipe may go with it, unless the process `keeps` it for others. */
export function sharedPipeForgo(pipe: SharedPipe, keeps: bool): void {
  if (!keeps) holderDrop(pipe.state, pipe.own, KEEPS);
  const isOver = holderAt(pipe.state, pipe.own).ends == 0;
  sharedPipeLeave(pipe, WRITE_END);
  if (isOver) sharedPipeLose(pipe);
}

/**
 * Takes up to `count` bytes: how many, 0 when there are no more and no writers, or -EAGAIN; then the process is woken when
 * that changes, if it `waits`. Like all of them below it may have others to make known to: doorbellsIntroduce().
 */
export function sharedPipeTake(pipe: SharedPipe, target: usize, count: u32, waits: bool): i32 {
  const state = sharedPipeEnter(pipe);
  let taken = min(count, sharedLength(state));
  if (state.marked != 0) taken = min(taken, marksBound(state));
  if (taken == 0) {
    const result = state.writeEnds == 0 ? 0 : -EAGAIN;
    if (result != 0 && waits) sharedPipeNote(pipe, READ_END);
    sharedUnlock(state);
    return result;
  }
  sharedTake(state, target, taken);
  if (state.marked != 0) marksTake(state, state.taken - taken);
  // As with a pipe within one process, writers go on when there is room for what poll promises them.
  if (sharedRoom(state) >= PIPE_BUF) sharedPipeLeave(pipe, WRITE_END);
  else sharedUnlock(state);
  return <i32>taken;
}

/** Writes what fits of `count` bytes, or, when `whole`, all or nothing: how many, -EPIPE, or -EAGAIN as sharedPipeTake(). */
export function sharedPipePut(pipe: SharedPipe, source: usize, count: u32, whole: bool, waits: bool): i32 {
  const state = sharedPipeEnter(pipe);
  const put = min(count, sharedRoom(state));
  if (state.readEnds == 0 || put == 0 || (whole && put != count) || !sharedPipeMarks(pipe, put)) {
    const result = state.readEnds == 0 ? -EPIPE : -EAGAIN;
    if (result == -EAGAIN && waits) sharedPipeNote(pipe, WRITE_END);
    sharedUnlock(state);
    return result;
  }
  sharedPut(state, source, put);
  pipe.putAt = state.written;
  sharedPipeLeave(pipe, READ_END);
  return <i32>put;
}

/** Marks the `count` bytes that are about to be written, with the lock, with what is staged; false when there is no place for it yet. */
export function sharedPipeMarks(pipe: SharedPipe, count: u32): bool {
  const staged = marksStaged();
  const fits = staged == 0 || marksFree(pipe.state) >= staged;
  pipe.marksWanted = fits ? 0 : staged;
  if (!fits || staged == 0) return fits;
  const own = holderAt(pipe.state, pipe.own);
  own.ends |= KEEPS;
  marksPut(pipe.state, count);
  return true;
}

/** Readiness of the end that is read, as POLL bits. While it has none, the process is woken when that changes. */
export function sharedPipeReaderEvents(pipe: SharedPipe): u32 {
  const state = sharedPipeEnter(pipe);
  const events = (sharedLength(state) != 0 ? READABLE : 0) | (state.writeEnds != 0 ? 0 : POLLHUP);
  if (events == 0) sharedPipeNote(pipe, READ_END);
  sharedUnlock(state);
  return events;
}

/** The same of the end that is written. */
export function sharedPipeWriterEvents(pipe: SharedPipe): u32 {
  const state = sharedPipeEnter(pipe);
  const hasRoom = sharedRoom(state) >= PIPE_BUF && marksFree(state) >= pipe.marksWanted;
  const events = (hasRoom ? WRITABLE : 0) | (state.readEnds != 0 ? 0 : POLLERR);
  if (events == 0) sharedPipeNote(pipe, WRITE_END);
  sharedUnlock(state);
  return events;
}

/** Closes READ_END or WRITE_END in this process. Called by a thread; may block. */
export function sharedPipeClose(pipe: SharedPipe, end: u8): void {
  const state = sharedPipeEnter(pipe);
  holderDrop(state, pipe.own, end);
  const isLast = (end == READ_END ? state.readEnds : state.writeEnds) == 0;
  const isOver = holderAt(state, pipe.own).ends == 0;
  const isUnread = isLast && end == READ_END && state.marked != 0;
  if (isUnread) marksTakeAll(state);
  if (isLast) sharedPipeLeave(pipe, end == READ_END ? WRITE_END : READ_END);
  else sharedUnlock(state);
  if (isOver) sharedPipeLose(pipe);
  if (isUnread) passingUnread();
  doorbellsIntroduce();
}

/** Wakes all threads that wait for a pipe, to look again. */
export function sharedPipesLook(): void {
  for (let pipe = sharedPipes(); pipe != NO_SHARED_PIPE; pipe = changetype<SharedPipe>(pipe.next)) {
    wakeAll(pipe.readers);
    wakeAll(pipe.writers);
  }
}
