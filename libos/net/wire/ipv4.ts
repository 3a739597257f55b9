// IPv4 header codec (RFC 791).
//
//  0               1               2               3
//  |version| ihl   | service class | total length                  |
//  | identification                | flags | fragment offset       |
//  | time to live  | protocol      | header checksum               |
//  | source address                                                |
//  | destination address                                           |
//  | options (0 … 40 bytes)                                        |
//
// After ipv4CheckLength() has answered 0 no accessor can read outside the packet. Addresses are in host order.
import { EINVAL } from "../../../kernel/errno";
import { checksum, checksumFinish } from "./checksum";

export const IPPROTO_ICMP: u8 = 1;
export const IPPROTO_TCP: u8 = 6;
export const IPPROTO_UDP: u8 = 17;

/** Bytes of a header without options. */
export const IPV4_HEADER: u32 = 20;
/** Bytes of the longest packet. */
export const IPV4_PACKET_MAXIMUM: u32 = 65535;

export const IPV4_DONT_FRAGMENT: u16 = 0x4000;
export const IPV4_MORE_FRAGMENTS: u16 = 0x2000;
const FRAGMENT_OFFSET_MASK: u32 = 0x1fff;

export const INADDR_BROADCAST: u32 = 0xffffffff;

// Byte offsets of the fields.
const VERSION_IHL: usize = 0;
const SERVICE: usize = 1;
const TOTAL_LENGTH: usize = 2;
const IDENTIFICATION: usize = 4;
const FLAGS_OFFSET: usize = 6;
const TIME_TO_LIVE: usize = 8;
const PROTOCOL: usize = 9;
const CHECKSUM: usize = 10;
const SOURCE: usize = 12;
const DESTINATION: usize = 16;
const OPTIONS: usize = 20;

const OPTION_END: u8 = 0;
const OPTION_NOP: u8 = 1;
const OPTION_LOOSE_ROUTE: u8 = 131;
const OPTION_STRICT_ROUTE: u8 = 137;

/** 0 when `available` bytes hold a packet of version 4 whose lengths are consistent, else -EINVAL. */
export function ipv4CheckLength(packet: usize, available: u32): i32 {
  if (available < IPV4_HEADER) return -EINVAL;
  const first = load<u8>(packet + VERSION_IHL);
  if (first == 0x45) {
    const total = ipv4TotalLength(packet);
    return total >= IPV4_HEADER && total <= available ? 0 : -EINVAL;
  }
  const header = (<u32>(first & 15)) << 2;
  if (first >> 4 != 4 || header < IPV4_HEADER) return -EINVAL;
  const total = ipv4TotalLength(packet);
  return total >= header && total <= available ? 0 : -EINVAL;
}

/** 0 when `available` bytes quoted by an ICMP error hold a header and the 8 bytes behind it, else -EINVAL. */
export function ipv4CheckQuote(packet: usize, available: u32): i32 {
  if (available < IPV4_HEADER || load<u8>(packet + VERSION_IHL) >> 4 != 4) return -EINVAL;
  const header = ipv4HeaderLength(packet);
  return header >= IPV4_HEADER && header + 8 <= available ? 0 : -EINVAL;
}

/** Bytes of the header, options included. */
export function ipv4HeaderLength(packet: usize): u32 {
  return (<u32>(load<u8>(packet + VERSION_IHL) & 15)) << 2;
}

/** Bytes of header and payload. */
export function ipv4TotalLength(packet: usize): u32 {
  return bswap<u16>(load<u16>(packet + TOTAL_LENGTH));
}

/** The checksum of a header without options, which is what nearly all packets have: five words. */
function plainHeaderChecksum(packet: usize): u16 {
  const first = <u64>load<u32>(packet) + load<u32>(packet, 4) + load<u32>(packet, 8);
  return checksumFinish(first + load<u32>(packet, 12) + load<u32>(packet, 16));
}

/** True when the header checksum holds (RFC 1122 section 3.2.1.2 MUST). */
export function ipv4ChecksumValid(packet: usize): bool {
  const length = ipv4HeaderLength(packet);
  return (length == IPV4_HEADER ? plainHeaderChecksum(packet) : checksum(packet, length)) == 0;
}

/** The service field: six bits of Diffserv (RFC 2474), two of ECN (RFC 3168). */
export function ipv4Service(packet: usize): u8 {
  return load<u8>(packet + SERVICE);
}

/** The identification that fragments of one packet share. */
export function ipv4Identification(packet: usize): u16 {
  return bswap<u16>(load<u16>(packet + IDENTIFICATION));
}

/** True when the packet is a part of a larger one. */
export function ipv4IsFragment(packet: usize): bool {
  return (bswap<u16>(load<u16>(packet + FLAGS_OFFSET)) & 0x3fff) != 0;
}

/** True when further fragments follow. */
export function ipv4MoreFragments(packet: usize): bool {
  return (bswap<u16>(load<u16>(packet + FLAGS_OFFSET)) & IPV4_MORE_FRAGMENTS) != 0;
}

/** Where in the original payload this fragment stands, in bytes. */
export function ipv4FragmentOffset(packet: usize): u32 {
  return (bswap<u16>(load<u16>(packet + FLAGS_OFFSET)) & FRAGMENT_OFFSET_MASK) << 3;
}

/** Hops that the packet may still take. */
export function ipv4TimeToLive(packet: usize): u8 {
  return load<u8>(packet + TIME_TO_LIVE);
}

/** IPPROTO_ number of the payload. */
export function ipv4Protocol(packet: usize): u8 {
  return load<u8>(packet + PROTOCOL);
}

/** Source address. */
export function ipv4Source(packet: usize): u32 {
  return bswap<u32>(load<u32>(packet + SOURCE));
}

/** Destination address. */
export function ipv4Destination(packet: usize): u32 {
  return bswap<u32>(load<u32>(packet + DESTINATION));
}

/** True when the options ask for a source route, or cannot be parsed. */
export function ipv4HasSourceRoute(packet: usize): bool {
  const end = packet + ipv4HeaderLength(packet);
  let option = packet + OPTIONS;
  while (option < end) {
    const kind = load<u8>(option);
    if (kind == OPTION_END) return false;
    if (kind == OPTION_NOP) {
      option += 1;
      continue;
    }
    if (kind == OPTION_LOOSE_ROUTE || kind == OPTION_STRICT_ROUTE) return true;
    if (option + 1 >= end) return true;
    const length = load<u8>(option + 1);
    if (length < 2 || option + length > end) return true;
    option += length;
  }
  return false;
}

/**
 * Writes a header without options at `packet`, checksum included.
 * @param totalLength header and payload, at most IPV4_PACKET_MAXIMUM
 * @param flagsOffset IPV4_DONT_FRAGMENT | IPV4_MORE_FRAGMENTS | fragment offset in units of 8 bytes
 */
export function ipv4Write(
  packet: usize,
  service: u8,
  totalLength: u32,
  identification: u16,
  flagsOffset: u16,
  timeToLive: u8,
  protocol: u8,
  source: u32,
  destination: u32,
): void {
  store<u8>(packet + VERSION_IHL, 0x45);
  store<u8>(packet + SERVICE, service);
  store<u16>(packet + TOTAL_LENGTH, bswap<u16>(<u16>totalLength));
  store<u16>(packet + IDENTIFICATION, bswap<u16>(identification));
  store<u16>(packet + FLAGS_OFFSET, bswap<u16>(flagsOffset));
  store<u8>(packet + TIME_TO_LIVE, timeToLive);
  store<u8>(packet + PROTOCOL, protocol);
  store<u16>(packet + CHECKSUM, 0);
  store<u32>(packet + SOURCE, bswap<u32>(source));
  store<u32>(packet + DESTINATION, bswap<u32>(destination));
  store<u16>(packet + CHECKSUM, plainHeaderChecksum(packet));
}

/** True for 224.0.0.0/4. */
export function ipv4IsMulticast(address: u32): bool {
  return address >> 28 == 14;
}

/** True for 127.0.0.0/8. */
export function ipv4IsLoopback(address: u32): bool {
  return address >> 24 == 127;
}

/** True for an address that one host can have: not 0/8, 127/8, multicast, reserved or broadcast. */
export function ipv4IsUnicast(address: u32): bool {
  const network = address >> 24;
  return network != 0 && network != 127 && network < 224;
}
