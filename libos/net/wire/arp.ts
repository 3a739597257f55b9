// ARP packet codec (RFC 826) for Ethernet and IPv4.
//
//  0                2                4    5    6
//  | hardware 1     | protocol 0x800 | 6  | 4  | operation       |
//  8                         14                  18                      24
//  | sender Ethernet address | sender IPv4       | target Ethernet addr. | target IPv4 |
//
// After arpCheckLength() has answered 0 no accessor can read outside the packet. Addresses are in host order.
import { EINVAL } from "../../../kernel/errno";
import { ethernetCopy } from "./ethernet";

/** Bytes of a packet. */
export const ARP_PACKET: u32 = 28;

export const ARP_REQUEST: u16 = 1;
export const ARP_REPLY: u16 = 2;

const HARDWARE: usize = 0;
const PROTOCOL: usize = 2;
const LENGTHS: usize = 4;
const OPERATION: usize = 6;
const SENDER_HARDWARE: usize = 8;
const SENDER_PROTOCOL: usize = 14;
const TARGET_HARDWARE: usize = 18;
const TARGET_PROTOCOL: usize = 24;

const HARDWARE_ETHERNET: u16 = 1;
const PROTOCOL_IPV4: u16 = 0x0800;
/** Hardware addresses of 6 bytes, protocol addresses of 4. */
const LENGTHS_ETHERNET_IPV4: u16 = 0x0604;

/** 0 when `available` bytes hold an ARP packet for Ethernet and IPv4, else -EINVAL. */
export function arpCheckLength(packet: usize, available: u32): i32 {
  if (available < ARP_PACKET) return -EINVAL;
  if (load<u16>(packet + HARDWARE) != bswap<u16>(HARDWARE_ETHERNET)) return -EINVAL;
  if (load<u16>(packet + PROTOCOL) != bswap<u16>(PROTOCOL_IPV4)) return -EINVAL;
  return load<u16>(packet + LENGTHS) == bswap<u16>(LENGTHS_ETHERNET_IPV4) ? 0 : -EINVAL;
}

/** ARP_REQUEST, ARP_REPLY or something that concerns nobody here. */
export function arpOperation(packet: usize): u16 {
  return bswap<u16>(load<u16>(packet + OPERATION));
}

/** Address of the six bytes of the sender's Ethernet address. */
export function arpSenderHardware(packet: usize): usize {
  return packet + SENDER_HARDWARE;
}

/** The sender's IPv4 address; 0 in a probe (RFC 5227). */
export function arpSenderProtocol(packet: usize): u32 {
  return bswap<u32>(load<u32>(packet + SENDER_PROTOCOL));
}

/** The IPv4 address that is asked for, or whose owner is answered. */
export function arpTargetProtocol(packet: usize): u32 {
  return bswap<u32>(load<u32>(packet + TARGET_PROTOCOL));
}

/** Writes a packet; `targetHardware` 0 leaves that field zero, as in a request. */
export function arpWrite(
  packet: usize,
  operation: u16,
  senderHardware: usize,
  senderProtocol: u32,
  targetHardware: usize,
  targetProtocol: u32,
): void {
  store<u16>(packet + HARDWARE, bswap<u16>(HARDWARE_ETHERNET));
  store<u16>(packet + PROTOCOL, bswap<u16>(PROTOCOL_IPV4));
  store<u16>(packet + LENGTHS, bswap<u16>(LENGTHS_ETHERNET_IPV4));
  store<u16>(packet + OPERATION, bswap<u16>(operation));
  ethernetCopy(packet + SENDER_HARDWARE, senderHardware);
  store<u32>(packet + SENDER_PROTOCOL, bswap<u32>(senderProtocol));
  if (targetHardware != 0) {
    ethernetCopy(packet + TARGET_HARDWARE, targetHardware);
  } else {
    memory.fill(packet + TARGET_HARDWARE, 0, 6);
  }
  store<u32>(packet + TARGET_PROTOCOL, bswap<u32>(targetProtocol));
}
