// Tail loss probes (RFC 8985, 7): when the acknowledgment of the last that was sent is late by two round trips, one
// segment is sent without waiting for the time-out, new if there is any, else the last one again. Its acknowledgment
// shows what was lost, and fast recovery does the rest.
import { congestionProbeRepaired } from "./congestion";
import { tcpExtendedCounters } from "./counters";
import { sequenceLess } from "./sequence";
import { PERSIST, RECOVERY, SACK_PERMITTED, TAIL_DUE, TAIL_PROBE, TAIL_RETRANSMITTED, TAIL_TIMER } from "./flags";
import { TcpSocket } from "./socket";

/** For clocks, queues and delayed acknowledgments of the peer, ns; also so that busy connections do not set a timer each time. */
const SLACK: u64 = 20000000;

/** The acknowledgment of a lone segment may be delayed by this (TLP.max_ack_delay), ns: by most stacks. */
const ACK_DELAY_MAX: u64 = 200000000;

/** RFC 8985, 7.2: time from the last sending to the probe, ns; 0 when there is to be none. */
function probeTimeout(s: TcpSocket): u64 {
  if (!s.has(SACK_PERMITTED) || s.smoothedRoundTrip == 0 || s.scoreboard != 0 || s.retransmissions != 0) return 0;
  if ((s.flags & (RECOVERY | PERSIST | TAIL_PROBE)) != 0 || s.sendNext != s.sendMax) return 0;
  const lone = s.sendMax - s.sendUnacknowledged <= s.segmentSize;
  return 2 * s.smoothedRoundTrip + (lone ? ACK_DELAY_MAX : SLACK);
}

/** The retransmission timer runs: it may expire for a probe first. */
export function tailTimerStart(s: TcpSocket, now: u64): void {
  s.clear(TAIL_TIMER);
  const lone = s.sendMax - s.sendUnacknowledged <= s.segmentSize;
  // Such a probe would not come before the least time-out: most answers go out with no more looked at.
  if (lone && s.retransmissionTimeout <= ACK_DELAY_MAX) return;
  const timeout = probeTimeout(s);
  if (timeout == 0 || now + timeout >= s.retransmitDeadline) return;
  s.retransmitDeadline = now + timeout;
  s.set(TAIL_TIMER);
}

/** The timer has expired for a probe. It waits on when something was sent meanwhile; else the next output is the probe. */
export function tailTimerExpired(s: TcpSocket, now: u64): void {
  const timeout = probeTimeout(s);
  if (timeout != 0 && now < s.lastSent + timeout) {
    s.retransmitDeadline = s.lastSent + timeout;
    return;
  }
  s.clear(TAIL_TIMER);
  s.retransmitDeadline = now + s.retransmissionTimeout;
  if (timeout != 0) s.set(TAIL_DUE);
}

/** The probe has been sent, `again` when it was sent before. */
export function tailProbeSent(s: TcpSocket, again: bool): void {
  s.clear(TAIL_DUE | TAIL_RETRANSMITTED);
  s.set(again ? TAIL_PROBE | TAIL_RETRANSMITTED : TAIL_PROBE);
  s.tailProbeEnd = s.sendMax;
  tcpExtendedCounters.tcpLossProbes += 1;
}

/** New data is acknowledged up to `ack`, with a report of duplicates when `duplicate` (RFC 8985, 7.4.2). */
export function tailAcknowledged(s: TcpSocket, ack: u32, duplicate: bool): void {
  if (!s.has(TAIL_PROBE) || sequenceLess(ack, s.tailProbeEnd)) return;
  // Without a report of a duplicate the probe itself has mended a loss, which nothing else will show.
  const repaired = s.has(TAIL_RETRANSMITTED) && !duplicate && sequenceLess(s.tailProbeEnd, ack);
  if (s.has(TAIL_RETRANSMITTED) && !duplicate && ack == s.tailProbeEnd) return; // a duplicate may still be reported
  s.clear(TAIL_PROBE | TAIL_RETRANSMITTED);
  if (!repaired || s.has(RECOVERY)) return;
  tcpExtendedCounters.tcpLossProbeRecovery += 1;
  congestionProbeRepaired(s);
}
