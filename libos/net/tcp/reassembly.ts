// Text that arrives ahead of a gap. The bytes lie in the receive ring where they belong (their offset from
// receiveNext, behind what is held); here are only the ranges of sequence numbers, in order, disjoint and not touching.
// The list exists only while there is a gap, and is bounded: a segment that would need one range more is dropped.
import { Slab, slabInit } from "../../../kernel/memory/slab";
import { TcpSocket } from "./socket";
import { sequenceLess, sequenceLessOrEqual, sequenceMax, sequenceMin } from "./sequence";

/** Ranges per connection. */
export const RANGES_MAX: u32 = 32;
const RANGE_SIZE: u32 = 8;

@unmanaged
@final
class RangeList {
  count: u32;
  /** Start of the range that grew last: RFC 2018, 4 reports it first. */
  latest: u32;
}

const slab = changetype<Slab>(memory.data(24, 8));

/** Called once by tcpInit. */
export function reassemblyInit(): void {
  slabInit(slab, <u32>offsetof<RangeList>() + RANGES_MAX * RANGE_SIZE);
}

/** Lists in existence. */
export function reassemblyCount(): u32 {
  return slab.used;
}

function rangeAt(list: RangeList, index: u32): usize {
  return changetype<usize>(list) + offsetof<RangeList>() + <usize>(index * RANGE_SIZE);
}

/** Ranges that `s` holds. */
export function rangeCount(s: TcpSocket): u32 {
  return s.outOfOrder == 0 ? 0 : changetype<RangeList>(s.outOfOrder).count;
}

/** First sequence number of range `index`. */
export function rangeStart(s: TcpSocket, index: u32): u32 {
  return load<u32>(rangeAt(changetype<RangeList>(s.outOfOrder), index));
}

/** One past the last sequence number of range `index`. */
export function rangeEnd(s: TcpSocket, index: u32): u32 {
  return load<u32>(rangeAt(changetype<RangeList>(s.outOfOrder), index), 4);
}

/** Index of the range that grew last, in a list that is not empty. */
export function rangeLatest(s: TcpSocket): u32 {
  const latest = changetype<RangeList>(s.outOfOrder).latest;
  for (let i: u32 = 0, n = rangeCount(s); i < n; i++) {
    if (rangeStart(s, i) == latest) return i;
  }
  return 0;
}

/** Adds [start, end), which lies beyond receiveNext. False when there is no room for it: the segment is to be dropped. */
export function reassemblyInsert(s: TcpSocket, start: u32, end: u32): bool {
  if (s.outOfOrder == 0) {
    s.outOfOrder = slab.alloc();
    if (s.outOfOrder == 0) return false;
  }
  const list = changetype<RangeList>(s.outOfOrder);
  let first: u32 = 0;
  while (first < list.count && sequenceLess(rangeEnd(s, first), start)) first++;
  let last = first; // ranges first … last - 1 touch the new one and merge with it
  while (last < list.count && sequenceLessOrEqual(rangeStart(s, last), end)) last++;
  if (first == last && list.count == RANGES_MAX) return false;
  let low = start;
  let high = end;
  if (first != last) {
    low = sequenceMin(start, rangeStart(s, first));
    high = sequenceMax(end, rangeEnd(s, last - 1));
  }
  memory.copy(rangeAt(list, first + 1), rangeAt(list, last), <usize>((list.count - last) * RANGE_SIZE));
  list.count = list.count + 1 - (last - first);
  store<u32>(rangeAt(list, first), low);
  store<u32>(rangeAt(list, first), high, 4);
  list.latest = low;
  return true;
}

/** Drops the ranges that begin at or before `next`; returns where the text that is complete from `next` on ends. */
export function reassemblyTake(s: TcpSocket, next: u32): u32 {
  if (s.outOfOrder == 0) return next;
  const list = changetype<RangeList>(s.outOfOrder);
  let end = next;
  let taken: u32 = 0;
  while (taken < list.count && sequenceLessOrEqual(rangeStart(s, taken), end)) {
    end = sequenceMax(end, rangeEnd(s, taken));
    taken++;
  }
  list.count -= taken;
  if (list.count == 0) reassemblyFree(s);
  else if (taken != 0) memory.copy(rangeAt(list, 0), rangeAt(list, taken), <usize>(list.count * RANGE_SIZE));
  return end;
}

/** Forgets all ranges. */
export function reassemblyFree(s: TcpSocket): void {
  if (s.outOfOrder == 0) return;
  slab.free(s.outOfOrder);
  s.outOfOrder = 0;
}
