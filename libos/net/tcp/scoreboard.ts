// The sender's side of selective acknowledgments (RFC 2018, RFC 6675): what the peer holds beyond a gap, what that
// leaves missing, and how much is really on its way (what is lost says rack.ts). The list exists only while the peer reports a gap. It is advice: the
// bytes stay in the send ring until they are acknowledged (RFC 2018, 8), and a time-out forgets it all.
import { TcpSegment, tcpSackLeft, tcpSackRight } from "../wire/tcp";
import { DUPLICATE_ACK_THRESHOLD } from "./constants";
import {
  RANGES_MAX,
  rangeEnd,
  rangeInsert,
  rangeListAlloc,
  rangeListFree,
  rangeStart,
  rangesOf,
  rangesTake,
} from "./range_list";
import { sequenceLess, sequenceLessOrEqual, sequenceMax, sequenceMin } from "./sequence";
import { rackBegin, rackReported } from "./rack";
import { retransmissionsLost } from "./retransmission_log";
import { SACK_PERMITTED } from "./flags";
import { TcpSocket } from "./socket";

/** True while losses are found by SACK rather than by counting duplicates. */
export function scoreboardUsed(s: TcpSocket): bool {
  return s.has(SACK_PERMITTED) && s.scoreboard != 0;
}

/** Takes the SACK blocks of a segment; true when they report something new. */
export function scoreboardUpdate(s: TcpSocket, segment: TcpSegment, now: u64): bool {
  if (segment.sackCount == 0 || !s.has(SACK_PERMITTED)) return false;
  const before = scoreboardBytes(s);
  for (let i: u32 = 0, n = <u32>segment.sackCount; i < n; i++) {
    const left = tcpSackLeft(segment, i);
    const right = tcpSackRight(segment, i);
    // Anything else is a duplicate's report (duplicate_sack.ts) or nonsense.
    if (!sequenceLess(s.sendUnacknowledged, left) || !sequenceLess(left, right)) continue;
    if (sequenceLess(s.sendMax, right) || scoreboardMissing(s, left, right) == 0) continue;
    if (s.scoreboard == 0 && !begin(s)) return false;
    // A full list has forgotten ranges: what is reported again would look as if it were late.
    if (rangesOf(s.scoreboard) < RANGES_MAX) rackReported(s, left, right, now);
    rangeInsert(s.scoreboard, left, right);
  }
  return scoreboardBytes(s) > before;
}

/** The first report of a gap: what RACK knows of earlier ones is over. */
function begin(s: TcpSocket): bool {
  s.scoreboard = rangeListAlloc();
  rackBegin(s);
  return s.scoreboard != 0;
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

/** Bytes that the peer has reported beyond a gap. */
export function scoreboardBytes(s: TcpSocket): u32 {
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
  if (!sequenceLess(low, high)) return 0;
  return high - low - (s.scoreboard == 0 ? 0 : sackedBetween(s, low, high));
}

/** RFC 6675, 4, IsLost: so much has arrived beyond the first gap that it need not be reordering. */
export function scoreboardThreshold(s: TcpSocket): bool {
  if (s.scoreboard == 0) return false;
  return (
    rangesOf(s.scoreboard) >= DUPLICATE_ACK_THRESHOLD ||
    scoreboardBytes(s) > (DUPLICATE_ACK_THRESHOLD - 1) * s.segmentSize
  );
}

/** One past the last number that the peer has reported. */
export function scoreboardEnd(s: TcpSocket): u32 {
  const count = s.scoreboard == 0 ? 0 : rangesOf(s.scoreboard);
  return count == 0 ? s.sendUnacknowledged : rangeEnd(s.scoreboard, count - 1);
}

/** RFC 6675, 4, SetPipe: bytes on their way. What is lost counts only up to retransmitNext, where it was sent again. */
export function scoreboardPipe(s: TcpSocket): u32 {
  const again = sequenceMin(sequenceMax(s.retransmitNext, s.sendUnacknowledged), s.sendNext);
  const edge = sequenceMax(again, s.lostBelow);
  const first = scoreboardMissing(s, s.sendUnacknowledged, again) + scoreboardMissing(s, edge, s.sendNext);
  return first - min(first, retransmissionsLost(s));
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
