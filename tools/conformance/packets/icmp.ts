// ICMP messages (RFC 792), as a test writes and reads them.
import { internetChecksum } from "./checksum.ts";

export const ECHO_REPLY = 0;
export const UNREACHABLE = 3;
export const SOURCE_QUENCH = 4;
export const ECHO_REQUEST = 8;
export const TIME_EXCEEDED = 11;
export const PARAMETER_PROBLEM = 12;

/** A message. */
export interface IcmpMessage {
  readonly type: number;
  readonly code: number;
  /** The second word of the header: identifier and sequence number, or what an error says. */
  readonly word: number;
  readonly data: Buffer;
}

/** The message as bytes, with its checksum. */
export function encodeIcmp({ type, code, word, data }: IcmpMessage): Buffer {
  const bytes = Buffer.alloc(8 + data.length);
  bytes[0] = type;
  bytes[1] = code;
  bytes.writeUInt32BE(word >>> 0, 4);
  data.copy(bytes, 8);
  bytes.writeUInt16BE(internetChecksum(bytes), 2);
  return bytes;
}

/** The message in the payload of an IPv4 packet; undefined when it is too short. */
export function decodeIcmp(bytes: Buffer): IcmpMessage | undefined {
  if (bytes.length < 8) return undefined;
  return { type: bytes[0] ?? 0, code: bytes[1] ?? 0, word: bytes.readUInt32BE(4), data: bytes.subarray(8) };
}
