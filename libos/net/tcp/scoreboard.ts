// The sender's side of selective acknowledgments (RFC 2018, RFC 6675): what the peer holds beyond a gap, what that
// makes lost, and how much is really on its way. The list exists only while the peer reports a gap. It is advice: the
// bytes stay in the send ring until they are acknowledged (RFC 2018, 8), and a time-out forgets it all.
import { TcpSegment, tcpSackLeft, tcpSackRight } from "../wire/tcp";
import { DUPLICATE_ACK_THRESHOLD } from "./constants";
import { rangeEnd, rangeInsert, rangeListAlloc, rangeListFree, rangeStart, rangesOf, rangesTake } from "./range_list";
import { sequenceLess, sequenceLessOrEqual, sequenceMax, sequenceMin } from "./sequence";
import { SACK_PERMITTED, TcpSocket } from "./socket";

/** True while losses are found by SACK rather than by counting duplicates. */
export function scoreboardUsed(s: TcpSocket): bool {
  return s.has(SACK_PERMITTED) && s.scoreboard != 0;
}

/** Takes the SACK blocks of a segment; true when they report something new. */
export function scoreboardUpdate(s: TcpSocket, segment: TcpSegment): bool {
  if (!s.has(SACK_PERMITTED)) return false;
  const before = sackedBytes(s);
  for (let i: u32 = 0, n = <u32>segment.sackCount; i < n; i++) {
    const left = tcpSackLeft(segment, i);
    const right = tcpSackRight(segment, i);
    // Anything else is a duplicate's report (RFC 2883) or nonsense.
    if (!sequenceLess(s.sendUnacknowledged, left) || !sequenceLess(left, right)) continue;
    if (sequenceLess(s.sendMax, right)) continue;
    if (s.scoreboard == 0) s.scoreboard = rangeListAlloc();
    if (s.scoreboard != 0) rangeInsert(s.scoreboard, left, right);
  }
  return sackedBytes(s) > before;
}

/** sendUnacknowledged has moved. */
export function scoreboardAdvance(s: TcpSocket): void {
  if (s.scoreboard == 0) return;
  rangesTake(s.scoreboard, s.sendUnacknowledged);
  if (rangesOf(s.scoreboard) == 0) scoreboardFree(s);
}

/** Forgets everything. */
export function scoreboardFree(s: TcpSocket): void {
  if (s.scoreboard == 0) return;
  rangeListFree(s.scoreboard);
  s.scoreboard = 0;
}

function sackedBytes(s: TcpSocket): u32 {
  return s.scoreboard == 0 ? 0 : sackedBetween(s, s.sendUnacknowledged, s.sendMax);
}

/** Bytes of [low, high) that the peer holds. */
function sackedBetween(s: TcpSocket, low: u32, high: u32): u32 {
  let bytes: u32 = 0;
  for (let i: u32 = 0, n = rangesOf(s.scoreboard); i < n; i++) {
    const start = sequenceMax(low, rangeStart(s.scoreboard, i));
    const end = sequenceMin(high, rangeEnd(s.scoreboard, i));
    if (sequenceLess(start, end)) bytes += end - start;
  }
  return bytes;
}

/** Bytes of [low, high) that the peer has not reported. */
export function scoreboardMissing(s: TcpSocket, low: u32, high: u32): u32 {
  return sequenceLess(low, high) ? high - low - sackedBetween(s, low, high) : 0;
}

/**
 * RFC 6675, 4, IsLost: gaps below this number are lost, because enough has arrived from beyond them. It is
 * sendUnacknowledged while nothing is.
 */
export function scoreboardLossEdge(s: TcpSocket): u32 {
  if (s.scoreboard == 0) return s.sendUnacknowledged;
  let bytes: u32 = 0;
  const count = rangesOf(s.scoreboard);
  for (let i: u32 = count; i != 0; i--) {
    const start = rangeStart(s.scoreboard, i - 1);
    bytes += rangeEnd(s.scoreboard, i - 1) - start;
    if (bytes > (DUPLICATE_ACK_THRESHOLD - 1) * s.segmentSize || count - i + 1 >= DUPLICATE_ACK_THRESHOLD) return start;
  }
  return s.sendUnacknowledged;
}

/** One past the last number that the peer has reported; the list is not empty. */
export function scoreboardEnd(s: TcpSocket): u32 {
  return rangeEnd(s.scoreboard, rangesOf(s.scoreboard) - 1);
}

/** RFC 6675, 4, SetPipe: bytes on their way. What is lost counts only up to retransmitNext, where it was sent again. */
export function scoreboardPipe(s: TcpSocket): u32 {
  const again = sequenceMin(sequenceMax(s.retransmitNext, s.sendUnacknowledged), s.sendMax);
  const edge = sequenceMax(again, scoreboardLossEdge(s));
  return scoreboardMissing(s, s.sendUnacknowledged, again) + scoreboardMissing(s, edge, s.sendMax);
}

/** The first number from `from` on that the peer does not hold. */
export function scoreboardSkip(s: TcpSocket, from: u32): u32 {
  if (s.scoreboard == 0) return from;
  for (let i: u32 = 0, n = rangesOf(s.scoreboard); i < n; i++) {
    const end = rangeEnd(s.scoreboard, i);
    if (sequenceLessOrEqual(rangeStart(s.scoreboard, i), from) && sequenceLess(from, end)) return end;
  }
  return from;
}

/** Bytes from `from`, which is missing, to the next that the peer holds, at most `limit`. */
export function scoreboardGap(s: TcpSocket, from: u32, limit: u32): u32 {
  if (s.scoreboard == 0) return limit;
  for (let i: u32 = 0, n = rangesOf(s.scoreboard); i < n; i++) {
    const start = rangeStart(s.scoreboard, i);
    if (sequenceLess(from, start)) return min(limit, start - from);
  }
  return limit;
}
