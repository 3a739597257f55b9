// RACK (RFC 8985): what was sent well before something that has arrived is lost. It takes the place of counting
// duplicates where the peer reports what it holds (SACK): a time tells loss from reordering, and a retransmission
// that is lost is found too. The times are in transmit_times.ts and retransmission_log.ts.
//
//   rackTime, rackEnd      when the latest-sent segment that has arrived was sent, and its end (RACK.xmit_ts, end_seq)
//   rackRoundTrip          how long it took (RACK.rtt)
//   lostBelow              what is missing below this number was lost when it was first sent
import { NEVER } from "../../../kernel/time/clock";
import { rangeStart, rangesOf } from "./range_list";
import {
  retransmissionAt,
  retransmissionCovers,
  retransmissionLogFree,
  retransmissionMissing,
  retransmissionRemove,
  retransmissions,
} from "./retransmission_log";
import { tcpExtendedCounters } from "./counters";
import { scoreboardEnd, scoreboardMissing, scoreboardThreshold } from "./scoreboard";
import { sequenceLess, sequenceMax, sequenceMin } from "./sequence";
import { RECOVERY, REORDERING } from "./flags";
import { TcpSocket } from "./socket";
import {
  ticksDuration,
  ticksLess,
  ticksOf,
  transmitMarkCount,
  transmitMarkEnd,
  transmitMarkOf,
  transmitMarkTime,
} from "./transmit_times";

/** RFC 8985, 6.2 step 4: the reordering window is at most this many quarters of the round trip … */
const WINDOW_STEPS_MAX: u32 = 16;
/** … and is narrowed again after so many recoveries without a report of duplicates. */
const WINDOW_PERSISTS: u8 = 16;

/** No round trip has been measured. */
const UNKNOWN: u32 = u32.MAX_VALUE;

/** Nothing has arrived yet. */
export function rackInit(s: TcpSocket): void {
  rackBegin(s);
  s.minimumRoundTrip = UNKNOWN;
  s.reorderSteps = 1;
}

/** The first gap since long: what is known of what has arrived is too old. */
export function rackBegin(s: TcpSocket): void {
  s.rackRoundTrip = UNKNOWN;
  s.lostBelow = s.sendUnacknowledged;
}

/** A round trip has been measured, ns. */
export function rackMeasured(s: TcpSocket, measured: u64): void {
  s.minimumRoundTrip = <u32>min<u64>(s.minimumRoundTrip, max<u64>(measured >> 10, 1));
}

/** [left, right), sent once only, has been reported by the peer for the first time, in part at least. */
export function rackReported(s: TcpSocket, left: u32, right: u32, now: u64): void {
  noticeReordering(s, left, right);
  delivered(s, right, now);
}

/** RFC 8985, 6.2 step 3: an original arrives after one that was sent later. */
function noticeReordering(s: TcpSocket, left: u32, right: u32): void {
  const end = scoreboardEnd(s);
  if (sequenceLess(left, end) && scoreboardMissing(s, left, sequenceMin(right, end)) != 0) {
    if (!retransmissionCovers(s, right)) s.set(REORDERING);
  }
}

/** Everything below `ack` has arrived, behind a gap or into one. Called before sendUnacknowledged moves. */
export function rackAcknowledged(s: TcpSocket, ack: u32, now: u64): void {
  // Unless something was sent again, the gap was filled with what was sent only once, later than its successors.
  const filled = rangesOf(s.scoreboard) != 0 && sequenceLess(rangeStart(s.scoreboard, 0), ack);
  const again = s.has(RECOVERY) || sequenceLess(s.sendUnacknowledged, s.recoverSequence);
  if (filled && !again) s.set(REORDERING);
  delivered(s, ack, now);
}

/** The number before `end` has arrived. */
function delivered(s: TcpSocket, end: u32, now: u64): void {
  if (retransmissionCovers(s, end)) return; // rackRetransmissions() looks at it
  const mark = transmitMarkOf(s, end);
  if (mark != transmitMarkCount(s)) advance(s, transmitMarkTime(s, mark), end, now);
}

/** RFC 8985, 6.2 step 2: a segment that was sent at `time` has arrived. */
function advance(s: TcpSocket, time: u32, end: u32, now: u64): void {
  const roundTrip = ticksOf(now) - time;
  // An answer that comes too soon, by more than a clock's grain, is one to the first sending of what was sent twice.
  if (s.minimumRoundTrip != UNKNOWN && roundTrip + (s.minimumRoundTrip >> 3) + 1 < s.minimumRoundTrip) return;
  if (s.rackRoundTrip != UNKNOWN && !sentAfter(time, end, s.rackTime, s.rackEnd)) return;
  s.rackTime = time;
  s.rackEnd = end;
  s.rackRoundTrip = roundTrip;
}

function sentAfter(time: u32, end: u32, otherTime: u32, otherEnd: u32): bool {
  return time == otherTime ? sequenceLess(otherEnd, end) : ticksLess(otherTime, time);
}

/** The reordering window is a millisecond at least where there is one: hosts on one link reorder by more than RFC 8985 says. */
const WINDOW_MIN: u32 = 1000;

/** RFC 8985, 6.2 step 4: how much later than its successors a segment may come, in ticks. */
function reorderWindow(s: TcpSocket): u32 {
  if (!s.has(REORDERING) && (s.has(RECOVERY) || scoreboardThreshold(s))) return 0;
  if (s.minimumRoundTrip == UNKNOWN) return WINDOW_MIN;
  return max(WINDOW_MIN, min((s.minimumRoundTrip >> 2) * s.reorderSteps, <u32>(s.smoothedRoundTrip >> 10)));
}

/** A duplicate has been reported (RFC 2883): we sent again too early, the window widens for a while. */
export function rackDuplicateReported(s: TcpSocket): void {
  if (s.reorderSteps < WINDOW_STEPS_MAX) s.reorderSteps += 1;
  s.reorderPersists = WINDOW_PERSISTS;
}

/** A recovery has ended. */
export function rackRecovered(s: TcpSocket): void {
  if (s.reorderPersists == 0) s.reorderSteps = 1;
  else s.reorderPersists -= 1;
}

/**
 * RFC 8985, 6.2 step 5: what is lost now. Moves lostBelow and marks lost retransmissions; where only time will tell,
 * the reordering timer is set. True when something more is lost.
 */
export function rackDetect(s: TcpSocket, now: u64): bool {
  s.reorderDeadline = NEVER;
  if (s.scoreboard == 0 || s.rackRoundTrip == UNKNOWN) return false;
  const window = reorderWindow(s);
  const again = detectRetransmissions(s, window, now);
  return detectOriginals(s, window, now) || again;
}

function detectOriginals(s: TcpSocket, window: u32, now: u64): bool {
  const before = sequenceMax(s.lostBelow, s.sendUnacknowledged);
  s.lostBelow = before;
  for (let i: u32 = 0, n = transmitMarkCount(s); i < n; i++) {
    const time = transmitMarkTime(s, i);
    if (ticksLess(s.rackTime, time)) break;
    const end = time == s.rackTime ? sequenceMin(transmitMarkEnd(s, i), s.rackEnd) : transmitMarkEnd(s, i);
    if (!sequenceLess(s.lostBelow, end)) continue;
    if (!isOverdue(s, time, window, now)) break;
    s.lostBelow = end;
  }
  return sequenceLess(before, s.lostBelow) && scoreboardMissing(s, before, s.lostBelow) != 0;
}

function detectRetransmissions(s: TcpSocket, window: u32, now: u64): bool {
  let found: bool = false;
  for (let i = retransmissions(s); i != 0; i--) {
    const entry = retransmissionAt(s, i - 1);
    if (entry.lost != 0 || !ticksLess(entry.time, s.rackTime)) continue;
    if (!isOverdue(s, entry.time, window, now)) continue;
    entry.lost = 1;
    tcpExtendedCounters.tcpLostRetransmit += 1;
    found = true;
  }
  return found;
}

/** True when what was sent at `time` should have been here by now; else the timer is set to when it should. */
function isOverdue(s: TcpSocket, time: u32, window: u32, now: u64): bool {
  const due = time + s.rackRoundTrip + window;
  const left = due - ticksOf(now);
  if (<i32>left <= 0) return true;
  s.reorderDeadline = min(s.reorderDeadline, now + ticksDuration(left));
  return false;
}

/** What was sent again and has arrived leaves the log. Called when the scoreboard is up to date. */
export function rackRetransmissions(s: TcpSocket, now: u64): void {
  if (s.retransmissionLog == 0) return;
  for (let i = retransmissions(s); i != 0; i--) {
    const entry = retransmissionAt(s, i - 1);
    if (retransmissionMissing(s, entry)) continue;
    advance(s, entry.time, entry.end, now);
    retransmissionRemove(s, i - 1);
  }
  if (retransmissions(s) == 0) retransmissionLogFree(s);
}
