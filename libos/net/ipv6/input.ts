// IPv6 input (RFC 8200): is the packet sound, is it for us, can its source be real - then, past its extension headers, to its
// protocol. What is not for us is dropped in silence.
import { ECONNREFUSED } from "../../../kernel/errno";
import { ip6Counters } from "../counters";
import { icmpv6SendError } from "../icmpv6/error";
import { icmpv6Input } from "../icmpv6/input";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import { FRAGMENT_SIZE, Fragment, reassemblyInput, reassemblyRelease } from "../ip/reassembly";
import { RX_FRAGMENTED, RX_LINK_GROUP, RX_LOOPBACK, RX_ROUTER_ALERT, RX_SERVICE_SHIFT } from "../receive_flags";
import { transportInput, transportPresent } from "../transport";
import {
  ICMPV6_BAD_FIELD,
  ICMPV6_HEADER_CHAIN,
  ICMPV6_NEXT_HEADER,
  ICMPV6_OPTION,
  ICMPV6_PARAMETER_PROBLEM,
  ICMPV6_PORT,
  ICMPV6_UNREACHABLE,
} from "../wire/icmpv6";
import { IPPROTO_TCP } from "../wire/ipv4";
import {
  FRAGMENT_HEADER,
  FRAGMENT_OFFSET,
  IPPROTO_ICMPV6,
  IPV6_HEADER,
  IPV6_NEXT_HEADER,
  IPV6_PAYLOAD_LENGTH,
  IPV6_PAYLOAD_MAXIMUM,
  NEXT_FRAGMENT,
  NEXT_HOP_BY_HOP,
  NEXT_NONE,
  NEXT_ROUTING,
  extensionLength,
  fragmentIdentification,
  fragmentMore,
  fragmentOffset,
  ipv6CheckLength,
  ipv6Destination,
  ipv6HopLimit,
  ipv6PayloadLength,
  ipv6Source,
  ipv6TrafficClass,
} from "../wire/ipv6";
import { ipv6IsLocal, ipv6IsOurGroup } from "./addresses";
import {
  HEADERS_MAXIMUM,
  OPTIONS_DROP,
  OPTIONS_FINE,
  OPTIONS_REPORT,
  ipv6UpperLayer,
  isExtension,
  optionOffset,
  optionsAlert,
  optionsVerdict,
} from "./headers";

/** The ends of the packet: read once, since its bytes may be a peer's. */
const sender = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
const receiver = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
const fragment = changetype<Fragment>(memory.data(FRAGMENT_SIZE, 8));

/** Takes a packet of at most `available` bytes (Ethernet may have padded it). */
export function ipv6Input(packet: usize, available: u32, flags: u32, now: u64): void {
  ip6Counters.inReceives += 1;
  if (ipv6CheckLength(packet, available) != 0) {
    ip6Counters.inHdrErrors += 1;
    return;
  }
  sender.copy(ipv6Source(packet));
  receiver.copy(ipv6Destination(packet));
  if ((flags & RX_LOOPBACK) == 0 && !isAcceptable(flags)) {
    ip6Counters.inAddrErrors += 1;
    return;
  }
  const end = IPV6_HEADER + ipv6PayloadLength(packet);
  walk(packet, IPV6_NEXT_HEADER, IPV6_HEADER, end, ipv6HopLimit(packet), flags, now);
}

/** True when a packet from the wire is for us and its source can be a host's. */
function isAcceptable(flags: u32): bool {
  // RFC 4291 sections 2.5.3, 2.7; a mapped address on the wire would reach sockets as an IPv4 one that nobody has checked.
  if (sender.isMulticast() || sender.isLoopback() || sender.isIpv4() || receiver.isLoopback()) return false;
  if (ipv6IsLocal(sender)) return false;
  if (receiver.isMulticast()) return ipv6IsOurGroup(receiver);
  // A packet for one host has no business in a frame for many.
  return (flags & RX_LINK_GROUP) == 0 && ipv6IsLocal(receiver);
}

/**
 * Follows the headers in [at, end) of the packet; `field` is the offset of the byte that says what the first of them is.
 */
function walk(packet: usize, field: u32, at: u32, end: u32, hopLimit: u8, flags: u32, now: u64): void {
  for (let left = HEADERS_MAXIMUM; left != 0; left--) {
    const next = load<u8>(packet + field);
    if (!isExtension(next) && next != NEXT_FRAGMENT) {
      deliver(packet, next, field, at, end, hopLimit, flags, now);
      return;
    }
    if (at + FRAGMENT_HEADER > end) return;
    // RFC 8200 section 4.3: hop-by-hop options come first or not at all.
    if (next == NEXT_HOP_BY_HOP && field != IPV6_NEXT_HEADER) {
      problem(packet, ICMPV6_NEXT_HEADER, field, flags, now);
      return;
    }
    field = at;
    if (next == NEXT_FRAGMENT) {
      const header = packet + at;
      at += FRAGMENT_HEADER;
      const whole = fragmentOffset(header) == 0 && !fragmentMore(header);
      // No packet has two such headers: what is whole has been made whole.
      if (!whole && (flags & RX_FRAGMENTED) != 0) return;
      if (whole) {
        flags |= RX_FRAGMENTED; // RFC 6946: an atomic fragment is a packet
        continue;
      }
      ip6Counters.reasmReqds += 1;
      if (isSoundFragment(packet, header, at, end, flags, now))
        reassemble(packet, header, at, end, hopLimit, flags, now);
      return;
    }
    const length = extensionLength(packet + at);
    if (length > end - at) return;
    if (!passes(packet, next, at, length, flags, now)) return;
    if (next == NEXT_HOP_BY_HOP && optionsAlert()) flags |= RX_ROUTER_ALERT;
    at += length;
  }
}

/** True when the header of type `next` at `at` lets the packet pass. */
function passes(packet: usize, next: u8, at: u32, length: u32, flags: u32, now: u64): bool {
  if (next == NEXT_ROUTING) {
    // RFC 8200 section 4.4, RFC 5095: there is no routing type that we forward for.
    if (load<u8>(packet + at, 3) == 0) return true;
    problem(packet, ICMPV6_BAD_FIELD, at + 2, flags, now);
    return false;
  }
  const verdict = optionsVerdict(packet + at, length);
  if (verdict == OPTIONS_FINE) return true;
  if (verdict == OPTIONS_DROP || (verdict != OPTIONS_REPORT && receiver.isMulticast())) return false;
  problem(packet, ICMPV6_OPTION, at + optionOffset(), flags, now);
  return false;
}

function problem(packet: usize, code: u8, pointer: u32, flags: u32, now: u64): void {
  icmpv6SendError(packet, ICMPV6_PARAMETER_PROBLEM, code, pointer, flags, now);
}

/** RFC 8200 section 4.5, RFC 7112: what a fragment must be, and what its source is told when it is not. */
function isSoundFragment(packet: usize, header: usize, at: u32, end: u32, flags: u32, now: u64): bool {
  const offset = fragmentOffset(header);
  if (fragmentMore(header) && ((end - at) & 7) != 0) {
    problem(packet, ICMPV6_BAD_FIELD, IPV6_PAYLOAD_LENGTH, flags, now);
  } else if (offset + end - at > IPV6_PAYLOAD_MAXIMUM) {
    problem(packet, ICMPV6_BAD_FIELD, <u32>(header - packet) + FRAGMENT_OFFSET, flags, now);
  } else if (offset == 0 && ipv6UpperLayer(packet, end) == 0) {
    problem(packet, ICMPV6_HEADER_CHAIN, 0, flags, now);
  } else {
    return true;
  }
  return false;
}

/** Takes the fragment whose payload begins at `at`; with the last missing one the whole packet is delivered. */
function reassemble(packet: usize, header: usize, at: u32, end: u32, hopLimit: u8, flags: u32, now: u64): void {
  fragment.source = sender;
  fragment.destination = receiver;
  fragment.identification = fragmentIdentification(header);
  fragment.offset = fragmentOffset(header);
  fragment.data = packet + at;
  fragment.size = end - at;
  fragment.last = !fragmentMore(header);
  fragment.next = load<u8>(header);
  fragment.hopLimit = hopLimit;
  fragment.service = ipv6TrafficClass(packet);
  const whole = reassemblyInput(fragment, now);
  if (whole == 0) return;
  ip6Counters.reasmOKs += 1;
  // What a device knew of a fragment's checksum says nothing about that of the whole.
  const kept = (flags & (RX_LINK_GROUP | RX_LOOPBACK)) | RX_FRAGMENTED;
  walk(whole, IPV6_NEXT_HEADER, IPV6_HEADER, IPV6_HEADER + ipv6PayloadLength(whole), hopLimit, kept, now);
  reassemblyRelease(whole);
}

/** Hands what follows the headers to its protocol. */
function deliver(packet: usize, next: u8, field: u32, at: u32, end: u32, hopLimit: u8, flags: u32, now: u64): void {
  const payload = packet + at;
  const length = end - at;
  if (next == IPPROTO_ICMPV6) {
    ip6Counters.inDelivers += 1;
    icmpv6Input(sender, receiver, payload, length, hopLimit, flags, now);
    return;
  }
  if (next == NEXT_NONE || sender.isAny()) return;
  if (!transportPresent(next)) {
    ip6Counters.inUnknownProtos += 1;
    problem(packet, ICMPV6_NEXT_HEADER, field, flags, now);
    return;
  }
  if (next == IPPROTO_TCP && receiver.isMulticast()) return; // RFC 9293 MUST-57
  ip6Counters.inDelivers += 1;
  const withClass = flags | ((<u32>ipv6TrafficClass(packet)) << RX_SERVICE_SHIFT);
  const answer = transportInput(next, sender, receiver, payload, length, withClass, now);
  if (answer == -ECONNREFUSED) icmpv6SendError(packet, ICMPV6_UNREACHABLE, ICMPV6_PORT, 0, flags, now);
}
