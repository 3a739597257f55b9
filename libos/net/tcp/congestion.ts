// Congestion control: slow start and congestion avoidance (RFC 5681, with byte counting of RFC 3465), fast retransmit
// and fast recovery (NewReno, RFC 6582; with SACK, RFC 6675), limited transmit (RFC 3042). Windows are in bytes.
// Another algorithm (RFC 9293 MAY-18) replaces this file: the rest of TCP calls only what is exported here.
import { DUPLICATE_ACK_THRESHOLD, INITIAL_WINDOW_BYTES, INITIAL_WINDOW_SEGMENTS } from "./constants";
import { scoreboardFree, scoreboardLossEdge, scoreboardMissing, scoreboardPipe, scoreboardUsed } from "./scoreboard";
import { RECOVERY, RETRANSMIT_FIRST, SYN_LOST, TcpSocket } from "./socket";
import { sequenceLess, sequenceLessOrEqual } from "./sequence";

/** Upper bound of the window: beyond any send buffer, small enough that sums do not overflow. */
const WINDOW_MAX: u32 = 1 << 28;

/** RFC 6928, 2. */
function initialWindow(s: TcpSocket): u32 {
  const segment = s.segmentSize;
  return min(INITIAL_WINDOW_SEGMENTS * segment, max(2 * segment, INITIAL_WINDOW_BYTES));
}

/** Bytes sent and not acknowledged. */
function flightSize(s: TcpSocket): u32 {
  return s.sendMax - s.sendUnacknowledged;
}

/** RFC 5681 (4): half of what is in flight, at least two segments. */
function halfOfFlight(s: TcpSocket): u32 {
  return max(flightSize(s) >> 1, 2 * s.segmentSize);
}

/** At establishment; segmentSize is known. */
export function congestionInit(s: TcpSocket): void {
  // RFC 5681, 3.1: one segment when the SYN was lost.
  s.congestionWindow = s.has(SYN_LOST) ? s.segmentSize : initialWindow(s);
  s.slowStartThreshold = WINDOW_MAX;
  s.recoverSequence = s.initialSend;
  s.duplicateAcks = 0;
  s.windowCredit = 0;
}

/** RFC 5681, 4.1: after an idle time of more than a time-out the window starts again. */
export function congestionIdle(s: TcpSocket): void {
  s.congestionWindow = min(s.congestionWindow, initialWindow(s));
}

/** Bytes that may be sent now from sendNext on. What the peer reports to hold is no longer in flight. */
export function congestionRoom(s: TcpSocket): u32 {
  let window = s.congestionWindow;
  let inFlight = s.sendNext - s.sendUnacknowledged;
  if (scoreboardUsed(s)) {
    // RFC 6675, 5, (C); outside of recovery this is also its limited transmit.
    inFlight = s.has(RECOVERY) ? scoreboardPipe(s) : scoreboardMissing(s, s.sendUnacknowledged, s.sendNext);
  } else if (!s.has(RECOVERY)) {
    // RFC 3042: the first two duplicates each let one new segment out.
    window += min(s.duplicateAcks, DUPLICATE_ACK_THRESHOLD - 1) * s.segmentSize;
  }
  return window > inFlight ? window - inFlight : 0;
}

/** An ACK of `acked` new bytes up to `ack`; `wasInFlight` is the flight before it. Called after sendUnacknowledged moved. */
export function congestionAcknowledged(s: TcpSocket, ack: u32, acked: u32, wasInFlight: u32): void {
  if (s.has(RECOVERY)) {
    recoveryAcknowledged(s, ack, acked);
    return;
  }
  s.duplicateAcks = 0;
  // RFC 7661: a window that is not used is not opened further.
  if (wasInFlight + s.segmentSize < s.congestionWindow) return;
  if (s.congestionWindow < s.slowStartThreshold) {
    grow(s, min(acked, 2 * s.segmentSize)); // RFC 3465, 2.2 with L = 2
    return;
  }
  s.windowCredit += acked; // RFC 3465, 2.1
  if (s.windowCredit >= s.congestionWindow) {
    s.windowCredit -= s.congestionWindow;
    grow(s, s.segmentSize);
  }
}

function grow(s: TcpSocket, bytes: u32): void {
  s.congestionWindow = min(s.congestionWindow + bytes, WINDOW_MAX);
}

/** RFC 6582, 3.2 step 3. */
function recoveryAcknowledged(s: TcpSocket, ack: u32, acked: u32): void {
  const segment = s.segmentSize;
  if (!sequenceLess(ack, s.recoverSequence)) {
    s.clear(RECOVERY | RETRANSMIT_FIRST);
    s.duplicateAcks = 0;
    s.congestionWindow = min(s.slowStartThreshold, max(flightSize(s), segment) + segment);
    s.retransmitNext = ack;
    return;
  }
  if (scoreboardUsed(s)) return; // the scoreboard knows what is missing
  s.set(RETRANSMIT_FIRST); // a partial ACK: the next hole starts here
  s.congestionWindow -= min(acked, s.congestionWindow - segment);
  if (acked >= segment) s.congestionWindow += segment;
}

/** A duplicate ACK (RFC 5681, 2). */
export function congestionDuplicate(s: TcpSocket): void {
  s.duplicateAcks += 1;
  if (s.has(RECOVERY)) {
    if (!scoreboardUsed(s)) grow(s, s.segmentSize); // RFC 5681, 3.2 step 4
    return;
  }
  const lost = scoreboardUsed(s) && scoreboardLossEdge(s) != s.sendUnacknowledged; // RFC 6675, 5, (2)
  if (s.duplicateAcks < DUPLICATE_ACK_THRESHOLD && !lost) return;
  // RFC 6582, 3.2 step 2: duplicates of what a time-out sent again are no news.
  if (sequenceLessOrEqual(s.sendUnacknowledged, s.recoverSequence) && s.recoverSequence != s.initialSend) return;
  s.slowStartThreshold = halfOfFlight(s);
  s.recoverSequence = s.sendMax;
  s.congestionWindow = s.slowStartThreshold;
  if (!scoreboardUsed(s)) s.congestionWindow += DUPLICATE_ACK_THRESHOLD * s.segmentSize;
  s.retransmitNext = s.sendUnacknowledged;
  s.set(RECOVERY | RETRANSMIT_FIRST);
}

/** The retransmission timer has expired (RFC 5681, 3.1; RFC 6582, 4.2); `first` when not for the same data again. */
export function congestionTimeout(s: TcpSocket, first: bool): void {
  if (first) s.slowStartThreshold = halfOfFlight(s);
  s.congestionWindow = s.segmentSize;
  s.recoverSequence = s.sendMax;
  s.duplicateAcks = 0;
  s.windowCredit = 0;
  s.clear(RECOVERY | RETRANSMIT_FIRST);
  scoreboardFree(s); // RFC 2018, 8: the peer may have thrown it away
}
