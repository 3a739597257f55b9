// The headers between IPv6's and the transport's (RFC 8200 section 4): their options, and where the transport's begins.
import { IPV6_HEADER, NEXT_DESTINATION, NEXT_FRAGMENT, NEXT_HOP_BY_HOP, NEXT_ROUTING } from "../wire/ipv6";
import { FRAGMENT_HEADER, IPV6_NEXT_HEADER, extensionLength, fragmentOffset } from "../wire/ipv6";

/** Headers that a packet may have between IPv6's and the transport's: more than any sender has a reason for. */
export const HEADERS_MAXIMUM: u32 = 8;

/** What is to become of a packet for the sake of one of its options (RFC 8200 section 4.2, the type's two highest bits). */
export const OPTIONS_FINE: u32 = 0;
export const OPTIONS_DROP: u32 = 1;
/** Dropped with an error to the source; optionOffset() says where. */
export const OPTIONS_REPORT: u32 = 2;
/** The same, but not when the packet was for a group. */
export const OPTIONS_REPORT_UNICAST: u32 = 3;

const OPTION_PAD1: u8 = 0;
/** RFC 2711: routers should look closer; nothing to a host. */
const OPTION_ROUTER_ALERT: u8 = 5;

let refused: u32 = 0;
let alert = false;
let protocol: u8 = 0;

/** Walks the options of the header of `length` bytes at `header`: OPTIONS_. */
export function optionsVerdict(header: usize, length: u32): u32 {
  alert = false;
  let at: u32 = 2;
  while (at < length) {
    const type = load<u8>(header + at);
    if (type == OPTION_PAD1) {
      at += 1;
      continue;
    }
    if (at + 2 > length) return OPTIONS_DROP;
    const size = 2 + <u32>load<u8>(header + at, 1);
    if (at + size > length) return OPTIONS_DROP;
    if (type == OPTION_ROUTER_ALERT) alert = true;
    if (type >> 6 != 0) {
      refused = at;
      return type >> 6;
    }
    at += size;
  }
  return OPTIONS_FINE;
}

/** Where in its header the option stands for which optionsVerdict() has refused the packet. */
export function optionOffset(): u32 {
  return refused;
}

/** True when the options that optionsVerdict() has read have a router alert. */
export function optionsAlert(): bool {
  return alert;
}

/** True for a header that optionsVerdict() reads, or a routing header: those with a length in their second byte. */
export function isExtension(next: u8): bool {
  return next == NEXT_HOP_BY_HOP || next == NEXT_DESTINATION || next == NEXT_ROUTING;
}

/**
 * Where in the `available` bytes at `packet` the transport header begins, which may be at their end; 0 when that cannot be
 * told or is in another fragment. upperLayerProtocol() then says whose it is.
 */
export function ipv6UpperLayer(packet: usize, available: u32): u32 {
  if (available < IPV6_HEADER || load<u8>(packet) >> 4 != 6) return 0;
  let next = load<u8>(packet + IPV6_NEXT_HEADER);
  let at = IPV6_HEADER;
  for (let left = HEADERS_MAXIMUM; left != 0; left--) {
    if (!isExtension(next) && next != NEXT_FRAGMENT) {
      protocol = next;
      return at;
    }
    if (at + FRAGMENT_HEADER > available) return 0;
    const isFragment = next == NEXT_FRAGMENT;
    if (isFragment && fragmentOffset(packet + at) != 0) return 0;
    next = load<u8>(packet + at);
    at += isFragment ? FRAGMENT_HEADER : extensionLength(packet + at);
    if (at > available) return 0;
  }
  return 0;
}

/** The protocol that ipv6UpperLayer() has found. */
export function upperLayerProtocol(): u8 {
  return protocol;
}
