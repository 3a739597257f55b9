// Ethernet frames with IPv4 packets (RFC 791) and ARP (RFC 826), as a test writes and reads them: any field can be wrong.
import { internetChecksum } from "./checksum.ts";

/** Length of the Ethernet header before a packet. */
export const ETHERNET_HEADER = 14;
const IPV4_HEADER = 20;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_ARP = 0x0806;

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;

/** An IPv4 packet in an Ethernet frame. */
export interface Ipv4Packet {
  readonly destinationMac: Buffer;
  readonly sourceMac: Buffer;
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly payload: Buffer;
  readonly typeOfService: number;
  readonly timeToLive: number;
  readonly identification: number;
  /** Flags and fragment offset, as the header has them. */
  readonly fragment: number;
  /** Whole words. */
  readonly options: Buffer;
}

/** The "don't fragment" and "more fragments" bits of `fragment`. */
export const DONT_FRAGMENT = 0x4000;
export const MORE_FRAGMENTS = 0x2000;

/** An ARP packet for IPv4 over Ethernet. */
export interface ArpPacket {
  readonly operation: number;
  readonly senderMac: Buffer;
  readonly sender: string;
  readonly target: string;
}

/** "10.0.2.1" as four bytes. */
export function addressBytes(address: string): Buffer {
  return Buffer.from(address.split(".").map(Number));
}

/** The frame; `wrong` changes its bytes before they go, as where a header is to be broken. */
export function encodeIpv4(packet: Ipv4Packet, wrong?: (frame: Buffer) => void): Buffer {
  const header = Buffer.alloc(IPV4_HEADER + packet.options.length);
  header[0] = 0x40 | (header.length / 4);
  header[1] = packet.typeOfService;
  header.writeUInt16BE(header.length + packet.payload.length, 2);
  header.writeUInt16BE(packet.identification, 4);
  header.writeUInt16BE(packet.fragment, 6);
  header[8] = packet.timeToLive;
  header[9] = packet.protocol;
  addressBytes(packet.source).copy(header, 12);
  addressBytes(packet.destination).copy(header, 16);
  packet.options.copy(header, IPV4_HEADER);
  header.writeUInt16BE(internetChecksum(header), 10);
  const frame = Buffer.concat([
    ethernet(packet.destinationMac, packet.sourceMac, ETHERTYPE_IPV4),
    header,
    packet.payload,
  ]);
  wrong?.(frame);
  return frame;
}

/** The IPv4 packet in a frame; undefined when there is none. */
export function decodeIpv4(frame: Buffer): Ipv4Packet | undefined {
  if (frame.length < ETHERNET_HEADER + IPV4_HEADER || frame.readUInt16BE(12) !== ETHERTYPE_IPV4) return undefined;
  const packet = frame.subarray(ETHERNET_HEADER);
  const headerLength = ((packet[0] ?? 0) & 15) * 4;
  return {
    destinationMac: frame.subarray(0, 6),
    sourceMac: frame.subarray(6, 12),
    source: packet.subarray(12, 16).join("."),
    destination: packet.subarray(16, 20).join("."),
    protocol: packet[9] ?? 0,
    payload: packet.subarray(headerLength, packet.readUInt16BE(2)),
    typeOfService: packet[1] ?? 0,
    timeToLive: packet[8] ?? 0,
    identification: packet.readUInt16BE(4),
    fragment: packet.readUInt16BE(6),
    options: packet.subarray(IPV4_HEADER, headerLength),
  };
}

/** An ARP frame to `destinationMac`. */
export function encodeArp(packet: ArpPacket, destinationMac: Buffer): Buffer {
  const body = Buffer.alloc(28);
  body.set([0, 1, 8, 0, 6, 4, 0, packet.operation]);
  packet.senderMac.copy(body, 8);
  addressBytes(packet.sender).copy(body, 14);
  destinationMac.copy(body, 18);
  addressBytes(packet.target).copy(body, 24);
  return Buffer.concat([ethernet(destinationMac, packet.senderMac, ETHERTYPE_ARP), body, Buffer.alloc(18)]);
}

/** The ARP packet in a frame; undefined when there is none. */
export function decodeArp(frame: Buffer): ArpPacket | undefined {
  if (frame.length < ETHERNET_HEADER + 28 || frame.readUInt16BE(12) !== ETHERTYPE_ARP) return undefined;
  const body = frame.subarray(ETHERNET_HEADER);
  return {
    operation: body.readUInt16BE(6),
    senderMac: body.subarray(8, 14),
    sender: body.subarray(14, 18).join("."),
    target: body.subarray(24, 28).join("."),
  };
}

function ethernet(destination: Buffer, source: Buffer, type: number): Buffer {
  const header = Buffer.alloc(ETHERNET_HEADER);
  destination.copy(header, 0);
  source.copy(header, 6);
  header.writeUInt16BE(type, 12);
  return header;
}
