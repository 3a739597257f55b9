// IPv6 frames, made and read apart from the stack's own codecs.
import { internetSum } from "../../support/segmentation.ts";

export const ICMP = 58;
export const UDP = 17;
export const TCP = 6;

/** The 16 bytes of an address in text, "::" allowed once. */
export function ip6(text: string): Buffer {
  const [head = "", tail] = text.split("::");
  const groups = (part: string): number[] => (part === "" ? [] : part.split(":").map((group) => parseInt(group, 16)));
  const left = groups(head);
  const right = tail === undefined ? [] : groups(tail);
  const bytes = Buffer.alloc(16);
  left.forEach((group, index) => bytes.writeUInt16BE(group, index * 2));
  right.forEach((group, index) => bytes.writeUInt16BE(group, 16 - (right.length - index) * 2));
  return bytes;
}

/** The Ethernet address of the station with last byte `host`, and its link-local address. */
export function macOf(host: number): Buffer {
  return Buffer.from([0x00, 0x16, 0x3e, 0x00, 0x00, host]);
}

export function linkLocal(host: number): string {
  return `fe80::216:3eff:fe00:${host.toString(16)}`;
}

/** The solicited-node group of an address. */
export function solicitedNode(address: string): string {
  const bytes = ip6(address);
  return `ff02::1:ff${bytes.toString("hex", 13, 14)}:${bytes.toString("hex", 14, 16)}`;
}

export interface Packet {
  readonly source: string;
  readonly destination: string;
  readonly next: number;
  readonly payload: Uint8Array;
  readonly hopLimit?: number;
  /** Ethernet destination; default that of the station with host 1, or of the group. */
  readonly mac?: Uint8Array;
}

export function packetFrame(packet: Packet): Buffer {
  const destination = ip6(packet.destination);
  const group = destination[0] === 0xff;
  const mac = packet.mac ?? (group ? Buffer.concat([Buffer.from([0x33, 0x33]), destination.subarray(12)]) : macOf(1));
  const header = Buffer.alloc(54);
  header.set(mac, 0);
  header.set(macOf(2), 6);
  header.writeUInt16BE(0x86dd, 12);
  header[14] = 0x60;
  header.writeUInt16BE(packet.payload.length, 18);
  header[20] = packet.next;
  header[21] = packet.hopLimit ?? 64;
  header.set(ip6(packet.source), 22);
  header.set(destination, 38);
  return Buffer.concat([header, packet.payload]);
}

/** Writes the checksum of `next` at `at` of the payload. */
export function withChecksum(source: string, destination: string, next: number, payload: Buffer, at: number): Buffer {
  const result = Buffer.from(payload);
  result.writeUInt16BE(0, at);
  const ends = Buffer.concat([ip6(source), ip6(destination)]);
  const pseudo = internetSum(ends, 0, 32, payload.length + next);
  const value = ~internetSum(result, 0, result.length, pseudo) & 0xffff;
  result.writeUInt16BE(value === 0 ? 0xffff : value, at);
  return result;
}

/** An ICMPv6 packet; `body` follows type, code and checksum. */
export function icmp(source: string, destination: string, type: number, code: number, body: Uint8Array): Packet {
  const message = withChecksum(source, destination, ICMP, Buffer.concat([Buffer.from([type, code, 0, 0]), body]), 2);
  return { source, destination, next: ICMP, payload: message, hopLimit: type >= 133 && type <= 137 ? 255 : 64 };
}

export function udp(source: string, destination: string, ports: readonly [number, number], data: Uint8Array): Packet {
  const header = Buffer.alloc(8);
  header.writeUInt16BE(ports[0], 0);
  header.writeUInt16BE(ports[1], 2);
  header.writeUInt16BE(8 + data.length, 4);
  const payload = withChecksum(source, destination, UDP, Buffer.concat([header, data]), 6);
  return { source, destination, next: UDP, payload };
}

/** The packet with extension headers in front: each is its bytes, whose first one is filled in here. */
export function extended(packet: Packet, headers: readonly (readonly [number, Uint8Array])[]): Packet {
  let { next, payload } = packet;
  for (const [type, bytes] of [...headers].reverse()) {
    const header = Buffer.from(bytes);
    header[0] = next;
    payload = Buffer.concat([header, payload]);
    next = type;
  }
  return { ...packet, next, payload };
}

/** The parts of a packet with the fragmentable bytes [from, to) each. */
export function fragments(packet: Packet, cuts: readonly (readonly [number, number])[], id = 7): Packet[] {
  return cuts.map(([from, to]) => {
    const header = Buffer.alloc(8);
    header[0] = packet.next;
    header.writeUInt16BE(from | (to < packet.payload.length ? 1 : 0), 2);
    header.writeUInt32BE(id, 4);
    return { ...packet, next: 44, payload: Buffer.concat([header, packet.payload.subarray(from, to)]) };
  });
}

export interface Read {
  readonly mac: string;
  readonly source: string;
  readonly destination: string;
  readonly next: number;
  readonly hopLimit: number;
  readonly trafficClass: number;
  readonly payload: Buffer;
  /** The checksum of an ICMPv6, UDP or TCP payload holds. */
  readonly right: boolean;
}

/** Reads an IPv6 frame; null for any other. */
export function readFrame(frame: Uint8Array): Read | null {
  const bytes = Buffer.from(frame);
  if (bytes.readUInt16BE(12) !== 0x86dd) return null;
  const payload = bytes.subarray(54, 54 + bytes.readUInt16BE(18));
  const next = bytes[20] ?? 0;
  const sum = internetSum(payload, 0, payload.length, internetSum(bytes, 22, 54, payload.length + next));
  return {
    mac: bytes.toString("hex", 0, 6),
    source: bytes.toString("hex", 22, 38),
    destination: bytes.toString("hex", 38, 54),
    next,
    hopLimit: bytes[21] ?? 0,
    trafficClass: (bytes.readUInt16BE(14) >> 4) & 255,
    payload,
    right: sum === 0xffff,
  };
}

export function hex(address: string): string {
  return ip6(address).toString("hex");
}
