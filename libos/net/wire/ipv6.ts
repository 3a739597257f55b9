// IPv6 header codec (RFC 8200), and the headers that may stand between it and the transport's.
//
//  0               1               2               3
//  |version| traffic class | flow label                            |
//  | payload length                | next header   | hop limit     |
//  | source address (16)                                           |
//  | destination address (16)                                      |
//
// After ipv6CheckLength() has answered 0 no accessor can read outside the packet. Addresses are 16 bytes in network order.
import { EINVAL } from "../../../kernel/errno";
import { IpAddress, addressAt } from "../ip/address";

/** Bytes of the header. */
export const IPV6_HEADER: u32 = 40;
/** RFC 8200 section 5: every link carries packets of this size. */
export const IPV6_MTU_MINIMUM: u32 = 1280;
/** Bytes of the longest packet without jumbograms (RFC 2675), which we do not take. */
export const IPV6_PACKET_MAXIMUM: u32 = 65535 + 40;
/** What its payload length can say. */
export const IPV6_PAYLOAD_MAXIMUM: u32 = 65535;
/** Bytes of a fragment header. */
export const FRAGMENT_HEADER: u32 = 8;
/** Byte offset of the offset in it. */
export const FRAGMENT_OFFSET: u32 = 2;

// Values of next-header fields.
export const NEXT_HOP_BY_HOP: u8 = 0;
export const NEXT_ROUTING: u8 = 43;
export const NEXT_FRAGMENT: u8 = 44;
export const NEXT_DESTINATION: u8 = 60;
export const NEXT_NONE: u8 = 59;
export const IPPROTO_ICMPV6: u8 = 58;

/** Byte offsets of the length and the next-header field. */
export const IPV6_PAYLOAD_LENGTH: u32 = 4;
export const IPV6_NEXT_HEADER: u32 = 6;

const VERSION: usize = 0;
const PAYLOAD_LENGTH: usize = 4;
const NEXT_HEADER: usize = 6;
const HOP_LIMIT: usize = 7;
const SOURCE: usize = 8;
const DESTINATION: usize = 24;

const MORE_FRAGMENTS: u16 = 1;

/** 0 when `available` bytes hold a packet of version 6 whose length is consistent, else -EINVAL. */
export function ipv6CheckLength(packet: usize, available: u32): i32 {
  if (available < IPV6_HEADER || load<u8>(packet + VERSION) >> 4 != 6) return -EINVAL;
  return IPV6_HEADER + ipv6PayloadLength(packet) <= available ? 0 : -EINVAL;
}

/** Bytes behind the header. */
export function ipv6PayloadLength(packet: usize): u32 {
  return bswap<u16>(load<u16>(packet + PAYLOAD_LENGTH));
}

/** What follows the header: a NEXT_ or IPPROTO_ number. */
export function ipv6NextHeader(packet: usize): u8 {
  return load<u8>(packet + NEXT_HEADER);
}

/** How many more routers might have passed the packet on. */
export function ipv6HopLimit(packet: usize): u8 {
  return load<u8>(packet + HOP_LIMIT);
}

/** The source, in place. */
export function ipv6Source(packet: usize): IpAddress {
  return addressAt(packet + SOURCE);
}

/** The destination, in place. */
export function ipv6Destination(packet: usize): IpAddress {
  return addressAt(packet + DESTINATION);
}

/** Writes a whole header with traffic class and flow label 0. */
export function ipv6Write(
  packet: usize,
  payloadLength: u32,
  nextHeader: u8,
  hopLimit: u8,
  source: IpAddress,
  destination: IpAddress,
): void {
  store<u32>(packet + VERSION, 0x60);
  store<u16>(packet + PAYLOAD_LENGTH, bswap<u16>(<u16>payloadLength));
  store<u8>(packet + NEXT_HEADER, nextHeader);
  store<u8>(packet + HOP_LIMIT, hopLimit);
  addressAt(packet + SOURCE).copy(source);
  addressAt(packet + DESTINATION).copy(destination);
}

/** Puts a flow label of 20 bits into the header, whose own is 0. */
export function ipv6SetFlowLabel(packet: usize, label: u32): void {
  store<u32>(packet + VERSION, load<u32>(packet + VERSION) | bswap<u32>(label));
}

/** Puts a traffic class into the header, whose own is 0. */
export function ipv6SetTrafficClass(packet: usize, trafficClass: u8): void {
  store<u32>(packet + VERSION, load<u32>(packet + VERSION) | bswap<u32>((<u32>trafficClass) << 20));
}

/** The traffic class: six bits of Diffserv (RFC 2474), two of ECN (RFC 3168). */
export function ipv6TrafficClass(packet: usize): u8 {
  return <u8>(bswap<u32>(load<u32>(packet + VERSION)) >> 20);
}

/** Where in the original payload the fragment whose header is at `header` stands, in bytes. */
export function fragmentOffset(header: usize): u32 {
  return bswap<u16>(load<u16>(header, 2)) & 0xfff8;
}

/** True when further fragments follow. */
export function fragmentMore(header: usize): bool {
  return (bswap<u16>(load<u16>(header, 2)) & MORE_FRAGMENTS) != 0;
}

/** The identification that the fragments of one packet share. */
export function fragmentIdentification(header: usize): u32 {
  return bswap<u32>(load<u32>(header, 4));
}

/** Writes a fragment header; `offset` is a multiple of 8. */
export function fragmentWrite(header: usize, nextHeader: u8, offset: u32, more: bool, identification: u32): void {
  store<u8>(header, nextHeader);
  store<u8>(header, 0, 1);
  store<u16>(header, bswap<u16>((<u16>offset) | (more ? MORE_FRAGMENTS : 0)), 2);
  store<u32>(header, bswap<u32>(identification), 4);
}

/** Bytes of a hop-by-hop options header with a router alert for MLD (RFC 2711). */
export const ROUTER_ALERT_HEADER: u32 = 8;

/** Writes such a header, with the option padded. */
export function routerAlertWrite(header: usize, nextHeader: u8): void {
  store<u64>(header, 0x0001_0000_0205_0000 | nextHeader);
}

/** Bytes of the options or routing header at `header`: the second byte counts units of 8 behind the first one. */
export function extensionLength(header: usize): u32 {
  return (<u32>load<u8>(header, 1) + 1) << 3;
}
