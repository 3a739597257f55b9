// ICMPv6 input (RFC 4443): echo, errors about what we sent, and neighbour discovery (ndp/).
import { ECONNREFUSED, EHOSTUNREACH, EMSGSIZE, ENETUNREACH, ENOPROTOOPT, EPROTO } from "../../../kernel/errno";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import { ipv6IsLocal } from "../ipv6/addresses";
import { ipv6SendFragmented } from "../ipv6/fragment";
import { ipv6UpperLayer, upperLayerProtocol } from "../ipv6/headers";
import { linkHopLimit } from "../ipv6/link";
import { ipv6Allocate, ipv6PathMtu, ipv6Send } from "../ipv6/output";
import { ipv6SourceFor } from "../ipv6/routing";
import { mldQuery } from "../mld/listener";
import { ndpInput } from "../ndp/input";
import { RX_ROUTER_ALERT } from "../receive_flags";
import { transportChecksum, transportChecksumValid, transportError } from "../transport";
import {
  ICMPV6_CHECKSUM,
  ICMPV6_ECHO_REQUEST,
  ICMPV6_HEADER,
  ICMPV6_LISTENER_QUERY,
  ICMPV6_NEXT_HEADER,
  ICMPV6_NO_ROUTE,
  ICMPV6_PARAMETER_PROBLEM,
  ICMPV6_PORT,
  ICMPV6_REDIRECT,
  ICMPV6_ROUTER_SOLICITATION,
  ICMPV6_TIME_EXCEEDED,
  ICMPV6_TOO_BIG,
  ICMPV6_UNREACHABLE,
  icmpv6Code,
  icmpv6MakeEchoReply,
  icmpv6Parameter,
  icmpv6Type,
} from "../wire/icmpv6";
import { IPPROTO_ICMPV6, IPV6_HEADER, ipv6Destination, ipv6Source } from "../wire/ipv6";

/** The ends of the packet that an error quotes, or of an answer; read once. */
const local = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
const remote = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/** Takes an ICMPv6 message of `length` bytes; it may be written to, it is not needed afterwards. */
export function icmpv6Input(
  source: IpAddress,
  destination: IpAddress,
  message: usize,
  length: u32,
  hopLimit: u8,
  flags: u32,
  now: u64,
): void {
  if (length < ICMPV6_HEADER) return;
  if (!transportChecksumValid(source, destination, IPPROTO_ICMPV6, message, length, flags)) return;
  const type = icmpv6Type(message);
  if (type == ICMPV6_ECHO_REQUEST) {
    echoReply(source, destination, message, length, now);
  } else if (type >= ICMPV6_ROUTER_SOLICITATION && type <= ICMPV6_REDIRECT) {
    ndpInput(type, source, destination, message, length, hopLimit, flags, now);
  } else if (type >= ICMPV6_UNREACHABLE && type <= ICMPV6_PARAMETER_PROBLEM) {
    errorInput(type, message, length, now);
  } else if (type == ICMPV6_LISTENER_QUERY) {
    // RFC 3810 section 5.1.14: nobody but a router of the link sends one.
    const fromLink = source.isLinkLocal() && hopLimit == 1 && (flags & RX_ROUTER_ALERT) != 0;
    if (fromLink) mldQuery(message, length, now);
  }
}

/** RFC 4443 section 4.2: the data comes back whole, from the address that was asked, or for a group from one of ours. */
function echoReply(source: IpAddress, destination: IpAddress, message: usize, length: u32, now: u64): void {
  if (source.isAny()) return;
  remote.copy(source);
  local.copy(destination);
  if (destination.isMulticast() && !ipv6SourceFor(remote, local)) return;
  icmpv6MakeEchoReply(message);
  store<u16>(message + ICMPV6_CHECKSUM, transportChecksum(local, remote, IPPROTO_ICMPV6, message, length));
  if (IPV6_HEADER + length > ipv6PathMtu(remote)) {
    ipv6SendFragmented(IPPROTO_ICMPV6, local, remote, message, length, 0, linkHopLimit(), now);
    return;
  }
  const frame = ipv6Allocate(remote, length);
  if (changetype<usize>(frame) == 0) return;
  memory.copy(frame.data, message, length);
  ipv6Send(frame, IPPROTO_ICMPV6, local, remote, length, linkHopLimit(), now);
}

/** Hands an error to the transport whose segment it quotes. */
function errorInput(type: u8, message: usize, length: u32, now: u64): void {
  const quote = message + ICMPV6_HEADER;
  const available = length - ICMPV6_HEADER;
  const upper = ipv6UpperLayer(quote, available);
  if (upper == 0 || available - upper < 8) return;
  local.copy(ipv6Source(quote));
  remote.copy(ipv6Destination(quote));
  if (!ipv6IsLocal(local) || remote.isIpv4()) return;
  const error = errorNumber(type, icmpv6Code(message));
  const mtu = error == EMSGSIZE ? icmpv6Parameter(message) : 0;
  transportError(upperLayerProtocol(), local, remote, quote + upper, available - upper, error, mtu, now);
}

/** The errno of an ICMPv6 error. */
function errorNumber(type: u8, code: u8): i32 {
  if (type == ICMPV6_TOO_BIG) return EMSGSIZE;
  if (type == ICMPV6_TIME_EXCEEDED) return EHOSTUNREACH;
  if (type == ICMPV6_PARAMETER_PROBLEM) return code == ICMPV6_NEXT_HEADER ? ENOPROTOOPT : EPROTO;
  if (code == ICMPV6_PORT) return ECONNREFUSED;
  return code == ICMPV6_NO_ROUTE ? ENETUNREACH : EHOSTUNREACH;
}
