// What the next segment of a connection is, if there is one to send now: planNext fills `plan`. Building it and all
// that follows from having sent it is output.ts's part; without a frame the same decision is made again later.
//
// sendNext < sendMax means: a time-out (or a window probe) has put us back, what follows is sent again.
import { NEVER } from "../../../kernel/time/clock";
import { ipFramePayload } from "../ip/output";
import { TCP_ACK, TCP_FIN, TCP_HEADER_SIZE, TCP_PSH, TCP_SYN, TIMESTAMPS_SIZE } from "../wire/tcp";
import { CORK_MAX } from "./constants";
import { congestionIdle, congestionRoom } from "./congestion";
import { ECN_CWR_DUE, ecnSynFlags } from "./ecn";
import { retransmissionDue } from "./retransmission_log";
import { ringShareable } from "./ring_buffer";
import { scoreboardGap, scoreboardSkip, scoreboardUsed } from "./scoreboard";
import { segmentOptionsSize } from "./segment_options";
import { sequenceLess, sequenceMax, sequenceMin } from "./sequence";
import {
  ACK_NOW,
  DUPLICATE,
  FIN_ACKNOWLEDGED,
  FIN_QUEUED,
  KEEPALIVE_PROBE,
  MORE_FOLLOWS,
  NODELAY,
  PERSIST,
  PROBE,
  RECOVERY,
  RETRANSMIT_FIRST,
  SACK_PERMITTED,
  TAIL_DUE,
  TIMESTAMPS,
} from "./flags";
import { TcpSocket } from "./socket";
import { SYN_RECEIVED, SYN_SENT, TIME_WAIT } from "./state";

/** The segment that has been decided on. */
@unmanaged
@final
export class Plan {
  sequence: u32;
  /** Bytes of text. */
  length: u32;
  flags: u32;
  /** Text per segment when the device cuts it, else 0. */
  gsoSize: u32;
  /** 1: fast retransmission of a gap, apart from sendNext. */
  again: u32;
}

/** The decision; valid after planNext said yes. */
export const plan = changetype<Plan>(memory.data(24, 8));

/** Decides on the next segment of `s`; false when there is none to send now. */
export function planNext(s: TcpSocket, now: u64): bool {
  if (s.state < SYN_SENT || s.state >= TIME_WAIT) return false;
  if (s.state == SYN_SENT || s.state == SYN_RECEIVED) return planSyn(s) || (s.state == SYN_RECEIVED && planAck(s));
  if (planAgain(s)) return true;
  plan.again = 0;
  return planText(s, now) || planTailProbe(s) || planKeepAlive(s) || planAck(s);
}

function planSyn(s: TcpSocket): bool {
  if (s.sendNext != s.initialSend) return false;
  plan.sequence = s.initialSend;
  plan.length = 0;
  plan.flags = (s.state == SYN_SENT ? TCP_SYN : TCP_SYN | TCP_ACK) | ecnSynFlags(s);
  return true;
}

/** Fast retransmit: what is lost is sent again before anything new. */
function planAgain(s: TcpSocket): bool {
  if (s.has(RETRANSMIT_FIRST)) {
    if (planGap(s, s.sendUnacknowledged)) return true; // whatever the congestion window says
    s.clear(RETRANSMIT_FIRST);
  }
  if (!s.has(RECOVERY | SACK_PERMITTED) || congestionRoom(s) < s.segmentSize) return false;
  const due = retransmissionDue(s, s.sendMax);
  if (due != s.sendMax) return planGap(s, due);
  const from = scoreboardSkip(s, sequenceMax(s.retransmitNext, s.sendUnacknowledged));
  return sequenceLess(from, s.lostBelow) && planGap(s, from);
}

/** A tail loss probe with nothing new to send: the last segment again. */
function planTailProbe(s: TcpSocket): bool {
  if (!s.has(TAIL_DUE)) return false;
  const flight = s.sendMax - s.sendUnacknowledged;
  if (flight != 0 && planGap(s, s.sendMax - min(flight, s.segmentSize - sackSize(s)))) return true;
  s.clear(TAIL_DUE);
  plan.again = 0;
  return false;
}

/** One segment of what was sent from `from` on, up to the next that the peer holds. */
function planGap(s: TcpSocket, from: u32): bool {
  const held = s.sendBuffer.length;
  const offset = from - s.sendUnacknowledged;
  const sent = s.sendMax - from;
  const text = min(min(held > offset ? held - offset : 0, sent), s.segmentSize - sackSize(s));
  plan.sequence = from;
  plan.length = scoreboardGap(s, from, text);
  plan.gsoSize = 0;
  plan.again = 1;
  const withFin = finDue(s) && offset + plan.length == held && sent > plan.length;
  plan.flags = TCP_ACK | (withFin ? TCP_FIN : 0);
  return plan.length != 0 || withFin;
}

/** Bytes that SACK blocks take from the text of the next segment. */
export function sackSize(s: TcpSocket): u32 {
  if (s.outOfOrder == 0 && !s.has(DUPLICATE)) return 0;
  return segmentOptionsSize(s) - (s.has(TIMESTAMPS) ? TIMESTAMPS_SIZE : 0);
}

/** Text and FIN within the windows, or a probe of a closed one. */
function planText(s: TcpSocket, now: u64): bool {
  const held = s.sendBuffer.length;
  const total = held + (finDue(s) ? 1 : 0);
  const again = sequenceLess(s.sendNext, s.sendMax);
  if (again) s.sendNext = scoreboardSkip(s, s.sendNext); // what the peer has is not sent again after a time-out
  const offset = s.sendNext - s.sendUnacknowledged;
  if (offset >= total) return false;
  if (offset == 0 && s.sendMax == s.sendUnacknowledged && now - s.lastSent > s.retransmissionTimeout) congestionIdle(s);
  // RFC 9293 MUST-34, SHLD-15, SHLD-16: a window that has shrunk allows less than was sent: of that, what lies within goes again.
  let room = min(s.sendWindow > offset ? s.sendWindow - offset : 0, congestionRoom(s));
  // RFC 9293 MUST-36: one octet beyond a closed window.
  if (s.has(TAIL_DUE)) room = max(room, min(s.segmentSize, s.sendWindow > offset ? s.sendWindow - offset : 0));
  if (room == 0 && s.has(PROBE) && s.sendWindow <= offset) room = 1;
  const octets = min(total - offset, room);
  let available = min(octets, held > offset ? held - offset : 0);
  if (again) available = scoreboardGap(s, s.sendNext, available);
  const text = textLength(s, available, held - offset);
  const fin = finDue(s) && offset + text == held && octets > text;
  if (octets == 0 || (text == 0 && !fin) || (!fin && !worthSending(s, text, offset))) {
    persistStart(s, now);
    return false;
  }
  plan.sequence = s.sendNext;
  plan.length = text;
  plan.flags = TCP_ACK | (fin ? TCP_FIN : 0) | (text != 0 && offset + text == held ? TCP_PSH : 0); // RFC 9293 MUST-61, SHLD-27
  return true;
}

/** Our FIN is to be sent, or sent and not acknowledged. */
function finDue(s: TcpSocket): bool {
  return (s.flags & (FIN_QUEUED | FIN_ACKNOWLEDGED)) == FIN_QUEUED;
}

/** How much of `available` bytes one frame takes (RFC 9293 SHLD-28); `queued` is what waits behind sendNext. Sets plan.gsoSize. */
function textLength(s: TcpSocket, available: u32, queued: u32): u32 {
  const segment = s.segmentSize - sackSize(s);
  plan.gsoSize = 0;
  if (available <= segment) return available;
  // What is larger than a segment goes to the device where it lies, or not at all. Nor does what says CWR: a device that knows nothing of
  // that would say it in every segment.
  if (!ringShareable(s.sendBuffer) || (s.ecn & ECN_CWR_DUE) != 0) return segment;
  const maximum = ipFramePayload(s.remote) - TCP_HEADER_SIZE - segmentOptionsSize(s);
  if (maximum < 2 * segment) return segment;
  let text = min(available, maximum);
  const rest = text % segment;
  // A short tail goes with its full-sized predecessors only when nothing follows it and Nagle agrees.
  if (rest != 0 && (text != queued || !smallAllowed(s))) text -= rest;
  if (text > segment) plan.gsoSize = segment;
  return text;
}

/**
 * Nagle's algorithm (RFC 9293 SHLD-7, MAY-16) as Minshall refined it: a small segment waits only for an earlier small one, not
 * for full-sized ones, so that the tail of a message does not wait for a delayed ACK. It also waits for what the
 * application has announced.
 */
function smallAllowed(s: TcpSocket): bool {
  if (s.has(MORE_FOLLOWS)) return false;
  return s.has(NODELAY) || !sequenceLess(s.sendUnacknowledged, s.smallSequence);
}

/** Sender's silly window avoidance (RFC 9293 MUST-38, 3.8.6.2.1) for `text` bytes that begin `offset` behind the ring's start. */
function worthSending(s: TcpSocket, text: u32, offset: u32): bool {
  if (text >= s.segmentSize - sackSize(s) || s.has(PROBE)) return true;
  const last = offset + text == s.sendBuffer.length;
  // Sent again: in pieces where the peer's window wants it, not where the congestion window ends inside a segment.
  if (sequenceLess(s.sendNext, s.sendMax)) {
    return last || offset == 0 || offset + text >= s.sendWindow || scoreboardUsed(s);
  }
  if (last && smallAllowed(s)) return true;
  return text * 2 >= s.sendWindowMax;
}

/**
 * Nothing in flight and yet something queued: the window is closed or too small and the timer will probe it (RFC 9293 SHLD-29), or
 * the application keeps us waiting and the timer ends that (RFC 9293 MUST-60; 3.8.6.2.1, the override time-out).
 */
function persistStart(s: TcpSocket, now: u64): void {
  if (s.sendUnacknowledged != s.sendMax || s.retransmitDeadline != NEVER) return;
  s.set(PERSIST);
  s.retransmissions = 0;
  s.firstRetransmission = now;
  s.retransmitDeadline = now + (s.has(MORE_FOLLOWS) ? CORK_MAX : s.retransmissionTimeout);
}

/** RFC 9293 SHLD-12, 3.8.4: a segment without text from before the window, which the peer answers. */
function planKeepAlive(s: TcpSocket): bool {
  if (!s.has(KEEPALIVE_PROBE)) return false;
  plan.sequence = s.sendUnacknowledged - 1;
  plan.length = 0;
  plan.gsoSize = 0;
  plan.flags = TCP_ACK;
  return true;
}

function planAck(s: TcpSocket): bool {
  if (!s.has(ACK_NOW)) return false;
  // RFC 9293, 3.10.7.4: SND.NXT, not where a time-out has put us back; but never beyond the window, where the peer
  // would refuse it with the acknowledgment that it carries.
  plan.sequence = sequenceMin(s.sendMax, s.sendUnacknowledged + s.sendWindow);
  plan.length = 0;
  plan.gsoSize = 0;
  plan.flags = TCP_ACK;
  return true;
}
