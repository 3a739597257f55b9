// Reports of duplicates (D-SACK, RFC 2883): as a receiver we say which text came twice, in the first SACK block; as a
// sender we learn from such a block that we sent something again without need.
import { TcpSegment, tcpSackLeft, tcpSackRight } from "../wire/tcp";
import { tcpExtendedCounters } from "./counters";
import { sequenceLess, sequenceLessOrEqual } from "./sequence";
import { ACK_NOW, DUPLICATE, SACK_PERMITTED } from "./flags";
import { TcpSocket } from "./socket";

/** [start, end) has come again: the next segment, an ACK at once, reports it. */
export function duplicateReceived(s: TcpSocket, start: u32, end: u32): void {
  s.set(ACK_NOW);
  if (!s.has(SACK_PERMITTED) || !sequenceLess(start, end)) return;
  s.duplicateStart = start;
  s.duplicateEnd = end;
  s.set(DUPLICATE);
  if (sequenceLess(s.receiveNext, end)) tcpExtendedCounters.tcpDsackOfoSent += 1;
  else tcpExtendedCounters.tcpDsackOldSent += 1;
}

/** RFC 2883, 4: is the first block below the acknowledgment, or inside the second block? */
export function duplicateReported(segment: TcpSegment): bool {
  if (segment.sackCount == 0) return false;
  const left = tcpSackLeft(segment, 0);
  const right = tcpSackRight(segment, 0);
  if (!sequenceLess(left, right)) return false;
  if (sequenceLessOrEqual(right, segment.acknowledgment)) return true;
  if (segment.sackCount < 2) return false;
  return sequenceLessOrEqual(tcpSackLeft(segment, 1), left) && sequenceLessOrEqual(right, tcpSackRight(segment, 1));
}
