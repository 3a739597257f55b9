// The timers of a connection. A connection keeps its deadlines itself and has one kernel timer, which is set only when
// a deadline comes closer than what it is set to: when it expires too early it is set again. So the usual case, an ACK
// that moves the retransmission deadline on, costs nothing.
import { ETIMEDOUT } from "../../../kernel/errno";
import { NEVER, monotonicNow } from "../../../kernel/time/clock";
import { timerInit, timerSet } from "../../../kernel/time/timer";
import { inheritedExpired } from "../../optional/with_fork_network";
import { ipDoubt } from "../ip/output";
import { blackHoleSuspect } from "./black_hole";
import { congestionReported, congestionTimeout } from "./congestion";
import { connectionAbort, connectionFail, connectionRelease } from "./connection";
import { FIN_WAIT_2_DURATION, R1, R2_DATA, R2_SYN, RTO_MAX } from "./constants";
import { tcpExtendedCounters } from "./counters";
import { ECN_CAPABLE } from "./ecn";
import { orphanPatience } from "./orphans";
import { outputNow } from "./output";
import { roundTripBackOff, roundTripForget } from "./rtt";
import {
  ACK_NOW,
  DETACHED,
  KEEPALIVE,
  KEEPALIVE_PROBE,
  PERSIST,
  PROBE,
  RETRANSMIT_FIRST,
  SYN_LOST,
  TAIL_TIMER,
} from "./flags";
import { TcpSocket } from "./socket";
import { tailTimerExpired, tailTimerStart } from "./tail_loss";
import { CLOSED, FIN_WAIT_2, INHERITED, SYN_RECEIVED, SYN_SENT, isSynchronized } from "./state";
import { traceTimeout } from "./trace";

/** No deadlines. */
export function timersInit(s: TcpSocket): void {
  timerInit(s.timer, timerExpired.index, changetype<usize>(s));
  s.armedDeadline = NEVER;
  timersStop(s);
}

/** Forgets all deadlines; the kernel timer may still expire once, for nothing. */
export function timersStop(s: TcpSocket): void {
  s.retransmitDeadline = NEVER;
  s.delayedAckDeadline = NEVER;
  s.lifeDeadline = NEVER;
  s.reorderDeadline = NEVER;
}

/** Sets the kernel timer when a deadline is earlier than what it is set to. */
export function timersArm(s: TcpSocket): void {
  const earliest = min(min(s.retransmitDeadline, s.delayedAckDeadline), min(s.lifeDeadline, s.reorderDeadline));
  if (earliest >= s.armedDeadline) return;
  s.armedDeadline = earliest;
  timerSet(s.timer, earliest);
}

/** RFC 6298, 5.1 and 5.3: the retransmission timer runs one time-out from `now`. */
export function retransmitTimerStart(s: TcpSocket, now: u64): void {
  s.retransmitDeadline = now + s.retransmissionTimeout;
  tailTimerStart(s, now);
}

/** RFC 6298, 5.2: everything is acknowledged. */
export function retransmitTimerStop(s: TcpSocket): void {
  s.retransmitDeadline = NEVER;
  s.clear(PERSIST | TAIL_TIMER);
}

/** Chooses what the life timer waits for: the end of FIN_WAIT_2 without an owner, or the next keep-alive probe. */
export function lifeTimerStart(s: TcpSocket, now: u64): void {
  if (s.state == FIN_WAIT_2 && s.has(DETACHED)) s.lifeDeadline = now + FIN_WAIT_2_DURATION;
  else if (s.has(KEEPALIVE) && isSynchronized(s.state)) s.lifeDeadline = s.lastReceived + s.keepAliveIdle;
  else s.lifeDeadline = NEVER;
  timersArm(s);
}

function timerExpired(argument: usize): void {
  const s = changetype<TcpSocket>(argument);
  const now = monotonicNow();
  s.armedDeadline = NEVER;
  if (s.state == INHERITED) {
    inheritedExpired(s, now);
    return;
  }
  if (s.delayedAckDeadline <= now) {
    s.delayedAckDeadline = NEVER;
    s.set(ACK_NOW);
    tcpExtendedCounters.delayedAcks += 1;
  }
  if (s.reorderDeadline <= now) congestionReported(s, 0, false, now);
  if (s.retransmitDeadline <= now) retransmitExpired(s, now);
  if (s.state != CLOSED && s.lifeDeadline <= now) lifeExpired(s, now);
  outputNow(s, now);
  connectionRelease(s);
}

function retransmitExpired(s: TcpSocket, now: u64): void {
  s.retransmitDeadline = NEVER;
  if (s.has(TAIL_TIMER)) tailTimerExpired(s, now);
  else if (s.has(PERSIST) || (s.sendWindow == 0 && isSynchronized(s.state))) probeExpired(s, now);
  else if (s.state == SYN_SENT || s.state == SYN_RECEIVED) synExpired(s, now);
  else textExpired(s, now);
}

/** Counts a retransmission; true when it was one too many: the first was longer than `limit` ago (R2). */
function givesUp(s: TcpSocket, limit: u64, now: u64): bool {
  tcpExtendedCounters.tcpTimeouts += 1;
  if (s.retransmissions == 0) s.firstRetransmission = now;
  s.retransmissions += 1;
  traceTimeout(s);
  const patience = s.userTimeout != 0 ? s.userTimeout : limit; // RFC 9293 MUST-21
  return now - s.firstRetransmission >= (s.has(DETACHED) ? min(patience, orphanPatience()) : patience);
}

/** RFC 9293 MUST-20, SHLD-9: IP may know a better way, or find that the neighbour has gone; the application can ask. */
function reachesR1(s: TcpSocket, now: u64): void {
  ipDoubt(s.remote, now);
  if (s.softError == 0) s.softError = ETIMEDOUT;
}

/** Nobody answers: `s` fails with what the network said last, or ETIMEDOUT. */
function giveUp(s: TcpSocket): void {
  tcpExtendedCounters.tcpAbortOnTimeout += 1;
  connectionFail(s, s.softError != 0 ? s.softError : ETIMEDOUT);
}

function synExpired(s: TcpSocket, now: u64): void {
  if (givesUp(s, R2_SYN, now)) {
    giveUp(s); // RFC 9293 MUST-22, MUST-23
    return;
  }
  if (s.retransmissions == R1) reachesR1(s, now);
  s.set(SYN_LOST);
  s.ecn &= ~ECN_CAPABLE; // RFC 3168, 6.1.1.1: there are hosts and routers that do not answer a SYN with new flags
  roundTripForget(s);
  roundTripBackOff(s);
  s.sendNext = s.initialSend;
}

function textExpired(s: TcpSocket, now: u64): void {
  const first = s.retransmissions == 0;
  if (givesUp(s, R2_DATA, now)) {
    giveUp(s); // RFC 9293 MUST-20
    return;
  }
  if (s.retransmissions >= R1) {
    if (s.retransmissions == R1) reachesR1(s, now);
    blackHoleSuspect(s, now);
  }
  congestionTimeout(s, first, now); // RFC 9293 MUST-19
  roundTripForget(s); // RFC 9293 MUST-18
  roundTripBackOff(s); // RFC 6298, 5.5
  s.sendNext = s.sendUnacknowledged;
}

/**
 * Zero-window probe (RFC 9293, 3.8.6.1). RFC 9293 MUST-35, MUST-37, SHLD-17: for ever while the peer answers, unless
 * nobody holds the socket, or the application has said how long is too long (TCP_USER_TIMEOUT).
 */
function probeExpired(s: TcpSocket, now: u64): void {
  const silent = now - s.lastReceived >= R2_DATA && s.retransmissions > 3;
  tcpExtendedCounters.tcpWinProbe += 1;
  if (givesUp(s, R2_DATA, now) && (silent || s.has(DETACHED) || s.userTimeout != 0)) {
    tcpExtendedCounters.tcpAbortOnTimeout += 1;
    connectionAbort(s, ETIMEDOUT, now);
    return;
  }
  roundTripForget(s);
  s.set(PERSIST | PROBE);
  s.clear(RETRANSMIT_FIRST);
  s.sendNext = s.sendUnacknowledged;
  // RFC 9293 SHLD-30: each interval twice the one before. The time-out itself stays, the path is not to blame.
  const doublings = <u64>min<u32>(s.retransmissions, 12);
  s.retransmitDeadline = now + min(RTO_MAX, s.retransmissionTimeout << doublings);
}

function lifeExpired(s: TcpSocket, now: u64): void {
  s.lifeDeadline = NEVER;
  if (s.state == FIN_WAIT_2 && s.has(DETACHED)) {
    connectionFail(s, 0);
    return;
  }
  if (!s.has(KEEPALIVE) || !isSynchronized(s.state)) return;
  const due = s.lastReceived + s.keepAliveIdle;
  // RFC 9293 MUST-26: only when nothing came for the interval; what is in flight has its own timer.
  if (s.sendMax != s.sendUnacknowledged || (s.keepAliveProbes == 0 && now < due)) {
    s.lifeDeadline = max(due, now + s.keepAliveInterval);
    return;
  }
  if (s.keepAliveProbes >= s.keepAliveCount) {
    // RFC 9293 MUST-29: not for one lost answer
    tcpExtendedCounters.tcpAbortOnTimeout += 1;
    connectionAbort(s, ETIMEDOUT, now);
    return;
  }
  s.keepAliveProbes += 1;
  tcpExtendedCounters.tcpKeepAlive += 1;
  s.set(KEEPALIVE_PROBE);
  s.lifeDeadline = now + s.keepAliveInterval;
}
