// ICMPv6 error output (RFC 4443 section 2.4), limited in rate.
import { icmpErrorAllowed } from "../ip/error_rate";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import { ipv6IsLocal } from "../ipv6/addresses";
import { ipv6UpperLayer, upperLayerProtocol } from "../ipv6/headers";
import { linkHopLimit } from "../ipv6/link";
import { ipv6Allocate, ipv6Send } from "../ipv6/output";
import { ipv6SourceFor } from "../ipv6/routing";
import { RX_LINK_GROUP } from "../receive_flags";
import { transportChecksum } from "../transport";
import {
  ICMPV6_CHECKSUM,
  ICMPV6_HEADER,
  ICMPV6_OPTION,
  ICMPV6_PARAMETER_PROBLEM,
  ICMPV6_REDIRECT,
  icmpv6IsError,
  icmpv6Type,
  icmpv6Write,
} from "../wire/icmpv6";
import {
  IPPROTO_ICMPV6,
  IPV6_HEADER,
  IPV6_MTU_MINIMUM,
  ipv6Destination,
  ipv6PayloadLength,
  ipv6Source,
} from "../wire/ipv6";

/** RFC 4443 section 2.4 (c): quote as much as fits in the smallest MTU. */
const QUOTE_MAXIMUM: u32 = IPV6_MTU_MINIMUM - IPV6_HEADER - ICMPV6_HEADER;

const source = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
const destination = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/** RFC 4443 section 2.4 (e): what must not be answered with an error. */
function mayReport(packet: usize, length: u32, type: u8, code: u8, flags: u32): bool {
  const toGroup = (flags & RX_LINK_GROUP) != 0 || ipv6Destination(packet).isMulticast();
  if (toGroup && !(type == ICMPV6_PARAMETER_PROBLEM && code == ICMPV6_OPTION)) return false;
  if (destination.isAny() || destination.isMulticast()) return false;
  const upper = ipv6UpperLayer(packet, length);
  if (upper == 0 || upperLayerProtocol() != IPPROTO_ICMPV6 || upper >= length) return true;
  const quoted = icmpv6Type(packet + upper);
  return !icmpv6IsError(quoted) && quoted != ICMPV6_REDIRECT;
}

/**
 * Reports an error about the received `packet` to its source, unless that is forbidden or there are too many.
 * @param packet a packet that passed ipv6CheckLength()
 * @param parameter the word behind the header: a pointer, or 0
 */
export function icmpv6SendError(packet: usize, type: u8, code: u8, parameter: u32, flags: u32, now: u64): void {
  destination.copy(ipv6Source(packet));
  const length = IPV6_HEADER + ipv6PayloadLength(packet);
  if (!mayReport(packet, length, type, code, flags) || !icmpErrorAllowed(now)) return;
  source.copy(ipv6Destination(packet));
  if (!ipv6IsLocal(source) && !ipv6SourceFor(destination, source)) return;
  const quote = min(length, QUOTE_MAXIMUM);
  const size = ICMPV6_HEADER + quote;
  const frame = ipv6Allocate(destination, size);
  if (changetype<usize>(frame) == 0) return;
  icmpv6Write(frame.data, type, code, parameter);
  memory.copy(frame.data + ICMPV6_HEADER, packet, quote);
  const sum = transportChecksum(source, destination, IPPROTO_ICMPV6, frame.data, size);
  store<u16>(frame.data + ICMPV6_CHECKSUM, sum);
  ipv6Send(frame, IPPROTO_ICMPV6, source, destination, size, linkHopLimit(), now);
}
