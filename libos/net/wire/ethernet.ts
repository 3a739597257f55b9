// Ethernet II frame header codec (RFC 894).
//
//  0                        6                        12          14
//  | destination address    | source address         | type      | payload …
//
// After ethernetCheckLength() no accessor can read outside the frame. VLAN tagged frames (802.1Q) have a type of
// their own and are therefore nobody's.
import { EINVAL } from "../../../kernel/errno";

/** Bytes of the header. */
export const ETHERNET_HEADER: u32 = 14;

export const ETHERTYPE_IPV4: u16 = 0x0800;
export const ETHERTYPE_ARP: u16 = 0x0806;
export const ETHERTYPE_IPV6: u16 = 0x86dd;

const DESTINATION: usize = 0;
const SOURCE: usize = 6;
const TYPE: usize = 12;

/** 0 when `available` bytes hold a header, else -EINVAL. */
export function ethernetCheckLength(available: u32): i32 {
  return available >= ETHERNET_HEADER ? 0 : -EINVAL;
}

/** ETHERTYPE_ of the payload; below 0x600 it is a length (802.3) and nothing of ours. */
export function ethernetType(frame: usize): u16 {
  return bswap<u16>(load<u16>(frame + TYPE));
}

/** Address of the six bytes of the destination. */
export function ethernetDestination(frame: usize): usize {
  return frame + DESTINATION;
}

/** True when the address at `mac` names a group of stations (broadcast included). */
export function ethernetIsGroup(mac: usize): bool {
  return (load<u8>(mac) & 1) != 0;
}

/** True when both addresses are the same. */
export function ethernetEqual(left: usize, right: usize): bool {
  return load<u32>(left) == load<u32>(right) && load<u16>(left, 4) == load<u16>(right, 4);
}

/** Copies an address. */
export function ethernetCopy(target: usize, source: usize): void {
  const low = load<u32>(source);
  const high = load<u16>(source, 4);
  store<u32>(target, low);
  store<u16>(target, high, 4);
}

/** Writes the broadcast address. */
export function ethernetSetBroadcast(target: usize): void {
  store<u32>(target, 0xffffffff);
  store<u16>(target, 0xffff, 4);
}

/** Writes the address of an IPv4 multicast group (RFC 1112 section 6.4). */
export function ethernetSetMulticast(target: usize, group: u32): void {
  store<u32>(target, bswap<u32>(0x01005e00 | ((group >> 16) & 0x7f)));
  store<u16>(target, bswap<u16>(<u16>group), 4);
}

/** Writes the address of an IPv6 multicast group, whose last four bytes are at `tail` (RFC 2464 section 7). */
export function ethernetSetMulticastIpv6(target: usize, tail: usize): void {
  store<u16>(target, 0x3333);
  store<u32>(target, load<u32>(tail), 2);
}

/** Writes a whole header. */
export function ethernetWrite(frame: usize, destination: usize, source: usize, type: u16): void {
  ethernetCopy(frame + DESTINATION, destination);
  ethernetCopy(frame + SOURCE, source);
  store<u16>(frame + TYPE, bswap<u16>(type));
}
