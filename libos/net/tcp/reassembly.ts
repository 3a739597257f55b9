// Text that arrives ahead of a gap. The bytes lie in the receive ring where they belong (their offset from
// receiveNext, behind what is held); here are only their ranges. A segment that would need one range more than a list
// holds is dropped.
import { rangeInsert, rangeListAlloc, rangeListFree, rangesContain, rangesOf, rangesTake } from "./range_list";
import { TcpSocket } from "./socket";

/** Ranges that `s` holds. */
export function rangeCount(s: TcpSocket): u32 {
  return s.outOfOrder == 0 ? 0 : rangesOf(s.outOfOrder);
}

/** Adds [start, end), which lies beyond receiveNext. False when there is no room for it: the segment is to be dropped. */
export function reassemblyInsert(s: TcpSocket, start: u32, end: u32): bool {
  if (s.outOfOrder == 0) s.outOfOrder = rangeListAlloc();
  return s.outOfOrder != 0 && rangeInsert(s.outOfOrder, start, end);
}

/** True when all of [start, end) is here already. */
export function reassemblyHolds(s: TcpSocket, start: u32, end: u32): bool {
  return s.outOfOrder != 0 && rangesContain(s.outOfOrder, start, end);
}

/** Drops the ranges that begin at or before `next`; returns where the text that is complete from `next` on ends. */
export function reassemblyTake(s: TcpSocket, next: u32): u32 {
  if (s.outOfOrder == 0) return next;
  const end = rangesTake(s.outOfOrder, next);
  if (rangesOf(s.outOfOrder) == 0) reassemblyFree(s);
  return end;
}

/** Forgets all ranges. */
export function reassemblyFree(s: TcpSocket): void {
  if (s.outOfOrder == 0) return;
  rangeListFree(s.outOfOrder);
  s.outOfOrder = 0;
}
