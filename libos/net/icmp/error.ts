// ICMP error output (RFC 1122 section 3.2.2, RFC 1812 section 4.3.2), limited in rate.
import { icmpCounters } from "../counters";
import { icmpErrorAllowed } from "../ip/error_rate";
import { ipv4Allocate, ipv4Send } from "../ipv4/output";
import { RX_LINK_GROUP } from "../receive_flags";
import { ipv4SourceFor, routeIsGroup } from "../ipv4/routing";
import { ICMP_HEADER, ICMP_UNREACHABLE, icmpFinish, icmpIsError, icmpType, icmpWriteError } from "../wire/icmpv4";
import {
  IPPROTO_ICMP,
  ipv4Destination,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Protocol,
  ipv4Source,
  ipv4TotalLength,
} from "../wire/ipv4";

/** RFC 1812 section 4.3.2.3: quote as much as fits in 576 bytes. */
const QUOTE_MAXIMUM: u32 = 548;

/** RFC 1122 section 3.2.2: what must not be answered with an error. */
function mayReport(packet: usize, flags: u32): bool {
  if ((flags & RX_LINK_GROUP) != 0 || routeIsGroup(ipv4Destination(packet))) return false;
  if (ipv4FragmentOffset(packet) != 0) return false;
  if (ipv4Protocol(packet) != IPPROTO_ICMP) return true;
  const header = ipv4HeaderLength(packet);
  return ipv4TotalLength(packet) > header && !icmpIsError(icmpType(packet + header));
}

/**
 * Reports an error about the received `packet` to its source, unless that is forbidden or there are too many.
 * @param packet a packet that passed ipv4CheckLength(), from a unicast source
 */
export function icmpSendError(packet: usize, type: u8, code: u8, flags: u32, now: u64): void {
  if (!mayReport(packet, flags)) return;
  if (!icmpErrorAllowed(now)) {
    icmpCounters.outRateLimitGlobal += 1;
    return;
  }
  const destination = ipv4Source(packet);
  const quote = min(ipv4TotalLength(packet), QUOTE_MAXIMUM);
  const length = ICMP_HEADER + quote;
  const source = ipv4Destination(packet);
  if (ipv4SourceFor(destination) == 0) return;
  const frame = ipv4Allocate(destination, length);
  if (changetype<usize>(frame) == 0) return;
  icmpCounters.outMsgs += 1;
  if (type == ICMP_UNREACHABLE) icmpCounters.outDestUnreachs += 1;
  icmpWriteError(frame.data, type, code);
  memory.copy(frame.data + ICMP_HEADER, packet, quote);
  icmpFinish(frame.data, length);
  ipv4Send(frame, IPPROTO_ICMP, source, destination, length, now);
}
