// IPv4 input (RFC 791, RFC 1122 section 3.2.1): is the packet sound, is it for us, can its source be real - then to
// its protocol. Everything else is dropped in silence.
import { ECONNREFUSED } from "../../../kernel/errno";
import { addressIsBroadcast, addressIsLocal, interfaceAddress } from "../addresses";
import { ipCounters } from "../counters";
import { icmpSendError } from "../icmp/error";
import { icmpInput } from "../icmp/input";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import { FRAGMENT_SIZE, Fragment, reassemblyInput, reassemblyRelease } from "../ip/reassembly";
import { RX_LINK_GROUP, RX_LOOPBACK, RX_SERVICE_SHIFT } from "../receive_flags";
import { transportInput, transportPresent } from "../transport";
import { ICMP_UNREACHABLE, ICMP_UNREACHABLE_PORT, ICMP_UNREACHABLE_PROTOCOL } from "../wire/icmpv4";
import {
  INADDR_BROADCAST,
  IPPROTO_ICMP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPV4_HEADER,
  ipv4CheckLength,
  ipv4ChecksumValid,
  ipv4Destination,
  ipv4FragmentOffset,
  ipv4HasSourceRoute,
  ipv4HeaderLength,
  ipv4Identification,
  ipv4IsFragment,
  ipv4IsLoopback,
  ipv4IsUnicast,
  ipv4MoreFragments,
  ipv4Protocol,
  ipv4Service,
  ipv4Source,
  ipv4TimeToLive,
  ipv4TotalLength,
} from "../wire/ipv4";
import { UDP_HEADER, udpDestinationPort } from "../wire/udp";

const DHCP_CLIENT_PORT: u16 = 68;

/** The ends of the packet that is delivered, in the form that transports know. */
const sender = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
const receiver = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/** Takes a packet of at most `available` bytes (Ethernet may have padded it). */
export function ipv4Input(packet: usize, available: u32, flags: u32, now: u64): void {
  // RFC 1122 sections 3.2.1.1 and 3.2.1.2 MUST: version and checksum.
  ipCounters.inReceives += 1;
  if (ipv4CheckLength(packet, available) != 0 || !ipv4ChecksumValid(packet)) {
    ipCounters.inHdrErrors += 1;
    return;
  }
  if ((flags & RX_LOOPBACK) == 0 && !isAcceptable(packet, flags)) {
    ipCounters.inAddrErrors += 1;
    return;
  }
  // RFC 9293 MUST-50: options are skipped. Not met, on purpose: RFC 9293 MUST-51, MUST-52, MUST-53, SHLD-24. Source routes let a
  // peer choose whom our answers pass, so packets with one are dropped, and we send none (RFC 7126, 4.3 and 4.4).
  if (ipv4HeaderLength(packet) != IPV4_HEADER && ipv4HasSourceRoute(packet)) return;
  if (!ipv4IsFragment(packet)) {
    deliver(packet, flags, now);
    return;
  }
  ipCounters.reasmReqds += 1;
  const whole = reassemblyInput(fragmentOf(packet), now);
  if (whole == 0) return;
  ipCounters.reasmOKs += 1;
  // What a device knew of a fragment's checksum says nothing about that of the whole.
  deliver(whole, flags & (RX_LINK_GROUP | RX_LOOPBACK), now);
  reassemblyRelease(whole);
}

const fragment = changetype<Fragment>(memory.data(FRAGMENT_SIZE, 8));

/** What the packet says of itself, for reassembly. */
function fragmentOf(packet: usize): Fragment {
  const header = ipv4HeaderLength(packet);
  sender.setIpv4(ipv4Source(packet));
  receiver.setIpv4(ipv4Destination(packet));
  fragment.source = sender;
  fragment.destination = receiver;
  fragment.identification = ipv4Identification(packet);
  fragment.offset = ipv4FragmentOffset(packet);
  fragment.data = packet + header;
  fragment.size = ipv4TotalLength(packet) - header;
  fragment.last = !ipv4MoreFragments(packet);
  fragment.next = ipv4Protocol(packet);
  fragment.hopLimit = ipv4TimeToLive(packet);
  fragment.service = ipv4Service(packet);
  return fragment;
}

/** True when a packet from the wire is for us and its source can be a host's. */
function isAcceptable(packet: usize, flags: u32): bool {
  const source = ipv4Source(packet);
  const destination = ipv4Destination(packet);
  const own = interfaceAddress();
  // RFC 1122 section 3.2.1.3 MUST: no broadcast, group or loopback source; nor our own, which nobody else has.
  if (!ipv4IsUnicast(source) || source == own || addressIsBroadcast(source)) return false;
  if (own == 0) return isForDhcpClient(packet);
  // RFC 1122 section 3.3.6: a packet for one host has no business in a broadcast frame.
  if (destination == own) return (flags & RX_LINK_GROUP) == 0;
  // No group is ever joined, so a multicast destination is not ours.
  return destination == INADDR_BROADCAST || addressIsBroadcast(destination);
}

/**
 * RFC 2131 section 4.1: while we have no address, the DHCP server may answer to the address that it is about to
 * give us. Only such packets pass.
 */
function isForDhcpClient(packet: usize): bool {
  const header = ipv4HeaderLength(packet);
  if (ipv4Protocol(packet) != IPPROTO_UDP || ipv4IsFragment(packet)) return false;
  if (ipv4TotalLength(packet) < header + UDP_HEADER || ipv4IsLoopback(ipv4Destination(packet))) return false;
  return udpDestinationPort(packet + header) == DHCP_CLIENT_PORT;
}

/** Hands a whole packet to its protocol. */
function deliver(packet: usize, flags: u32, now: u64): void {
  const header = ipv4HeaderLength(packet);
  const payload = packet + header;
  const length = ipv4TotalLength(packet) - header;
  const protocol = ipv4Protocol(packet);
  const source = ipv4Source(packet);
  const destination = ipv4Destination(packet);
  if (protocol == IPPROTO_ICMP) {
    ipCounters.inDelivers += 1;
    icmpInput(source, destination, payload, length, flags, now);
  } else if (!transportPresent(protocol)) {
    ipCounters.inUnknownProtos += 1;
    // RFC 1122 section 3.2.2.1 SHOULD
    icmpSendError(packet, ICMP_UNREACHABLE, ICMP_UNREACHABLE_PROTOCOL, flags, now);
  } else {
    // RFC 9293 MUST-57, MUST-63: no TCP segment to or from a group address; the source has been looked at above.
    if (protocol == IPPROTO_TCP && !addressIsLocal(destination)) return;
    ipCounters.inDelivers += 1;
    sender.setIpv4(source);
    receiver.setIpv4(destination);
    const withService = flags | ((<u32>ipv4Service(packet)) << RX_SERVICE_SHIFT);
    const answer = transportInput(protocol, sender, receiver, payload, length, withService, now);
    if (answer == -ECONNREFUSED) icmpSendError(packet, ICMP_UNREACHABLE, ICMP_UNREACHABLE_PORT, flags, now);
  }
}
