// When what is in flight was sent (for RACK, RFC 8985): marks of "up to this number, at this time" in a ring in the
// connection block. Sequence numbers are sent in order, so a few marks tell the time of each; a mark takes in what
// follows it within a sixteenth of the round trip. What a fast retransmission sends again stands in
// retransmission_log.ts instead.
// Times here are ticks of 1024 ns in 32 bits: only their differences count.
import { sequenceLess, sequenceLessOrEqual } from "./sequence";
import { TRANSMIT_MARKS, TcpSocket } from "./socket";

/** `now` in ticks. */
export function ticksOf(now: u64): u32 {
  return <u32>(now >> 10);
}

/** left < right, for ticks. */
export function ticksLess(left: u32, right: u32): bool {
  return <i32>(left - right) < 0;
}

/** Nanoseconds of `ticks`. */
export function ticksDuration(ticks: u32): u64 {
  return (<u64>ticks) << 10;
}

@unmanaged
@final
class Mark {
  end: u32;
  time: u32;
}

function markAt(s: TcpSocket, index: u32): Mark {
  return changetype<Mark>(s.transmitMarks + <usize>((s.markFirst + index) % TRANSMIT_MARKS) * offsetof<Mark>());
}

/** Everything up to `end` has been sent, the last of it at `now`. */
export function transmitTimesAdd(s: TcpSocket, end: u32, now: u64): void {
  const time = ticksOf(now);
  while (s.markCount != 0 && sequenceLessOrEqual(markAt(s, 0).end, s.sendUnacknowledged)) dropFirst(s);
  if (s.markCount != 0) {
    const last = markAt(s, s.markCount - 1);
    if (time - last.time <= <u32>(s.smoothedRoundTrip >> 14)) {
      last.end = end;
      return;
    }
    // Without room the oldest numbers count as sent when the next ones were: later, so that they are not lost too early.
    if (s.markCount == TRANSMIT_MARKS) dropFirst(s);
  }
  const mark = markAt(s, s.markCount);
  mark.end = end;
  mark.time = time;
  s.markCount += 1;
}

function dropFirst(s: TcpSocket): void {
  s.markFirst = <u8>((<u32>s.markFirst + 1) % TRANSMIT_MARKS);
  s.markCount -= 1;
}

/** A time-out sends everything again: what was known of the times is of no use. */
export function transmitTimesForget(s: TcpSocket): void {
  s.markCount = 0;
}

/** Marks now. */
export function transmitMarkCount(s: TcpSocket): u32 {
  return s.markCount;
}

/** One past the last number of mark `index`. */
export function transmitMarkEnd(s: TcpSocket, index: u32): u32 {
  return markAt(s, index).end;
}

/** When the numbers of mark `index` were sent, in ticks. */
export function transmitMarkTime(s: TcpSocket, index: u32): u32 {
  return markAt(s, index).time;
}

/** Index of the mark that has the number before `end`; transmitMarkCount when there is none. */
export function transmitMarkOf(s: TcpSocket, end: u32): u32 {
  let index: u32 = 0;
  while (index < s.markCount && sequenceLess(markAt(s, index).end, end)) index++;
  return index;
}
