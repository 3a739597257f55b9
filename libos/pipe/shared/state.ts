// The state of a pipe that several processes have in common: two shared pages (kernel/memory/shared_pages.ts), the first KiB of
// them this, the rest a ring of bytes. Every process that has an end of the pipe is a holder, with an entry of its own. Behind the
// entries there are marks.ts'.
//
// All of it is changed by the owner of the lock only (lock.ts). Who has it may be destroyed at any instruction: so bytes are in
// the ring, or out of it, with the one store that says so, and what can be counted from the entries is counted anew
// (holdersCount) when a lock was left behind. Another process may write anything here: numbers are brought within bounds where they lead to an address.
import { SHARED_SIZE } from "../../../kernel/memory/shared_pages";

/** Ends of a pipe, as bits: of what a holder has open, and of what it waits for. */
export const READ_END: u8 = 1;
export const WRITE_END: u8 = 2;
/** Beside the ends: the holder has not let go of what it has sent along with bytes (marks.ts). Counts as no end. */
export const KEEPS: u8 = 4;

/** In an entry's pid: ends of a child that this process is about to have. */
export const FORMING: u32 = 0x80000000;

/** The most holders: the processes of a family, and a child that each may be about to have. */
export const HOLDERS: u32 = 96;

const TABLE: usize = 64;
const ENTRY_SHIFT: usize = 3;
const RING: usize = 1024;

/** The most bytes that such a pipe holds. */
export const SHARED_CAPACITY: u32 = SHARED_SIZE - <u32>RING;

/** What begins the first page. */
@unmanaged
@final
export class PipeState {
  /** Who has the lock: a pid; 0 nobody. */
  owner: u32;
  /** Entries at this index and above are free. */
  entries: u32;
  /** How many bytes were ever written and read. */
  written: u64;
  taken: u64;
  /** How many holders have these ends open. */
  readEnds: u32;
  writeEnds: u32;
  /** Whether any holder waits for bytes, and for room. */
  readersWait: u32;
  writersWait: u32;
  /** Whether there may be marks. */
  marked: u32;
}

/** An entry of the table of holders; free when it has no ends. */
@unmanaged
@final
export class Holder {
  /** Its process, or FORMING with the parent's. */
  pid: u32;
  /** Its domain, as far as it knew when it last waited. */
  domain: u16;
  /** READ_END, WRITE_END. */
  ends: u8;
  /** What it waits for: READ_END bytes, WRITE_END room. */
  waits: u8;
}

/** Entry `index`, below HOLDERS. */
export function holderAt(state: PipeState, index: u32): Holder {
  return changetype<Holder>(changetype<usize>(state) + TABLE + ((<usize>index) << ENTRY_SHIFT));
}

/** How many entries are in use, with free ones between them. */
export function holdersEnd(state: PipeState): u32 {
  return min(state.entries, HOLDERS);
}

/** Enters a holder; its index, or -1 when there is no room. */
export function holderAdd(state: PipeState, pid: u32, ends: u8): i32 {
  let index: u32 = 0;
  while (index < holdersEnd(state) && holderAt(state, index).ends != 0) index += 1;
  if (index == HOLDERS) return -1;
  const holder = holderAt(state, index);
  holder.pid = pid;
  holder.domain = 0;
  holder.waits = 0;
  holder.ends = ends;
  if (index == state.entries) state.entries = index + 1;
  holdersCount(state);
  return <i32>index;
}

/** Takes `ends` away from a holder. */
export function holderDrop(state: PipeState, index: u32, ends: u8): void {
  const holder = holderAt(state, index);
  holder.ends &= ~ends;
  holder.waits &= ~ends;
  holdersCount(state);
}

/** Counts anew who has which end. */
export function holdersCount(state: PipeState): void {
  let readEnds: u32 = 0;
  let writeEnds: u32 = 0;
  for (let i: u32 = 0; i < holdersEnd(state); i++) {
    const ends = holderAt(state, i).ends;
    if ((ends & READ_END) != 0) readEnds += 1;
    if ((ends & WRITE_END) != 0) writeEnds += 1;
  }
  state.readEnds = readEnds;
  state.writeEnds = writeEnds;
}

/** How many bytes are in the ring. */
export function sharedLength(state: PipeState): u32 {
  return <u32>min<u64>(state.written - state.taken, SHARED_CAPACITY);
}

/** How many more fit. */
export function sharedRoom(state: PipeState): u32 {
  return SHARED_CAPACITY - sharedLength(state);
}

/** Appends `count` bytes, at most sharedRoom(). */
export function sharedPut(state: PipeState, source: usize, count: u32): void {
  sharedLay(state, 0, source, count);
  sharedExtend(state, count);
}

/** Lays `count` bytes `offset` bytes behind the newest, where there is room; sharedExtend() makes them part of what can be read. */
export function sharedLay(state: PipeState, offset: u32, source: usize, count: u32): void {
  const at = <u32>((state.written + offset) % SHARED_CAPACITY);
  const ring = changetype<usize>(state) + RING;
  const first = min(count, SHARED_CAPACITY - at);
  memory.copy(ring + at, source, first);
  if (first != count) memory.copy(ring, source + first, count - first);
}

/** What was laid there, `count` bytes, is written. */
export function sharedExtend(state: PipeState, count: u32): void {
  atomic.store<u64>(changetype<usize>(state) + offsetof<PipeState>("written"), state.written + count);
}

/** Takes the oldest `count` bytes, at most sharedLength(). */
export function sharedTake(state: PipeState, target: usize, count: u32): void {
  sharedCopy(state, 0, target, count);
  sharedDrop(state, count);
}

/** Copies `count` bytes that lie `offset` bytes behind the oldest; offset + count at most SHARED_CAPACITY. */
export function sharedCopy(state: PipeState, offset: u32, target: usize, count: u32): void {
  const at = <u32>((state.taken + offset) % SHARED_CAPACITY);
  const ring = changetype<usize>(state) + RING;
  const first = min(count, SHARED_CAPACITY - at);
  memory.copy(target, ring + at, first);
  if (first != count) memory.copy(target + first, ring, count - first);
}

/** Forgets the oldest `count` bytes, at most sharedLength(). */
export function sharedDrop(state: PipeState, count: u32): void {
  atomic.store<u64>(changetype<usize>(state) + offsetof<PipeState>("taken"), state.taken + count);
}
