// Frames made by hand, byte by byte after the RFCs and independently of the code under test.

export const OUR_MAC = "00:16:3e:00:00:01";
export const PEER_MAC = "02:00:00:00:00:02";
export const BROADCAST_MAC = "ff:ff:ff:ff:ff:ff";
export const OUR_IP = "10.0.2.15";
export const PEER_IP = "10.0.2.2";

export function mac(text: string): Buffer {
  return Buffer.from(text.replaceAll(":", ""), "hex");
}

export function macText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** An IPv4 address as the stack takes it: host order. */
export function ip(text: string): number {
  return text.split(".").reduce((value, part) => value * 256 + Number(part), 0);
}

export function ipText(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}

function u8(value: number): Buffer {
  return Buffer.from([value & 255]);
}

export function u16(value: number): Buffer {
  return Buffer.from([(value >> 8) & 255, value & 255]);
}

export function u32(value: number): Buffer {
  return Buffer.concat([u16(value >>> 16), u16(value & 0xffff)]);
}

/** RFC 1071 as it is written: 16-bit big-endian words, carries added back one at a time. */
export function internetChecksum(data: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 2) {
    sum += (data[i] ?? 0) * 256 + (data[i + 1] ?? 0);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return ~sum & 0xffff;
}

export function ethernet(type: number, payload: Uint8Array, destination = OUR_MAC, source = PEER_MAC): Buffer {
  return Buffer.concat([mac(destination), mac(source), u16(type), payload]);
}

export interface Arp {
  readonly operation: number;
  readonly senderMac: string;
  readonly senderIp: string;
  readonly targetMac: string;
  readonly targetIp: string;
}

export function arp(packet: Partial<Arp>): Buffer {
  return Buffer.concat([
    ...[u16(1), u16(0x0800), u8(6), u8(4), u16(packet.operation ?? 1)],
    ...[mac(packet.senderMac ?? PEER_MAC), u32(ip(packet.senderIp ?? PEER_IP))],
    ...[mac(packet.targetMac ?? "00:00:00:00:00:00"), u32(ip(packet.targetIp ?? OUR_IP))],
  ]);
}

export function arpFrame(packet: Partial<Arp>, destination = BROADCAST_MAC): Buffer {
  return ethernet(0x0806, arp(packet), destination, packet.senderMac ?? PEER_MAC);
}

export function parseArp(frame: Uint8Array): Arp & { destination: string } {
  const bytes = Buffer.from(frame);
  return {
    destination: macText(bytes.subarray(0, 6)),
    operation: bytes.readUInt16BE(20),
    senderMac: macText(bytes.subarray(22, 28)),
    senderIp: ipText(bytes.readUInt32BE(28)),
    targetMac: macText(bytes.subarray(32, 38)),
    targetIp: ipText(bytes.readUInt32BE(38)),
  };
}

export interface Ipv4Fields {
  readonly protocol: number;
  readonly source?: string;
  readonly destination?: string;
  readonly identification?: number;
  /** Flags and fragment offset as they stand in the header. */
  readonly fragment?: number;
  readonly options?: Uint8Array;
  readonly timeToLive?: number;
}

export function ipv4(fields: Ipv4Fields, payload: Uint8Array): Buffer {
  const options = fields.options ?? Buffer.alloc(0);
  const header = Buffer.concat([
    ...[u8(0x45 + options.length / 4), u8(0), u16(20 + options.length + payload.length)],
    ...[u16(fields.identification ?? 1), u16(fields.fragment ?? 0)],
    ...[u8(fields.timeToLive ?? 64), u8(fields.protocol), u16(0)],
    ...[u32(ip(fields.source ?? PEER_IP)), u32(ip(fields.destination ?? OUR_IP)), options],
  ]);
  header.writeUInt16BE(internetChecksum(header), 10);
  return Buffer.concat([header, payload]);
}

export function ipv4Frame(fields: Ipv4Fields, payload: Uint8Array, destination = OUR_MAC): Buffer {
  return ethernet(0x0800, ipv4(fields, payload), destination);
}

export function icmp(type: number, code: number, rest: number, data: Uint8Array): Buffer {
  const message = Buffer.concat([u8(type), u8(code), u16(0), u32(rest), data]);
  message.writeUInt16BE(internetChecksum(message), 2);
  return message;
}

export interface UdpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly source?: string;
  readonly destination?: string;
  readonly checksum?: "right" | "wrong" | "none" | "blank";
}

function pseudoHeader(source: string, destination: string, protocol: number, length: number): Buffer {
  return Buffer.concat([u32(ip(source)), u32(ip(destination)), u8(0), u8(protocol), u16(length)]);
}

export function transportChecksum(source: string, destination: string, protocol: number, segment: Uint8Array): number {
  return internetChecksum(Buffer.concat([pseudoHeader(source, destination, protocol, segment.length), segment]));
}

export function udp(fields: UdpFields, data: Uint8Array): Buffer {
  const source = fields.source ?? PEER_IP;
  const destination = fields.destination ?? OUR_IP;
  const header = [u16(fields.sourcePort), u16(fields.destinationPort), u16(8 + data.length), u16(0)];
  const datagram = Buffer.concat([...header, data]);
  const right = transportChecksum(source, destination, 17, datagram) || 0xffff;
  if (fields.checksum === "blank") {
    const sum = ~internetChecksum(pseudoHeader(source, destination, 17, datagram.length));
    datagram.writeUInt16BE(sum & 0xffff, 6);
  } else if (fields.checksum !== "none") {
    datagram.writeUInt16BE(fields.checksum === "wrong" ? right ^ 0x5555 : right, 6);
  }
  return datagram;
}

export function udpFrame(fields: UdpFields, data: Uint8Array, linkDestination = OUR_MAC): Buffer {
  const addresses = { source: fields.source ?? PEER_IP, destination: fields.destination ?? OUR_IP };
  return ipv4Frame({ protocol: 17, ...addresses }, udp(fields, data), linkDestination);
}

export interface ParsedIpv4 {
  readonly linkDestination: string;
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly identification: number;
  readonly fragment: number;
  readonly timeToLive: number;
  readonly service: number;
  readonly headerChecksumRight: boolean;
  readonly packet: Buffer;
  readonly payload: Buffer;
}

export function parseIpv4(frame: Uint8Array): ParsedIpv4 {
  const bytes = Buffer.from(frame);
  const packet = bytes.subarray(14, 14 + bytes.readUInt16BE(16));
  return {
    linkDestination: macText(bytes.subarray(0, 6)),
    source: ipText(packet.readUInt32BE(12)),
    destination: ipText(packet.readUInt32BE(16)),
    protocol: packet.readUInt8(9),
    identification: packet.readUInt16BE(4),
    fragment: packet.readUInt16BE(6),
    timeToLive: packet.readUInt8(8),
    service: packet.readUInt8(1),
    headerChecksumRight: internetChecksum(packet.subarray(0, 20)) === 0,
    packet,
    payload: packet.subarray(20),
  };
}

export interface ParsedUdp extends ParsedIpv4 {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly checksumRight: boolean;
  readonly data: Buffer;
}

export function parseUdp(frame: Uint8Array): ParsedUdp {
  const outer = parseIpv4(frame);
  const datagram = outer.payload;
  return {
    ...outer,
    sourcePort: datagram.readUInt16BE(0),
    destinationPort: datagram.readUInt16BE(2),
    checksumRight: transportChecksum(outer.source, outer.destination, 17, datagram) === 0,
    data: datagram.subarray(8),
  };
}

export function etherType(frame: Uint8Array): number {
  return Buffer.from(frame).readUInt16BE(12);
}
