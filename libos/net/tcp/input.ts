// Input: one segment at a time, from the interface (RFC 9293, 3.10.7). tcpInput finds who it is for; the functions below
// follow the RFC's steps in its order: sequence number, RST, SYN, ACK, URG, text, FIN.
// Nothing is sent from here except answers to nobody's segments: a connection is marked and flushed after the batch.
import { ECONNREFUSED, ECONNRESET } from "../../../kernel/errno";
import { wakeAll } from "../../../kernel/thread/wait_queue";
import { inheritedArrives } from "../../optional/with_fork_network";
import { IpAddress } from "../ip/address";
import { RX_SERVICE_SHIFT } from "../receive_flags";
import { transportChecksumValid } from "../transport";
import { IPPROTO_TCP } from "../wire/ipv4";
import {
  HAS_TIMESTAMPS,
  TCP_ACK,
  TCP_ECE,
  TCP_RST,
  TCP_SEGMENT_SIZE,
  TCP_SYN,
  TCP_URG,
  TcpSegment,
  tcpParse,
} from "../wire/tcp";
import { acknowledgmentArrives, challenge } from "./acknowledge";
import { listenerFind } from "./bound_ports";
import { connectionFail, connectionRelease, connectionEstablished } from "./connection";
import { TIMESTAMP_LIFETIME, WINDOW_SCALE } from "./constants";
import { resetReply } from "./control_segment";
import { tcpCounters, tcpExtendedCounters } from "./counters";
import { duplicateReceived } from "./duplicate_sack";
import { cookieArrives } from "./cookie_handshake";
import { HalfOpen, halfOpenArrives, halfOpenFree } from "./half_open";
import { ECN_MASK, ecnSynArrives } from "./ecn";
import { isnFor } from "./isn";
import { childCreate, listenerArrives } from "./listen";
import { outputMark } from "./output";
import { windowInitial, windowOpen } from "./receive_queue";
import { roundTripAcknowledged } from "./rtt";
import { mssOf, offeredBy } from "./segment_options";
import { segmentAcceptable, sequenceLess, sequenceLessOrEqual } from "./sequence";
import { ENDPOINT_HALF_OPEN, ENDPOINT_TIME_WAIT } from "./endpoint";
import { ACK_NOW, TIMESTAMPS, URGENT, WINDOW_SCALED } from "./flags";
import { NO_SOCKET, TcpSocket } from "./socket";
import { CLOSED, CLOSING, INHERITED, LAST_ACK, SYN_RECEIVED, SYN_SENT, TIME_WAIT, acceptsText } from "./state";
import { cookiesOutstanding } from "./syn_cookie";
import { NO_ENDPOINT, tableFind } from "./table";
import { textArrives } from "./text";
import { TimeWait, timeWaitArrives, timeWaitFree, timeWaitNextIsn } from "./time_wait";
import { retransmitTimerStop } from "./timers";
import { stateEnter } from "./trace";

const segment = changetype<TcpSegment>(memory.data(TCP_SEGMENT_SIZE, 8));

/** One segment of `length` bytes from one host to an address of ours; registered as transport input. Always 0. */
export function tcpInput(
  source: IpAddress,
  destination: IpAddress,
  address: usize,
  length: u32,
  flags: u32,
  now: u64,
): i32 {
  tcpCounters.inSegs += 1;
  if (!tcpParse(address, length, segment)) return wrong(0);
  // RFC 9293 MUST-3
  if (!transportChecksumValid(source, destination, IPPROTO_TCP, address, length, flags)) return wrong(1);
  segment.source = source;
  segment.destination = destination;
  segment.codepoint = (<u8>(flags >> RX_SERVICE_SHIFT)) & ECN_MASK;
  const entry = tableFind(destination, segment.destinationPort, source, segment.sourcePort);
  if (entry == NO_ENDPOINT) strangerArrives(0, now);
  else if (entry.kind == ENDPOINT_HALF_OPEN) handshakeArrives(changetype<HalfOpen>(entry), now);
  else if (entry.kind == ENDPOINT_TIME_WAIT) lateArrives(changetype<TimeWait>(entry), now);
  else if (entry.state == INHERITED) inheritedArrives(changetype<TcpSocket>(entry), address, length, flags);
  else connectionArrives(changetype<TcpSocket>(entry), now);
  return 0;
}

/** Counts a segment that is dropped, `checksums` when that is why. Always 0. */
function wrong(checksums: u32): i32 {
  tcpCounters.inErrs += 1;
  tcpCounters.inCsumErrors += checksums;
  return 0;
}

/** No connection: a SYN for a listener, the ACK of a cookie, or nobody's. `initial` 0 = choose our initial sequence number. */
function strangerArrives(initial: u32, now: u64): void {
  const control = segment.flags & (TCP_SYN | TCP_ACK | TCP_RST);
  if (control == TCP_SYN || (control == TCP_ACK && cookiesOutstanding(now))) {
    const listener = listenerFind(segment.destination, segment.destinationPort, segment.source, segment.sourcePort);
    if (listener != NO_SOCKET) {
      if (control == TCP_SYN) listenerArrives(listener, segment, initial, now);
      else cookieReturns(listener, now);
      return;
    }
  }
  resetReply(segment, now);
}

/** An ACK that may acknowledge a cookie; what does not is nobody's. */
function cookieReturns(listener: TcpSocket, now: u64): void {
  const entry = cookieArrives(listener, segment, now);
  if (changetype<usize>(entry) == 0) {
    resetReply(segment, now);
    return;
  }
  const child = childCreate(entry, segment, now);
  if (child != NO_SOCKET) connectionArrives(child, now);
}

function handshakeArrives(entry: HalfOpen, now: u64): void {
  if (!halfOpenArrives(entry, segment, now)) return;
  const child = childCreate(entry, segment, now);
  if (child == NO_SOCKET) return;
  halfOpenFree(entry);
  connectionArrives(child, now);
}

function lateArrives(entry: TimeWait, now: u64): void {
  if (!timeWaitArrives(entry, segment, now)) return;
  const chosen = isnFor(segment.destination, segment.destinationPort, segment.source, segment.sourcePort, now);
  const initial = timeWaitNextIsn(entry, chosen);
  timeWaitFree(entry);
  strangerArrives(initial, now);
}

function connectionArrives(s: TcpSocket, now: u64): void {
  s.segmentsReceived += 1;
  if (s.state == SYN_SENT) synSentArrives(s, now);
  else synchronizedArrives(s, now);
  if (s.state != CLOSED && s.state != TIME_WAIT) outputMark(s);
  connectionRelease(s);
}

/** RFC 9293, 3.10.7.3. */
function synSentArrives(s: TcpSocket, now: u64): void {
  const acknowledges = segment.has(TCP_ACK);
  if (
    acknowledges &&
    (sequenceLessOrEqual(segment.acknowledgment, s.initialSend) || sequenceLess(s.sendMax, segment.acknowledgment))
  ) {
    resetReply(segment, now);
    return;
  }
  if (segment.has(TCP_RST)) {
    if (acknowledges) connectionFail(s, ECONNREFUSED);
    return;
  }
  if (!segment.has(TCP_SYN)) return;
  synAccept(s, now);
  if (!acknowledges) {
    stateEnter(s, SYN_RECEIVED); // RFC 9293 MUST-10: simultaneous open; our SYN goes again with an ACK
    s.sendNext = s.initialSend;
    return;
  }
  const echo = (segment.options & HAS_TIMESTAMPS) != 0 ? segment.timestampEcho : 0;
  roundTripAcknowledged(s, segment.acknowledgment, echo, s.retransmissions != 0, now);
  s.sendUnacknowledged = segment.acknowledgment;
  s.sendNext = segment.acknowledgment;
  s.smallSequence = segment.acknowledgment;
  s.retransmissions = 0;
  s.softError = 0;
  retransmitTimerStop(s);
  connectionEstablished(s, now);
  s.set(ACK_NOW);
  segment.sequence += 1; // behind the SYN
  segment.flags &= ~TCP_SYN;
  textArrives(s, segment, now);
}

/** Takes the peer's SYN: its sequence number, window and options. */
function synAccept(s: TcpSocket, now: u64): void {
  s.receiveNext = segment.sequence + 1;
  s.acknowledged = s.receiveNext;
  windowInitial(s);
  s.sendWindow = segment.window; // RFC 7323, 2.2: not scaled in a SYN
  s.sendWindowMax = segment.window;
  s.windowSequence = segment.sequence;
  s.windowAcknowledgment = segment.acknowledgment;
  s.peerMss = min(mssOf(segment), s.segmentMaximum);
  ecnSynArrives(s, segment, segment.has(TCP_ACK));
  s.set(offeredBy(segment));
  if (s.has(WINDOW_SCALED)) {
    s.sendScale = segment.windowScale;
    s.receiveScale = WINDOW_SCALE;
  }
  if (s.has(TIMESTAMPS)) s.timestampRecent = segment.timestampValue;
  s.timestampRecentTime = now;
  s.lastReceived = now;
}

/** RFC 9293, 3.10.7.4. */
function synchronizedArrives(s: TcpSocket, now: u64): void {
  if (s.state == SYN_RECEIVED) crossedSyn(s);
  if (!sequenceCheck(s, now)) return;
  if (segment.has(TCP_RST)) {
    resetArrives(s, now);
    return;
  }
  s.lastReceived = now;
  s.keepAliveProbes = 0;
  if (segment.has(TCP_SYN)) {
    tcpExtendedCounters.tcpSynChallenge += 1;
    challenge(s, now); // RFC 5961, 4.2
    return;
  }
  if (!segment.has(TCP_ACK)) return;
  timestampUpdate(s, now);
  if (!acknowledgmentArrives(s, segment, now)) return;
  if (s.state == CLOSED || s.state == TIME_WAIT) return;
  if (segment.has(TCP_URG)) urgentArrives(s);
  textArrives(s, segment, now);
}

/** The second SYN of a simultaneous open comes with the ACK of ours: only the ACK is new (RFC 9293, 3.5, figure 7). */
function crossedSyn(s: TcpSocket): void {
  if (!segment.has(TCP_SYN | TCP_ACK) || segment.sequence + 1 != s.receiveNext) return;
  segment.sequence += 1;
  segment.flags &= ~(TCP_SYN | TCP_ECE); // which in a SYN echoes nothing
}

/** First step: is any part of the segment new and in the window? What is not, is answered with an ACK. */
function sequenceCheck(s: TcpSocket, now: u64): bool {
  const reset = segment.has(TCP_RST);
  if (s.has(TIMESTAMPS) && !reset) {
    if ((segment.options & HAS_TIMESTAMPS) == 0) return false; // RFC 7323, 3.2
    if (isOld(s, now)) {
      // RFC 7323, 5.3, R1: PAWS
      tcpExtendedCounters.pawsEstab += 1;
      refuse(s, now);
      return false;
    }
  }
  const window = windowOpen(s);
  if (segmentAcceptable(segment.sequence, segment.sequenceLength(), s.receiveNext, window)) return true;
  if (reset) return false;
  refuse(s, now);
  // RFC 9293 MUST-66 and 3.10.7.4: behind a closed window ACK and URG still count; the text is cut off later.
  return window == 0 && segment.sequence == s.receiveNext;
}

/** Text sent again and keep-alive probes are always answered; another empty segment may be part of a war of ACKs. */
function refuse(s: TcpSocket, now: u64): void {
  const end = segment.sequence + segment.payloadLength;
  if (segment.payloadLength != 0 && sequenceLessOrEqual(end, s.receiveNext))
    duplicateReceived(s, segment.sequence, end);
  else if (segment.sequenceLength() != 0 || segment.sequence + 1 == s.receiveNext) s.set(ACK_NOW);
  else challenge(s, now);
}

function isOld(s: TcpSocket, now: u64): bool {
  if (<i32>(segment.timestampValue - s.timestampRecent) >= 0) return false;
  return now - s.timestampRecentTime <= TIMESTAMP_LIFETIME;
}

/** RFC 7323, 4.3: remembers the timestamp of the segment that begins where our last ACK ended, or before. */
function timestampUpdate(s: TcpSocket, now: u64): void {
  if (!s.has(TIMESTAMPS) || sequenceLess(s.acknowledged, segment.sequence)) return;
  s.timestampRecent = segment.timestampValue;
  s.timestampRecentTime = now;
}

/** Second step; text in a reset is of no concern (RFC 9293 SHLD-2). RFC 5961, 3.2: only the exact number resets, another one in the window is challenged. */
function resetArrives(s: TcpSocket, now: u64): void {
  if (segment.sequence != s.receiveNext) {
    challenge(s, now);
    return;
  }
  if (s.state == SYN_RECEIVED)
    connectionFail(s, ECONNREFUSED); // RFC 9293 MUST-11: of an active open
  else if (s.state == CLOSING || s.state == LAST_ACK) connectionFail(s, 0);
  else connectionFail(s, ECONNRESET);
}

/**
 * Sixth step. The pointer names the first octet that is not urgent (RFC 9293 MUST-62); the text itself stays in line
 * (RFC 6093), and later pointers make it as long as the peer likes (RFC 9293 MUST-30, MUST-31).
 */
function urgentArrives(s: TcpSocket): void {
  if (!acceptsText(s.state)) return;
  const end = segment.sequence + segment.urgentPointer;
  if (!sequenceLess(s.receiveNext, end)) return;
  if (s.has(URGENT) && !sequenceLess(s.urgentSequence, end)) return;
  s.urgentSequence = end;
  s.set(URGENT);
  wakeAll(s.waitQueue); // RFC 9293 MUST-32
}
