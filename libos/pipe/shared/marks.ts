// Marks in the state of a pipe that several processes have in common: with which bytes connections come along (SCM_RIGHTS), each with the process
// that sends it, and then the one that has read the bytes. A mark's place is free again when the sender has let go of the connection, or either
// has ended. Who sends puts the names into `staged` before it writes the bytes; who reads finds them in `caught` afterwards; both until the thread changes.
// All of it belongs to the owner of the pipe's lock, who may be destroyed at any instruction: a mark is there with the store of its pid, before its bytes
// are; one whose bytes have gone and that nobody has taken was read by a process that has ended, and is nobody's.
import { hasDied } from "./deaths";
import { ownPid } from "./lock";
import { HOLDERS, PipeState } from "./state";

/** How many a pipe has. */
export const MARKS: u32 = 4;

// Bits of Mark.length that say more: descriptor or socket are so in the sender, the connection is over.
export const MARK_LENGTH: u16 = 0x1fff;
export const MARK_OVER: u16 = 0x2000;
export const MARK_IPV6: u16 = 0x4000;
export const MARK_NONBLOCK: u16 = 0x8000;

/** Bytes of a connection's ends, as flow pages have them (libos/net/family/flow_list.ts). */
export const MARK_ENDS: u32 = 36;

@unmanaged
@final
export class Mark {
  /** The number of its first byte, counted from the first that ever went through the pipe. */
  position: u32;
  /** How many bytes it came with, and bits. */
  length: u16;
  /** Among those that the sender has on their way. */
  serial: u16;
  /** The process that sends it; 0: the place is free. */
  sender: u32;

  get ends(): usize {
    return changetype<usize>(this) + offsetof<Mark>();
  }
}

const SIZE: usize = offsetof<Mark>() + <usize>MARK_ENDS;
/** Behind the holders: who has taken each mark, 0 nobody; behind those the marks. */
const TAKERS: usize = 48;
const PLACES: usize = 64 + ((<usize>HOLDERS) << 3);

const staged = memory.data(192, 8);
let stagedCount: u32 = 0;
const caught = memory.data(192, 8);
let caughtCount: u32 = 0;

function markAt(state: PipeState, index: u32): Mark {
  return changetype<Mark>(changetype<usize>(state) + PLACES + <usize>index * SIZE);
}

function takerOf(state: PipeState, index: u32): u32 {
  return load<u32>(changetype<usize>(state) + TAKERS + ((<usize>index) << 2));
}

function takerSet(state: PipeState, index: u32, pid: u32): void {
  store<u32>(changetype<usize>(state) + TAKERS + ((<usize>index) << 2), pid);
}

function isPassed(state: PipeState, mark: Mark): bool {
  return <i32>(mark.position - <u32>state.taken) < 0;
}

/** The `index`-th of those to go along with the next bytes, to be filled in but for its place; index below MARKS. */
export function markStage(index: u32): Mark {
  stagedCount = index + 1;
  return changetype<Mark>(staged + <usize>index * SIZE);
}

/** Nothing is to go along any more. */
export function marksUnstage(): void {
  stagedCount = 0;
}

/** How many are to go along. */
export function marksStaged(): u32 {
  return stagedCount;
}

/** How many places are free. */
export function marksFree(state: PipeState): u32 {
  if (state.marked == 0) return MARKS;
  let free: u32 = 0;
  for (let i: u32 = 0; i < MARKS; i++) if (markAt(state, i).sender == 0) free += 1;
  return free;
}

/** Marks the `count` bytes that are about to be written with what is staged, for which there are places. */
export function marksPut(state: PipeState, count: u32): void {
  let index: u32 = 0;
  for (let i: u32 = 0; i < stagedCount; i++) {
    while (markAt(state, index).sender != 0) index += 1;
    const mark = markAt(state, index);
    const source = changetype<Mark>(staged + <usize>i * SIZE);
    memory.copy(mark.ends, source.ends, MARK_ENDS);
    mark.position = <u32>state.written;
    mark.length = (source.length & ~MARK_LENGTH) | (<u16>count);
    mark.serial = source.serial;
    takerSet(state, index, 0);
    state.marked = 1;
    atomic.store<u32>(changetype<usize>(mark) + offsetof<Mark>("sender"), ownPid());
  }
  stagedCount = 0;
}

/** How many bytes may be read at once: not beyond those that the next mark came with. */
export function marksBound(state: PipeState): u32 {
  let bound = u32.MAX_VALUE;
  for (let i: u32 = 0; i < MARKS; i++) {
    const mark = markAt(state, i);
    if (mark.sender == 0 || isPassed(state, mark)) continue;
    bound = min(bound, mark.position - <u32>state.taken + max<u32>(mark.length & MARK_LENGTH, 1));
  }
  return bound;
}

/** Catches what came with the bytes from number `from` on that have gone now: this process has taken it. */
export function marksTake(state: PipeState, from: u64): void {
  caughtCount = 0;
  for (let i: u32 = 0; i < MARKS; i++) {
    const mark = markAt(state, i);
    if (mark.sender != 0 && isPassed(state, mark) && <i32>(mark.position - <u32>from) >= 0) take(state, i);
  }
}

/** Catches everything. */
export function marksTakeAll(state: PipeState): void {
  caughtCount = 0;
  for (let i: u32 = 0; i < MARKS; i++) if (markAt(state, i).sender != 0) take(state, i);
}

function take(state: PipeState, index: u32): void {
  if (takerOf(state, index) != 0) return;
  const mark = markAt(state, index);
  takerSet(state, index, ownPid());
  memory.copy(caught + <usize>caughtCount * SIZE, changetype<usize>(mark), SIZE);
  caughtCount += 1;
  if (hasDied(mark.sender)) mark.sender = 0;
}

/** How many were caught by who has read last. */
export function marksCaught(): u32 {
  return caughtCount;
}

/** One of them. */
export function markCaught(index: u32): Mark {
  return changetype<Mark>(caught + <usize>index * SIZE);
}

/** They are dealt with. */
export function marksForget(): void {
  caughtCount = 0;
}

/** Whether the mark `serial` of this process may yet be taken, or was, by a living process that has not said so. */
export function markLives(state: PipeState, serial: u16): bool {
  for (let i: u32 = 0; i < MARKS; i++) {
    const mark = markAt(state, i);
    if (mark.sender != ownPid() || mark.serial != serial) continue;
    const taker = takerOf(state, i);
    return taker != 0 ? !hasDied(taker) : !isPassed(state, mark) && state.readEnds != 0;
  }
  return false;
}

/** Frees the place of the mark `serial` of this process. */
export function markFree(state: PipeState, serial: u16): void {
  for (let i: u32 = 0; i < MARKS; i++) {
    const mark = markAt(state, i);
    if (mark.sender == ownPid() && mark.serial == serial) mark.sender = 0;
  }
  if (marksFree(state) == MARKS) state.marked = 0;
}

/** Frees those of processes that have ended, but for what can still be read. */
export function marksClear(state: PipeState): void {
  for (let i: u32 = 0; i < MARKS; i++) {
    const mark = markAt(state, i);
    if (mark.sender == 0 || !hasDied(mark.sender)) continue;
    const isWritten = <i32>(mark.position - <u32>state.written) < 0;
    if (takerOf(state, i) != 0 || isPassed(state, mark) || !isWritten) mark.sender = 0;
  }
}

/** Frees all, where nobody else has the pipe. */
export function marksErase(state: PipeState): void {
  for (let i: u32 = 0; i < MARKS; i++) markAt(state, i).sender = 0;
  state.marked = 0;
}
