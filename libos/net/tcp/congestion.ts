// Congestion control: slow start (slow_start.ts), fast retransmit and fast recovery (RFC 6582;
// with SACK, RACK of RFC 8985 and PRR of RFC 6937), limited transmit (RFC 3042). Windows are in bytes.
// How the window grows in congestion avoidance and how far it falls after a loss is the algorithm's part, which a socket
// chooses (RFC 9293 MAY-18): cubic.ts or new_reno.ts. The rest of TCP calls only what is exported here.
import { NEVER } from "../../../kernel/time/clock";
import { WINDOW_MAX, flightSize, windowGrow } from "./congestion_window";
import { DUPLICATE_ACK_THRESHOLD, INITIAL_WINDOW_BYTES, INITIAL_WINDOW_SEGMENTS } from "./constants";
import { tcpExtendedCounters } from "./counters";
import { cubicAvoid, cubicPause, cubicReset, cubicThreshold } from "./cubic";
import { ECN_AGREED, ECN_CWR_DUE, ECN_REDUCED } from "./ecn";
import { newRenoAvoid, newRenoThreshold } from "./new_reno";
import { rackDetect, rackRecovered } from "./rack";
import { retransmissionLogFree } from "./retransmission_log";
import { scoreboardFree, scoreboardMissing, scoreboardPipe, scoreboardUsed } from "./scoreboard";
import { RECOVERY, RETRANSMIT_FIRST, SACK_PERMITTED, SYN_LOST, TAIL_DUE, TAIL_PROBE, TAIL_TIMER, UNDO } from "./flags";
import { TcpSocket } from "./socket";
import { slowStart, slowStartInit } from "./slow_start";
import { sequenceLess, sequenceLessOrEqual } from "./sequence";
import { transmitTimesForget } from "./transmit_times";
import { undoPrepare } from "./undo";
import { traceRecovery } from "./trace";

/** Values of TcpSocket.congestionControl; the first is the default. */
export const CUBIC: u8 = 0;
export const NEW_RENO: u8 = 1;

/** RFC 6928, 2. */
function initialWindow(s: TcpSocket): u32 {
  const segment = s.segmentSize;
  return min(INITIAL_WINDOW_SEGMENTS * segment, max(2 * segment, INITIAL_WINDOW_BYTES));
}

/** Takes another algorithm; the window stays as it is. */
export function congestionChoose(s: TcpSocket, algorithm: u8): void {
  s.congestionControl = algorithm;
  s.windowCredit = 0;
  cubicReset(s);
}

/** The slow start threshold that follows from a loss or a mark now. RFC 3168, 6.1.2: the peer is told of either. */
function thresholdAfterLoss(s: TcpSocket): u32 {
  if ((s.ecn & ECN_AGREED) != 0) s.ecn |= ECN_CWR_DUE;
  return s.congestionControl == NEW_RENO ? newRenoThreshold(s) : cubicThreshold(s);
}

/** At establishment; segmentSize is known. */
export function congestionInit(s: TcpSocket): void {
  // RFC 5681, 3.1: one segment when the SYN was lost.
  s.congestionWindow = s.has(SYN_LOST) ? s.segmentSize : initialWindow(s);
  s.slowStartThreshold = WINDOW_MAX;
  s.recoverSequence = s.initialSend;
  s.duplicateAcks = 0;
  s.windowCredit = 0;
  cubicReset(s);
  slowStartInit(s);
}

/** RFC 5681, 4.1: after an idle time of more than a time-out the window starts again. */
export function congestionIdle(s: TcpSocket): void {
  s.congestionWindow = min(s.congestionWindow, initialWindow(s));
}

/** Bytes that may be sent now from sendNext on. What the peer reports to hold is no longer in flight. */
export function congestionRoom(s: TcpSocket): u32 {
  let window = s.congestionWindow;
  let inFlight = s.sendNext - s.sendUnacknowledged;
  if (s.has(RECOVERY | SACK_PERMITTED)) {
    inFlight = scoreboardPipe(s); // RFC 6675, 5, (C)
  } else if (scoreboardUsed(s)) {
    inFlight = scoreboardMissing(s, s.sendUnacknowledged, s.sendNext); // this is also its limited transmit
  } else if (!s.has(RECOVERY)) {
    // RFC 3042: the first two duplicates each let one new segment out.
    window += min(s.duplicateAcks, DUPLICATE_ACK_THRESHOLD - 1) * s.segmentSize;
  }
  return window > inFlight ? window - inFlight : 0;
}

/** An ACK of `acked` new bytes up to `ack`; `wasInFlight` is the flight before it. Called after sendUnacknowledged moved. */
export function congestionAcknowledged(s: TcpSocket, ack: u32, acked: u32, wasInFlight: u32, now: u64): void {
  if (s.has(RECOVERY)) {
    recoveryAcknowledged(s, ack, acked);
    return;
  }
  s.duplicateAcks = 0;
  if (sequenceLess(s.recoverSequence, ack)) s.recoverSequence = ack - 1; // so that it never falls behind by half the space
  if ((s.ecn & ECN_REDUCED) != 0) return; // RFC 3168, 6.1.2: a mark has said that it is too large already
  // RFC 7661: a window that is not used is not opened further.
  if (wasInFlight + s.segmentSize < s.congestionWindow) cubicPause(s);
  else if (s.congestionWindow < s.slowStartThreshold) slowStart(s, ack, acked, now);
  else if (s.congestionControl == NEW_RENO) newRenoAvoid(s, acked);
  else cubicAvoid(s, acked, now);
}

/** RFC 6582, 3.2 step 3. */
function recoveryAcknowledged(s: TcpSocket, ack: u32, acked: u32): void {
  const segment = s.segmentSize;
  if (!sequenceLess(ack, s.recoverSequence)) {
    s.clear(RECOVERY | RETRANSMIT_FIRST);
    s.duplicateAcks = 0;
    s.congestionWindow = s.slowStartThreshold;
    // RFC 6582: no burst of all that the window allows. With SACK new data has kept the pipe full (RFC 6675).
    if (!s.has(SACK_PERMITTED)) s.congestionWindow = min(s.congestionWindow, max(flightSize(s), segment) + segment);
    rackRecovered(s);
    retransmissionLogFree(s);
    return;
  }
  if (s.has(SACK_PERMITTED)) return; // congestionReported() says how it goes on
  s.set(RETRANSMIT_FIRST); // a partial ACK: the next hole starts here
  s.congestionWindow -= min(acked, s.congestionWindow - segment);
  if (acked >= segment) s.congestionWindow += segment;
}

/** A duplicate ACK (RFC 5681, 2) of a peer without SACK. */
export function congestionDuplicate(s: TcpSocket, now: u64): void {
  s.duplicateAcks += 1;
  if (s.has(RECOVERY)) {
    windowGrow(s, s.segmentSize); // RFC 5681, 3.2 step 4
    return;
  }
  if (s.duplicateAcks < DUPLICATE_ACK_THRESHOLD) return;
  // RFC 6582, 3.2 step 2: duplicates of what a time-out sent again are no news.
  if (sequenceLessOrEqual(s.sendUnacknowledged, s.recoverSequence)) return;
  recoveryStart(s, now);
  s.congestionWindow = s.slowStartThreshold + DUPLICATE_ACK_THRESHOLD * s.segmentSize;
}

/**
 * The scoreboard has changed, or the reordering timer expired. `delivered` bytes have arrived, `progress` when
 * sendUnacknowledged has moved.
 */
export function congestionReported(s: TcpSocket, delivered: u32, progress: bool, now: u64): void {
  const lost = rackDetect(s, now);
  if (!s.has(RECOVERY)) {
    if (s.scoreboard == 0 || !sequenceLess(s.sendUnacknowledged, s.lostBelow)) return;
    recoveryStart(s, now);
  }
  reduceProportionally(s, delivered, progress && !lost);
}

function recoveryStart(s: TcpSocket, now: u64): void {
  if (s.has(SACK_PERMITTED)) tcpExtendedCounters.tcpSackRecovery += 1;
  else tcpExtendedCounters.tcpRenoRecovery += 1;
  undoPrepare(s, now);
  s.recoverFlight = max(flightSize(s), s.segmentSize);
  s.recoverDelivered = 0;
  s.recoverSent = 0;
  // RFC 3168, 6.1.2: marks and losses of one window are one.
  if ((s.ecn & ECN_REDUCED) == 0) s.slowStartThreshold = thresholdAfterLoss(s);
  s.recoverSequence = s.sendMax;
  s.retransmitNext = s.sendUnacknowledged;
  s.set(RECOVERY | RETRANSMIT_FIRST);
  traceRecovery(s);
  if (s.has(TAIL_TIMER)) s.retransmitDeadline = now + s.retransmissionTimeout;
  s.clear(TAIL_TIMER | TAIL_DUE | TAIL_PROBE);
}

/**
 * Proportional rate reduction (RFC 6937): in recovery as much is sent as the threshold's part of what arrives, so that
 * sending never pauses. Below the threshold the window opens again, but not while losses go on (`safe` is false).
 */
function reduceProportionally(s: TcpSocket, delivered: u32, safe: bool): void {
  s.recoverDelivered += delivered;
  const pipe = scoreboardPipe(s);
  const threshold = s.slowStartThreshold;
  let quota: u32 = 0;
  if (pipe > threshold) {
    const part = (<u64>s.recoverDelivered * threshold + s.recoverFlight - 1) / s.recoverFlight;
    if (part > s.recoverSent) quota = <u32>(part - s.recoverSent);
  } else {
    quota = s.recoverDelivered > s.recoverSent ? s.recoverDelivered - s.recoverSent : 0;
    if (safe) quota = max(quota, delivered) + s.segmentSize;
    quota = min(quota, threshold - pipe);
  }
  if (pipe == 0) quota = max(quota, s.segmentSize); // nothing else would bring an acknowledgment
  s.congestionWindow = pipe + quota;
}

/**
 * A router has marked a packet of ours instead of dropping it (RFC 3168, 6.1.2): the window falls as after a loss, but nothing is
 * to be sent again. In recovery it has fallen already.
 */
export function congestionEchoed(s: TcpSocket): void {
  if (s.has(RECOVERY)) return;
  const single = s.congestionWindow <= s.segmentSize;
  s.slowStartThreshold = thresholdAfterLoss(s);
  s.congestionWindow = single ? 0 : min(s.congestionWindow, s.slowStartThreshold); // 0: see ecnHold()
  s.ecnReduced = s.sendMax;
  s.ecn |= ECN_REDUCED;
  s.clear(UNDO);
}

/** A tail loss probe has mended what was lost (RFC 8985, 7.4.2): that is a loss like any other. */
export function congestionProbeRepaired(s: TcpSocket): void {
  s.slowStartThreshold = thresholdAfterLoss(s);
  s.congestionWindow = min(s.congestionWindow, s.slowStartThreshold);
}

/** The retransmission timer has expired (RFC 5681, 3.1; RFC 6582, 4.2); `first` when not for the same data again. */
export function congestionTimeout(s: TcpSocket, first: bool, now: u64): void {
  if (first && !s.has(RECOVERY)) {
    undoPrepare(s, now);
    s.slowStartThreshold = thresholdAfterLoss(s);
  }
  s.ecn &= ~ECN_REDUCED;
  cubicReset(s);
  s.congestionWindow = s.segmentSize;
  s.recoverSequence = s.sendMax;
  s.duplicateAcks = 0;
  s.clear(RECOVERY | RETRANSMIT_FIRST | TAIL_TIMER | TAIL_DUE | TAIL_PROBE);
  s.reorderDeadline = NEVER;
  transmitTimesForget(s);
  retransmissionLogFree(s);
  scoreboardFree(s); // RFC 2018, 8: the peer may have thrown it away
}
