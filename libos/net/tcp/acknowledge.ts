// What the acknowledgment of a segment does (RFC 9293, 3.10.7.4, fifth step): new data acknowledged, a duplicate, or
// nonsense; then the window it brings.
import { NEVER } from "../../../kernel/time/clock";
import { wakeAll } from "../../../kernel/thread/wait_queue";
import { HAS_TIMESTAMPS, TCP_FIN, TCP_SYN, TcpSegment } from "../wire/tcp";
import { sendTune } from "./auto_tuning";
import { challengeAllowed } from "./challenge";
import { congestionAcknowledged, congestionDuplicate, congestionEchoed, congestionReported } from "./congestion";
import { connectionEstablished, connectionFail, connectionTimeWait, isUnreadByOthers } from "./connection";
import { resetReply } from "./control_segment";
import { tcpExtendedCounters } from "./counters";
import { roundTripAcknowledged } from "./rtt";
import { duplicateReported } from "./duplicate_sack";
import { ECN_AGREED, ECN_CAPABLE, ecnEchoed, ecnHold } from "./ecn";
import { rackAcknowledged, rackDuplicateReported, rackRetransmissions } from "./rack";
import { scoreboardAdvance, scoreboardBytes, scoreboardUpdate } from "./scoreboard";
import { tailAcknowledged } from "./tail_loss";
import { undoAcknowledged } from "./undo";
import { sendRelease, sendWake } from "./send_queue";
import { sequenceLess, sequenceLessOrEqual, sequenceMax } from "./sequence";
import { ACK_NOW, FIN_ACKNOWLEDGED, PERSIST, RECOVERY, SACK_PERMITTED, TAIL_PROBE, UNDO } from "./flags";
import { TcpSocket } from "./socket";
import { CLOSING, FIN_WAIT_1, FIN_WAIT_2, LAST_ACK, SYN_RECEIVED } from "./state";
import { lifeTimerStart, retransmitTimerStart, retransmitTimerStop } from "./timers";
import { stateEnter } from "./trace";

/** Asks for an ACK that may be a challenge to a forged segment (RFC 5961). */
export function challenge(s: TcpSocket, now: u64): void {
  if (challengeAllowed(now)) s.set(ACK_NOW);
}

/** Processes the acknowledgment; false when the segment is to be dropped. The connection may be over afterwards. */
export function acknowledgmentArrives(s: TcpSocket, segment: TcpSegment, now: u64): bool {
  const ack = segment.acknowledgment;
  if (s.state == SYN_RECEIVED) {
    if (!sequenceLess(s.sendUnacknowledged, ack) || sequenceLess(s.sendMax, ack)) {
      resetReply(segment, now);
      return false;
    }
    connectionEstablished(s, now);
    s.windowSequence = segment.sequence - 1;
  }
  // RFC 9293, 3.10.7.4 and RFC 5961, 5.2: neither beyond what was sent nor older than any window we have seen.
  if (sequenceLess(s.sendMax, ack) || sequenceLess(ack, s.sendUnacknowledged - s.sendWindowMax)) {
    challenge(s, now);
    return false;
  }
  const capable = (s.ecn & (ECN_AGREED | ECN_CAPABLE)) == (ECN_AGREED | ECN_CAPABLE);
  if (capable && ecnEchoed(s, segment)) congestionEchoed(s);
  if (
    segment.sackCount != 0 ||
    s.scoreboard != 0 ||
    s.retransmissionLog != 0 ||
    (s.flags & (RECOVERY | TAIL_PROBE)) != 0
  )
    reportArrives(s, segment, now);
  else if (sequenceLess(s.sendUnacknowledged, ack)) newAcknowledged(s, segment, now);
  else if (!s.has(SACK_PERMITTED) && isDuplicate(s, segment)) congestionDuplicate(s, now);
  if (capable) ecnHold(s, now);
  windowArrives(s, segment);
  return true;
}

/** An acknowledgment while there is a gap, a recovery or a probe, or one that reports such. */
function reportArrives(s: TcpSocket, segment: TcpSegment, now: u64): void {
  const ack = segment.acknowledgment;
  const before = s.sendUnacknowledged;
  const held = scoreboardBytes(s);
  const duplicate = duplicateReported(segment);
  if (duplicate) {
    tcpExtendedCounters.tcpDsackRecv += 1;
    rackDuplicateReported(s);
  }
  scoreboardUpdate(s, segment, now);
  if (sequenceLess(before, ack)) newAcknowledged(s, segment, now);
  else if (!s.has(SACK_PERMITTED) && isDuplicate(s, segment)) congestionDuplicate(s, now);
  if (s.has(TAIL_PROBE)) tailAcknowledged(s, ack, duplicate);
  if (s.scoreboard != 0 || s.retransmissionLog != 0 || s.has(RECOVERY | SACK_PERMITTED)) {
    losses(s, s.sendUnacknowledged - before + scoreboardBytes(s) - held, before, now);
  }
}

/** Looks for losses while the peer reports a gap, or something has been sent again; `delivered` bytes have arrived. */
function losses(s: TcpSocket, delivered: u32, before: u32, now: u64): void {
  rackRetransmissions(s, now);
  congestionReported(s, delivered, before != s.sendUnacknowledged, now);
}

/** RFC 5681, 2: what counts as a duplicate acknowledgment. */
function isDuplicate(s: TcpSocket, segment: TcpSegment): bool {
  return (
    segment.acknowledgment == s.sendUnacknowledged &&
    s.sendMax != s.sendUnacknowledged &&
    segment.payloadLength == 0 &&
    (segment.flags & (TCP_SYN | TCP_FIN)) == 0 &&
    segment.window << s.sendScale == s.sendWindow &&
    s.sendWindow != 0
  );
}

function newAcknowledged(s: TcpSocket, segment: TcpSegment, now: u64): void {
  const ack = segment.acknowledgment;
  const inFlight = s.sendMax - s.sendUnacknowledged;
  const acked = ack - s.sendUnacknowledged;
  const octets = s.sendUnacknowledged == s.initialSend ? acked - 1 : acked; // our SYN is not in the ring
  const held = s.sendBuffer.length;
  const echo = (segment.options & HAS_TIMESTAMPS) != 0 ? segment.timestampEcho : 0;
  roundTripAcknowledged(s, ack, echo, s.retransmissions != 0 || s.has(RECOVERY), now);
  if (s.scoreboard != 0) rackAcknowledged(s, ack, now);
  s.octetsAcknowledged += acked;
  s.sendUnacknowledged = ack;
  s.sendNext = sequenceMax(s.sendNext, ack);
  s.smallSequence = sequenceMax(s.smallSequence, ack);
  scoreboardAdvance(s);
  sendRelease(s, min(octets, held));
  if (!s.has(UNDO) || !undoAcknowledged(s, segment)) congestionAcknowledged(s, ack, acked, inFlight, now);
  s.retransmissions = 0;
  s.softError = 0;
  if (ack == s.sendMax)
    retransmitTimerStop(s); // RFC 6298, 5.2
  else retransmitTimerStart(s, now); // RFC 6298, 5.3
  if (s.congestionWindow > s.sendLimit >> 1) sendTune(s);
  if (s.wantsRoom) sendWake(s);
  if (octets > held) finAcknowledged(s, now);
}

/** Our FIN is acknowledged. */
function finAcknowledged(s: TcpSocket, now: u64): void {
  s.set(FIN_ACKNOWLEDGED);
  if (s.state == FIN_WAIT_1) {
    stateEnter(s, FIN_WAIT_2);
    lifeTimerStart(s, now);
  } else if (s.state == CLOSING || (s.state == LAST_ACK && isUnreadByOthers(s))) {
    connectionTimeWait(s, now);
  } else if (s.state == LAST_ACK) {
    connectionFail(s, 0);
  }
  wakeAll(s.waitQueue);
}

/** RFC 9293, 3.10.7.4: takes the window unless the segment is older than the one that brought the last. */
function windowArrives(s: TcpSocket, segment: TcpSegment): void {
  const newer = sequenceLess(s.windowSequence, segment.sequence);
  const same = s.windowSequence == segment.sequence;
  if (!newer && !(same && sequenceLessOrEqual(s.windowAcknowledgment, segment.acknowledgment))) return;
  const window = segment.window << s.sendScale; // RFC 9293 MUST-1
  const opened = window > s.sendWindow;
  s.windowSequence = segment.sequence;
  s.windowAcknowledgment = segment.acknowledgment;
  s.sendWindow = window;
  s.sendWindowMax = max(s.sendWindowMax, window);
  if (!opened || !s.has(PERSIST)) return;
  // The window opens: what the probe sent goes again with the rest, under a timer of its own.
  s.clear(PERSIST);
  s.retransmissions = 0;
  s.retransmitDeadline = NEVER;
}
