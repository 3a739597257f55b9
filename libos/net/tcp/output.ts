// Output: asks plan.ts what the next segment is, builds it and accounts for it, until there is none. Whoever changes a
// connection marks it; the marked ones are flushed once per batch of input, so that one segment carries the answer, the
// acknowledgment and the window together (RFC 9293 MUST-58, MUST-59).
import { ListNode, listFirst, listInit, listInsertTail, listLinked, listRemove } from "../../../kernel/list";
import { NEVER } from "../../../kernel/time/clock";
import { TransmitFrame } from "../device";
import { ipAllocate, ipFree, ipPathPayload, ipSend } from "../ip/output";
import { ipGathers } from "../ip/routing";
import { transportChecksumFill } from "../transport";
import { IPPROTO_TCP } from "../wire/ipv4";
import { TCP_CHECKSUM, TCP_FIN, TCP_HEADER_SIZE, TCP_SYN, TIMESTAMPS_SIZE, tcpEmitHeader } from "../wire/tcp";
import { SEGMENT_COPIED_MAXIMUM } from "./constants";
import { synSend } from "./control_segment";
import { tcpCounters, tcpExtendedCounters } from "./counters";
import { ECN_AGREED, ecnSend } from "./ecn";
import { timestampClock } from "./isn";
import { windowAdvertise, windowInitial } from "./receive_queue";
import { retransmissionAdd } from "./retransmission_log";
import { ringAttach, ringRead, ringShareable } from "./ring_buffer";
import { roundTripForget, roundTripStart } from "./rtt";
import { segmentOptionsEmit, segmentOptionsSize } from "./segment_options";
import { sequenceLess, sequenceMax } from "./sequence";
import {
  ACK_NOW,
  DUPLICATE,
  KEEPALIVE_PROBE,
  PERSIST,
  PROBE,
  RECOVERY,
  RETRANSMIT_FIRST,
  SACK_PERMITTED,
  TAIL_DUE,
  TAIL_TIMER,
  TIMESTAMPS,
  WINDOW_SCALED,
} from "./flags";
import { TcpSocket, socketOfPending } from "./socket";
import { SYN_SENT, isSynchronized } from "./state";
import { tailProbeSent, tailTimerStart } from "./tail_loss";
import { retransmitTimerStart, timersArm } from "./timers";
import { transmitTimesAdd } from "./transmit_times";
import { plan, planNext, sackSize } from "./plan";

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
  let sent: bool = true;
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
  const packet = min(s.peerMss, ipPathPayload(s.remote) - TCP_HEADER_SIZE);
  s.segmentSize = packet - (s.has(TIMESTAMPS) ? TIMESTAMPS_SIZE : 0);
}

/** Sends our SYN, which `plan` says. */
function synOutput(s: TcpSocket, now: u64): bool {
  const offered = s.state == SYN_SENT ? TIMESTAMPS | SACK_PERMITTED | WINDOW_SCALED : s.flags;
  const acknowledgment = s.state == SYN_SENT ? 0 : s.receiveNext;
  const echo = s.state == SYN_SENT ? 0 : s.timestampRecent;
  const timestamp = timestampClock(now) + s.timestampOffset;
  if (!synSend(s, s.initialSend, acknowledgment, plan.flags, windowInitial(s), offered, timestamp, echo, now))
    return false;
  s.segmentsSent += 1;
  if (s.retransmissions != 0) s.segmentsRetransmitted += 1;
  sendAccount(s, 1, now);
  return true;
}

/** Builds the segment of `plan` and sends it. False when the device has no room now. */
function segmentSend(s: TcpSocket, now: u64): bool {
  const headerSize = TCP_HEADER_SIZE + segmentOptionsSize(s);
  const ring = s.sendBuffer;
  const large = headerSize + plan.length > SEGMENT_COPIED_MAXIMUM;
  const shared = large && ringShareable(ring) && ipGathers(s.remote);
  const frame = ipAllocate(s.remote, shared ? headerSize : headerSize + plan.length);
  if (changetype<usize>(frame) == 0) return false;
  const offset = plan.sequence - s.sendUnacknowledged;
  const at = frame.data;
  if (!shared) {
    ringRead(ring, offset, at + headerSize, plan.length);
  } else if (!ringAttach(ring, offset, plan.length, frame)) {
    ipFree(frame);
    return false;
  }
  const window = windowAdvertise(s);
  s.settings.apply(frame, s.remote); // RFC 9293 SHLD-22
  const flags = (s.ecn & ECN_AGREED) != 0 ? plan.flags | ecnSend(s, frame, isNewText(s)) : plan.flags;
  tcpEmitHeader(at, s.localPort, s.remotePort, plan.sequence, s.receiveNext, headerSize, flags, window);
  segmentOptionsEmit(s, at + TCP_HEADER_SIZE, timestampClock(now) + s.timestampOffset);
  frame.gsoSize = <u16>plan.gsoSize;
  segmentAccount(s, now);
  transmit(s, frame, headerSize + plan.length, now);
  return true;
}

/** The segment of `plan` has text that was never sent, and that is no probe of a closed window. */
function isNewText(s: TcpSocket): bool {
  return plan.length != 0 && plan.again == 0 && !sequenceLess(plan.sequence, s.sendMax) && !s.has(PROBE);
}

function transmit(s: TcpSocket, frame: TransmitFrame, size: u32, now: u64): void {
  transportChecksumFill(frame, TCP_CHECKSUM, s.local, s.remote, IPPROTO_TCP, size); // RFC 9293 MUST-2
  ipSend(frame, IPPROTO_TCP, s.local, s.remote, size, now);
}

/** What follows from having sent the segment of `plan`. */
function segmentAccount(s: TcpSocket, now: u64): void {
  s.clear(ACK_NOW | KEEPALIVE_PROBE | DUPLICATE);
  s.delayedAckDeadline = NEVER;
  s.acknowledged = s.receiveNext;
  const segments = plan.gsoSize == 0 ? 1 : (plan.length + plan.gsoSize - 1) / plan.gsoSize;
  s.segmentsSent += segments;
  tcpCounters.outSegs += segments;
  const octets = plan.length + ((plan.flags & TCP_FIN) != 0 ? 1 : 0);
  if (octets == 0) return;
  if ((s.flags & (RECOVERY | TAIL_DUE)) != 0) {
    s.recoverSent += plan.length;
    if (s.has(TAIL_DUE)) tailProbeSent(s, plan.again != 0);
  }
  if (plan.again != 0) {
    s.clear(RETRANSMIT_FIRST);
    tcpCounters.retransSegs += 1;
    if (s.has(RECOVERY)) tcpExtendedCounters.tcpFastRetrans += 1;
    s.segmentsRetransmitted += 1;
    if (s.has(RECOVERY)) s.retransmitNext = sequenceMax(s.retransmitNext, plan.sequence + octets);
    if (s.has(SACK_PERMITTED)) retransmissionAdd(s, plan.sequence, plan.sequence + octets, now);
    roundTripForget(s);
    if (s.retransmitDeadline == NEVER) retransmitTimerStart(s, now);
    return;
  }
  if (s.sendNext != s.sendMax) s.segmentsRetransmitted += segments;
  const segment = s.segmentSize - sackSize(s);
  if (plan.length % segment != 0) s.smallSequence = plan.sequence + plan.length;
  sendAccount(s, octets, now);
}

/** After a time-out, what is behind sendMax goes again. */
function retransmissionCount(s: TcpSocket): void {
  tcpCounters.retransSegs += 1;
  if (isSynchronized(s.state)) tcpExtendedCounters.tcpSlowStartRetrans += 1;
  else tcpExtendedCounters.tcpSynRetrans += 1;
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
  if (s.sendNext != s.sendMax) retransmissionCount(s);
  else if (!s.has(RECOVERY)) roundTripStart(s, end, now);
  s.clear(PERSIST | PROBE); // one segment is a probe: what follows keeps to the window
  s.sendNext = end;
  s.sendMax = sequenceMax(s.sendMax, end);
  s.lastSent = now;
  if (s.has(SACK_PERMITTED)) transmitTimesAdd(s, end, now);
  if (s.retransmitDeadline == NEVER)
    retransmitTimerStart(s, now); // RFC 6298, 5.1
  else if (!s.has(TAIL_TIMER)) tailTimerStart(s, now); // more than one segment is in flight now
}
