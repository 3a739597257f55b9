// Output: decides first what the next segment is (plan… functions fill `plan`), then builds it (segmentSend). Whoever
// changes a connection marks it; the marked ones are flushed once per batch of input, so that one segment carries the
// answer, the acknowledgment and the window together (RFC 9293 MUST-58).
//
// sendNext < sendMax means: a time-out (or a window probe) has put us back, what follows is sent again.
import { ListNode, listFirst, listInit, listInsertTail, listLinked, listRemove } from "../../../kernel/list";
import { NEVER } from "../../../kernel/time/clock";
import { TransmitFrame } from "../device";
import { ipv4Allocate, ipv4PathMtu, ipv4PayloadMaximum, ipv4Send } from "../ipv4_output";
import { transportChecksumFill } from "../transport";
import { IPPROTO_TCP } from "../wire/ipv4";
import {
  TCP_ACK,
  TCP_CHECKSUM,
  TCP_FIN,
  TCP_HEADER_SIZE,
  TCP_PSH,
  TCP_SYN,
  TIMESTAMPS_SIZE,
  tcpEmitHeader,
} from "../wire/tcp";
import { congestionIdle, congestionRoom } from "./congestion";
import { HEADERS_SIZE } from "./constants";
import { synSend } from "./control_segment";
import { timestampClock } from "./isn";
import { windowAdvertise, windowInitial } from "./receive_queue";
import { ringRead } from "./ring_buffer";
import { roundTripForget, roundTripStart } from "./rtt";
import { scoreboardEnd, scoreboardGap, scoreboardLossEdge, scoreboardSkip, scoreboardUsed } from "./scoreboard";
import { segmentOptionsEmit, segmentOptionsSize } from "./segment_options";
import { sequenceLess, sequenceMax, sequenceMin } from "./sequence";
import {
  ACK_NOW,
  FIN_ACKNOWLEDGED,
  FIN_QUEUED,
  KEEPALIVE_PROBE,
  NODELAY,
  PERSIST,
  PROBE,
  RECOVERY,
  RETRANSMIT_FIRST,
  SACK_PERMITTED,
  TIMESTAMPS,
  TcpSocket,
  WINDOW_SCALED,
  socketOfPending,
} from "./socket";
import { CLOSED, LISTEN, SYN_RECEIVED, SYN_SENT, TIME_WAIT, isSynchronized } from "./state";
import { retransmitTimerStart, timersArm } from "./timers";

/** The segment that has been decided on. */
@unmanaged
@final
class Plan {
  sequence: u32;
  /** Bytes of text. */
  length: u32;
  flags: u32;
  /** Text per segment when the device cuts it, else 0. */
  gsoSize: u32;
  /** 1: fast retransmission of a gap, apart from sendNext. */
  again: u32;
}

const plan = changetype<Plan>(memory.data(24, 8));
const pending = changetype<ListNode>(memory.data(8, 8));

/** Called once by tcpInit. */
export function outputInit(): void {
  listInit(pending);
}

/** Marks `s`: the next flush looks whether there is something to send. */
export function outputMark(s: TcpSocket): void {
  if (!listLinked(s.pendingNode)) listInsertTail(pending, s.pendingNode);
}

/** Takes the mark away, before `s` is freed. */
export function outputUnmark(s: TcpSocket): void {
  listRemove(s.pendingNode);
}

/** Sends what is due on every marked connection. Without free frames the rest stays marked for the next call. */
export function tcpFlush(now: u64): void {
  for (let node = listFirst(pending); node != 0; node = listFirst(pending)) {
    listRemove(changetype<ListNode>(node));
    if (!output(socketOfPending(node), now)) return;
  }
}

/** Sends what is due on `s` at once. */
export function outputNow(s: TcpSocket, now: u64): void {
  listRemove(s.pendingNode);
  output(s, now);
}

/** Sends segment after segment while there is one to send. False when the frames ran out: `s` is marked again. */
function output(s: TcpSocket, now: u64): bool {
  let sent = true;
  if (isSynchronized(s.state)) segmentSizeUpdate(s);
  while (planNext(s, now)) {
    sent = (plan.flags & TCP_SYN) != 0 ? synOutput(s, now) : segmentSend(s, now);
    if (!sent) {
      outputMark(s);
      break;
    }
  }
  s.clear(PROBE);
  timersArm(s);
  return sent;
}

/** RFC 9293 MUST-16, SHLD-6: what fits one segment on this path, with the options that every segment has. */
export function segmentSizeUpdate(s: TcpSocket): void {
  const packet = min(s.peerMss, ipv4PathMtu(s.remoteAddress) - HEADERS_SIZE);
  s.segmentSize = packet - (s.has(TIMESTAMPS) ? TIMESTAMPS_SIZE : 0);
}

/** Decides on the next segment of `s`; false when there is none to send now. */
function planNext(s: TcpSocket, now: u64): bool {
  if (s.state == CLOSED || s.state == LISTEN || s.state == TIME_WAIT) return false;
  if (s.state == SYN_SENT || s.state == SYN_RECEIVED) return planSyn(s) || (s.state == SYN_RECEIVED && planAck(s));
  if (planAgain(s)) return true;
  plan.again = 0;
  return planText(s, now) || planRescue(s) || planKeepAlive(s) || planAck(s);
}

function planSyn(s: TcpSocket): bool {
  if (s.sendNext != s.initialSend) return false;
  plan.sequence = s.initialSend;
  plan.length = 0;
  plan.flags = s.state == SYN_SENT ? TCP_SYN : TCP_SYN | TCP_ACK;
  return true;
}

/** Fast retransmit: what is lost is sent again before anything new. */
function planAgain(s: TcpSocket): bool {
  if (s.has(RETRANSMIT_FIRST)) {
    if (planGap(s, s.sendUnacknowledged)) return true; // whatever the congestion window says
    s.clear(RETRANSMIT_FIRST);
  }
  return gapsAllowed(s) && planGapBelow(s, scoreboardLossEdge(s));
}

/** RFC 6675, 4, NextSeg (3): with nothing new to send, also what is missing but not yet known to be lost. */
function planRescue(s: TcpSocket): bool {
  return gapsAllowed(s) && planGapBelow(s, scoreboardEnd(s));
}

function gapsAllowed(s: TcpSocket): bool {
  return s.has(RECOVERY) && scoreboardUsed(s) && congestionRoom(s) >= s.segmentSize;
}

/** The next gap below `edge` that has not been sent again in this recovery. */
function planGapBelow(s: TcpSocket, edge: u32): bool {
  const from = scoreboardSkip(s, sequenceMax(s.retransmitNext, s.sendUnacknowledged));
  return sequenceLess(from, edge) && planGap(s, from);
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
function sackSize(s: TcpSocket): u32 {
  if (s.outOfOrder == 0) return 0;
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
  let room = min(s.sendWindow > offset ? s.sendWindow - offset : 0, congestionRoom(s));
  // RFC 9293 MUST-36: one octet beyond a closed window.
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
  plan.flags = TCP_ACK | (fin ? TCP_FIN : 0) | (text != 0 && offset + text == held ? TCP_PSH : 0); // MUST-61
  return true;
}

/** Our FIN is to be sent, or sent and not acknowledged. */
function finDue(s: TcpSocket): bool {
  return (s.flags & (FIN_QUEUED | FIN_ACKNOWLEDGED)) == FIN_QUEUED;
}

/** How much of `available` bytes one frame takes; `queued` is what waits behind sendNext. Sets plan.gsoSize. */
function textLength(s: TcpSocket, available: u32, queued: u32): u32 {
  const segment = s.segmentSize - sackSize(s);
  plan.gsoSize = 0;
  if (available <= segment) return available;
  const maximum = ipv4PayloadMaximum(s.remoteAddress) - TCP_HEADER_SIZE - segmentOptionsSize(s);
  if (maximum < 2 * segment) return segment;
  let text = min(available, maximum);
  const rest = text % segment;
  // A short tail goes with its full-sized predecessors only when nothing follows it and Nagle agrees.
  if (rest != 0 && (text != queued || !smallAllowed(s))) text -= rest;
  if (text > segment) plan.gsoSize = segment;
  return text;
}

/**
 * Nagle's algorithm (RFC 9293 SHLD-7) as Minshall refined it: a small segment waits only for an earlier small one, not
 * for full-sized ones, so that the tail of a message does not wait for a delayed ACK.
 */
function smallAllowed(s: TcpSocket): bool {
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

/** Nothing in flight and yet something queued: the window is closed or too small; the timer will probe it (SHLD-29). */
function persistStart(s: TcpSocket, now: u64): void {
  if (s.sendUnacknowledged != s.sendMax || s.retransmitDeadline != NEVER) return;
  s.set(PERSIST);
  s.retransmissions = 0;
  s.firstRetransmission = now;
  s.retransmitDeadline = now + s.retransmissionTimeout;
}

/** RFC 9293, 3.8.4: a segment without text from before the window, which the peer answers (SHLD-12). */
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

/** Sends our SYN, which `plan` says. */
function synOutput(s: TcpSocket, now: u64): bool {
  const offered = s.state == SYN_SENT ? TIMESTAMPS | SACK_PERMITTED | WINDOW_SCALED : s.flags;
  const acknowledgment = s.state == SYN_SENT ? 0 : s.receiveNext;
  const echo = s.state == SYN_SENT ? 0 : s.timestampRecent;
  const timestamp = timestampClock(now) + s.timestampOffset;
  if (!synSend(s, s.initialSend, acknowledgment, plan.flags, windowInitial(s), offered, timestamp, echo, now))
    return false;
  sendAccount(s, 1, now);
  return true;
}

/** Builds the segment of `plan` and sends it. False without a free frame. */
function segmentSend(s: TcpSocket, now: u64): bool {
  const headerSize = TCP_HEADER_SIZE + segmentOptionsSize(s);
  const size = headerSize + plan.length;
  const frame = ipv4Allocate(s.remoteAddress, size);
  if (changetype<usize>(frame) == 0) return false;
  const at = frame.data;
  const window = windowAdvertise(s);
  tcpEmitHeader(at, s.localPort, s.remotePort, plan.sequence, s.receiveNext, headerSize, plan.flags, window);
  segmentOptionsEmit(s, at + TCP_HEADER_SIZE, timestampClock(now) + s.timestampOffset);
  ringRead(s.sendBuffer, plan.sequence - s.sendUnacknowledged, at + headerSize, plan.length);
  frame.gsoSize = <u16>plan.gsoSize;
  segmentAccount(s, now);
  transmit(s, frame, size, now);
  return true;
}

function transmit(s: TcpSocket, frame: TransmitFrame, size: u32, now: u64): void {
  transportChecksumFill(frame, TCP_CHECKSUM, s.localAddress, s.remoteAddress, IPPROTO_TCP, size); // RFC 9293 MUST-2
  ipv4Send(frame, IPPROTO_TCP, s.localAddress, s.remoteAddress, size, now);
}

/** What follows from having sent the segment of `plan`. */
function segmentAccount(s: TcpSocket, now: u64): void {
  s.clear(ACK_NOW | KEEPALIVE_PROBE);
  s.delayedAckDeadline = NEVER;
  s.acknowledged = s.receiveNext;
  const octets = plan.length + ((plan.flags & TCP_FIN) != 0 ? 1 : 0);
  if (octets == 0) return;
  if (plan.again != 0) {
    s.clear(RETRANSMIT_FIRST);
    s.retransmitNext = sequenceMax(s.retransmitNext, plan.sequence + plan.length);
    roundTripForget(s);
    if (s.retransmitDeadline == NEVER) retransmitTimerStart(s, now);
    return;
  }
  const segment = s.segmentSize - sackSize(s);
  if (plan.length % segment != 0) s.smallSequence = plan.sequence + plan.length;
  sendAccount(s, octets, now);
}

/** `octets` sequence numbers from sendNext on have been sent. */
function sendAccount(s: TcpSocket, octets: u32, now: u64): void {
  const end = s.sendNext + octets;
  if (s.has(PROBE | PERSIST) && s.sendWindow == 0) {
    // A probe stays unsent in our books: when the window opens it is sent again with what follows.
    s.sendMax = sequenceMax(s.sendMax, end);
    s.clear(PROBE);
    return;
  }
  // What follows a loss is acknowledged only when the loss is mended: it says nothing about the round trip.
  if (s.sendNext == s.sendMax && !s.has(RECOVERY)) roundTripStart(s, end, now);
  s.clear(PERSIST);
  s.sendNext = end;
  s.sendMax = sequenceMax(s.sendMax, end);
  s.lastSent = now;
  if (s.retransmitDeadline == NEVER) retransmitTimerStart(s, now); // RFC 6298, 5.1
}
