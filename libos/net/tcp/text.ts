// Segment text and FIN (RFC 9293, 3.10.7.4, seventh and eighth step), and when to acknowledge them.
import { NEVER } from "../../../kernel/time/clock";
import { wakeAll } from "../../../kernel/thread/wait_queue";
import { TCP_FIN, TcpSegment } from "../wire/tcp";
import { receiveTune } from "./auto_tuning";
import { connectionAbort, connectionTimeWait } from "./connection";
import { DELAYED_ACK } from "./constants";
import { tcpExtendedCounters } from "./counters";
import { duplicateReceived } from "./duplicate_sack";
import { ECN_AGREED, ecnTextArrives } from "./ecn";
import { reassemblyHolds } from "./reassembly";
import { receiveStore, windowOpen } from "./receive_queue";
import { sequenceLess, sequenceMax } from "./sequence";
import { ACK_NOW, DETACHED, FIN_KNOWN, READ_SHUT } from "./flags";
import { TcpSocket } from "./socket";
import { CLOSE_WAIT, CLOSING, ESTABLISHED, FIN_WAIT_1, FIN_WAIT_2, acceptsText } from "./state";
import { stateEnter } from "./trace";

/** Takes what of the segment lies in the window. The connection may be over afterwards. */
export function textArrives(s: TcpSocket, segment: TcpSegment, now: u64): void {
  let length = segment.payloadLength;
  let fin = segment.has(TCP_FIN);
  if (length == 0 && !fin) return;
  if (!acceptsText(s.state)) {
    s.set(ACK_NOW); // after its FIN the peer has nothing to say; it did not see our acknowledgment
    return;
  }
  let sequence = segment.sequence;
  let skipped: u32 = 0;
  if (sequenceLess(sequence, s.receiveNext)) {
    skipped = min(s.receiveNext - sequence, length);
    sequence += skipped;
    length -= skipped;
    duplicateReceived(s, segment.sequence, sequence); // RFC 5681, 4.2 and RFC 9293, 3.10.7.4: part of it was sent again
  }
  const offset = sequence - s.receiveNext;
  const room = windowOpen(s);
  if (length != 0 && (offset >= room || length > room - offset)) {
    length = offset < room ? room - offset : 0;
    fin = false;
    s.set(ACK_NOW);
  }
  if (length != 0 && s.has(DETACHED)) {
    tcpExtendedCounters.tcpAbortOnData += 1;
    connectionAbort(s, 0, now); // RFC 9293 SHLD-3: nobody will read this
    return;
  }
  if (length != 0 && (s.ecn & ECN_AGREED) != 0) ecnTextArrives(s, segment);
  if (length != 0 && !textStore(s, offset, segment.payload + skipped, length, now)) return;
  if (!sequenceLess(s.receiveNext, s.tuneSequence)) receiveTune(s, segment, now);
  if (fin && !s.has(FIN_KNOWN)) {
    s.finSequence = sequence + length;
    s.set(FIN_KNOWN);
    if (offset != 0) s.set(ACK_NOW); // RFC 5681, 4.2: it came too early
  }
  if (s.has(FIN_KNOWN) && !sequenceLess(s.receiveNext, s.finSequence)) finArrives(s, now);
}

/** Stores the text, or drops it where nobody will read it, and settles when to acknowledge. False: it counts as lost. */
function textStore(s: TcpSocket, offset: u32, payload: usize, length: u32, now: u64): bool {
  const hadGap = s.outOfOrder != 0;
  s.lastText = now;
  if (s.has(READ_SHUT)) {
    if (offset == 0) s.receiveNext += length;
  } else {
    const start = s.receiveNext + offset;
    if (offset != 0 && reassemblyHolds(s, start, start + length)) {
      duplicateReceived(s, start, start + length);
      return true;
    }
    const stored = receiveStore(s, offset, payload, length);
    if (offset != 0) earlyCount(stored);
    if (!stored) return false;
  }
  s.receiveSegmentSize = max(s.receiveSegmentSize, min(length, s.segmentSize));
  if (offset != 0 || hadGap)
    s.set(ACK_NOW); // RFC 5681, 4.2 and RFC 9293 MAY-13: at once, for fast retransmit
  else acknowledgeSoon(s, now);
  if (offset == 0) wakeAll(s.waitQueue);
  return true;
}

/** Counts text that came ahead of a gap. */
function earlyCount(stored: bool): void {
  if (stored) tcpExtendedCounters.tcpOfoQueue += 1;
  else tcpExtendedCounters.tcpOfoDrop += 1;
}

/** RFC 9293 SHLD-18, SHLD-19: every second full-sized segment at once, else within DELAYED_ACK (RFC 9293 MUST-40). */
function acknowledgeSoon(s: TcpSocket, now: u64): void {
  if (s.receiveNext - s.acknowledged >= 2 * s.receiveSegmentSize || s.quickAck) s.set(ACK_NOW);
  else if (s.delayedAckDeadline == NEVER) s.delayedAckDeadline = now + DELAYED_ACK;
}

/** All text before the peer's FIN is here. */
function finArrives(s: TcpSocket, now: u64): void {
  s.receiveNext += 1;
  s.receiveEdge = sequenceMax(s.receiveEdge, s.receiveNext);
  s.set(ACK_NOW);
  if (s.state == ESTABLISHED) stateEnter(s, CLOSE_WAIT);
  else if (s.state == FIN_WAIT_1) stateEnter(s, CLOSING);
  else if (s.state == FIN_WAIT_2) connectionTimeWait(s, now);
  wakeAll(s.waitQueue);
}
