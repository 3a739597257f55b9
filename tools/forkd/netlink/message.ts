// Netlink messages (linux/netlink.h): a header, a header of the subsystem, and attributes, each padded to four bytes. Numbers are
// in host order, which is little endian on the machines that run Xen's PV guests, except where a subsystem says otherwise.

const ALIGNMENT = 4;
const HEADER_SIZE = 16;
const ATTRIBUTE_HEADER_SIZE = 4;
const NLA_F_NESTED = 1 << 15;
const NLA_TYPE_MASK = 0x3fff;

export const NLM_F_REQUEST = 0x1;
export const NLM_F_ACK = 0x4;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_DUMP = 0x300;

export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

/** What is sent; the socket adds the sequence number. */
export interface Message {
  readonly type: number;
  /** NLM_F_*. */
  readonly flags: number;
  /** The subsystem's header and the attributes behind it. */
  readonly body: Uint8Array;
}

/** What has come. */
export interface Received {
  readonly type: number;
  readonly sequence: number;
  readonly body: Buffer;
}

/** The bytes of a message. */
export function encodeMessage({ type, flags, body }: Message, sequence: number): Buffer {
  const bytes = Buffer.alloc(align(HEADER_SIZE + body.length));
  bytes.writeUInt32LE(HEADER_SIZE + body.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt32LE(sequence, 8);
  bytes.set(body, HEADER_SIZE);
  return bytes;
}

/** The messages of a datagram. What does not end within it is left out. */
export function* decodeMessages(datagram: Buffer): Generator<Received> {
  for (let at = 0; at + HEADER_SIZE <= datagram.length;) {
    const length = datagram.readUInt32LE(at);
    if (length < HEADER_SIZE || at + length > datagram.length) return;
    const [type, sequence] = [datagram.readUInt16LE(at + 4), datagram.readUInt32LE(at + 8)];
    yield { type, sequence, body: datagram.subarray(at + HEADER_SIZE, at + length) };
    at += align(length);
  }
}

/** An attribute; its payload is padded behind its end. */
export function attribute(type: number, ...payload: readonly Uint8Array[]): Buffer {
  const length = payload.reduce((sum, part) => sum + part.length, ATTRIBUTE_HEADER_SIZE);
  const bytes = Buffer.alloc(align(length));
  bytes.writeUInt16LE(length, 0);
  bytes.writeUInt16LE(type, 2);
  let at = ATTRIBUTE_HEADER_SIZE;
  for (const part of payload) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** An attribute of attributes. */
export function nested(type: number, ...attributes: readonly Uint8Array[]): Buffer {
  return attribute(type | NLA_F_NESTED, ...attributes);
}

/** A number of eight bits. */
export function u8Attribute(type: number, value: number): Buffer {
  return attribute(type, Uint8Array.of(value));
}

/** A number of 32 bits in host order. */
export function u32Attribute(type: number, value: number): Buffer {
  return attribute(type, u32(value));
}

/** A number of 32 bits in network order. */
export function be32Attribute(type: number, value: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(value >>> 0);
  return attribute(type, payload);
}

/** A number of 64 bits in network order. */
export function be64Attribute(type: number, value: number): Buffer {
  const payload = Buffer.alloc(8);
  payload.writeBigUInt64BE(BigInt(value));
  return attribute(type, payload);
}

/** A text that ends with a zero byte. */
export function textAttribute(type: number, text: string): Buffer {
  return attribute(type, Buffer.from(`${text}\0`));
}

/** Four bytes in host order. */
export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
}

/** The attributes in `bytes` in their order: pairs of type and payload. */
export function* decodeAttributes(bytes: Buffer): Generator<readonly [type: number, payload: Buffer]> {
  for (let at = 0; at + ATTRIBUTE_HEADER_SIZE <= bytes.length;) {
    const length = bytes.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER_SIZE || at + length > bytes.length) return;
    yield [bytes.readUInt16LE(at + 2) & NLA_TYPE_MASK, bytes.subarray(at + ATTRIBUTE_HEADER_SIZE, at + length)];
    at += align(length);
  }
}

/** The payload of an attribute of `bytes`; undefined without one. */
export function findAttribute(bytes: Buffer, type: number): Buffer | undefined {
  for (const [found, payload] of decodeAttributes(bytes)) if (found === type) return payload;
  return undefined;
}

/** The text of an attribute without its zero byte. */
export function textOf(payload: Buffer): string {
  return payload.toString("utf8").replace(/\0.*$/s, "");
}

function align(length: number): number {
  return (length + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}
