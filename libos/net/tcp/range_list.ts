// A bounded list of ranges of sequence numbers, in order, disjoint and not touching: text that came early
// (reassembly.ts), and text that the peer has reported as such (scoreboard.ts). A list is an object of its own that
// exists only while there is a gap; here it is a `usize`, never 0.
import { Slab, slabInit } from "../../../kernel/memory/slab";
import { sequenceLess, sequenceLessOrEqual, sequenceMax, sequenceMin } from "./sequence";

/** Ranges per list: half a page of them, for a queue that drops every other segment of a large window. */
export const RANGES_MAX: u32 = 240;
const RANGE_SIZE: u32 = 8;

@unmanaged
@final
class RangeList {
  count: u32;
  /** Start of the range that grew last. */
  latest: u32;
}

const slab = changetype<Slab>(memory.data(24, 8));

/** Called once by tcpInit. */
export function rangeListsInit(): void {
  slabInit(slab, <u32>offsetof<RangeList>() + RANGES_MAX * RANGE_SIZE);
}

/** Lists in existence. */
export function rangeListCount(): u32 {
  return slab.used;
}

/** An empty list, or 0 without memory. */
export function rangeListAlloc(): usize {
  return slab.alloc();
}

/** Gives a list back. */
export function rangeListFree(list: usize): void {
  slab.free(list);
}

function rangeAt(list: usize, index: u32): usize {
  return list + offsetof<RangeList>() + <usize>(index * RANGE_SIZE);
}

/** Bytes of the largest list. */
export const RANGE_LIST_MAX: u32 = <u32>offsetof<RangeList>() + RANGES_MAX * RANGE_SIZE;

/** Bytes that the list takes. */
export function rangeListBytes(list: usize): u32 {
  return <u32>offsetof<RangeList>() + rangesOf(list) * RANGE_SIZE;
}

/** Ranges in the list. */
export function rangesOf(list: usize): u32 {
  return changetype<RangeList>(list).count;
}

/** First sequence number of range `index`. */
export function rangeStart(list: usize, index: u32): u32 {
  return load<u32>(rangeAt(list, index));
}

/** One past the last sequence number of range `index`. */
export function rangeEnd(list: usize, index: u32): u32 {
  return load<u32>(rangeAt(list, index), 4);
}

/** Index of the range that grew last; the list is not empty. */
export function rangeLatest(list: usize): u32 {
  const latest = changetype<RangeList>(list).latest;
  for (let i: u32 = 0, n = rangesOf(list); i < n; i++) {
    if (rangeStart(list, i) == latest) return i;
  }
  return 0;
}

/** Adds [start, end). False when it would need one range too many. */
export function rangeInsert(address: usize, start: u32, end: u32): bool {
  const list = changetype<RangeList>(address);
  let first: u32 = 0;
  while (first < list.count && sequenceLess(rangeEnd(address, first), start)) first++;
  let last = first; // ranges first … last - 1 touch the new one and merge with it
  while (last < list.count && sequenceLessOrEqual(rangeStart(address, last), end)) last++;
  if (first == last && list.count == RANGES_MAX) return false;
  let low = start;
  let high = end;
  if (first != last) {
    low = sequenceMin(start, rangeStart(address, first));
    high = sequenceMax(end, rangeEnd(address, last - 1));
  }
  memory.copy(rangeAt(address, first + 1), rangeAt(address, last), <usize>((list.count - last) * RANGE_SIZE));
  list.count = list.count + 1 - (last - first);
  store<u32>(rangeAt(address, first), low);
  store<u32>(rangeAt(address, first), high, 4);
  list.latest = low;
  return true;
}

/** True when one range has all of [start, end). */
export function rangesContain(list: usize, start: u32, end: u32): bool {
  for (let i: u32 = 0, n = rangesOf(list); i < n; i++) {
    if (sequenceLessOrEqual(rangeStart(list, i), start) && sequenceLessOrEqual(end, rangeEnd(list, i))) return true;
  }
  return false;
}

/** Drops the ranges that begin at or before `next`; returns where what is complete from `next` on ends. */
export function rangesTake(address: usize, next: u32): u32 {
  const list = changetype<RangeList>(address);
  let end = next;
  let taken: u32 = 0;
  while (taken < list.count && sequenceLessOrEqual(rangeStart(address, taken), end)) {
    end = sequenceMax(end, rangeEnd(address, taken));
    taken++;
  }
  list.count -= taken;
  if (taken != 0) memory.copy(rangeAt(address, 0), rangeAt(address, taken), <usize>(list.count * RANGE_SIZE));
  return end;
}
