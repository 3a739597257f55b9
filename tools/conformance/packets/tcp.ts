// TCP segments (RFC 9293, 3.1), as a test writes and reads them.
import { internetChecksum, internetSum } from "./checksum.ts";
import { addressBytes, PROTOCOL_TCP } from "./ipv4.ts";

const HEADER = 20;
const FLAGS = "FSRPAUEC";

/** A segment. */
export interface Segment {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  /** Of F, S, R, P, A, U, E (ECN echo), C (window reduced). */
  readonly flags: string;
  readonly window: number;
  readonly urgent: number;
  /** As they stand in the header; padded to whole words by zeros. */
  readonly options: Buffer;
  readonly text: Buffer;
}

/** The segment as bytes, with its checksum; its ends belong to that. */
export function encodeSegment(segment: Segment, source: string, destination: string): Buffer {
  const padded = Math.ceil(segment.options.length / 4) * 4;
  const bytes = Buffer.alloc(HEADER + padded + segment.text.length);
  bytes.writeUInt16BE(segment.sourcePort, 0);
  bytes.writeUInt16BE(segment.destinationPort, 2);
  bytes.writeUInt32BE(segment.sequence >>> 0, 4);
  bytes.writeUInt32BE(segment.acknowledgment >>> 0, 8);
  bytes[12] = (HEADER + padded) << 2;
  bytes[13] = [...segment.flags].reduce((bits, flag) => bits | (1 << FLAGS.indexOf(flag)), 0);
  bytes.writeUInt16BE(segment.window, 14);
  bytes.writeUInt16BE(segment.urgent, 18);
  segment.options.copy(bytes, HEADER);
  segment.text.copy(bytes, HEADER + padded);
  bytes.writeUInt16BE(internetChecksum(bytes, pseudoHeader(source, destination, bytes.length)), 16);
  return bytes;
}

/** The segment in the payload of an IPv4 packet; undefined when it is too short or its checksum is wrong. */
export function decodeSegment(bytes: Buffer, source: string, destination: string): Segment | undefined {
  const headerLength = ((bytes[12] ?? 0) >> 4) * 4;
  if (bytes.length < HEADER || headerLength < HEADER || headerLength > bytes.length) return undefined;
  if (internetSum(bytes, pseudoHeader(source, destination, bytes.length)) !== 0xffff) return undefined;
  const bits = bytes[13] ?? 0;
  return {
    sourcePort: bytes.readUInt16BE(0),
    destinationPort: bytes.readUInt16BE(2),
    sequence: bytes.readUInt32BE(4),
    acknowledgment: bytes.readUInt32BE(8),
    flags: [...FLAGS].filter((_flag, index) => (bits & (1 << index)) !== 0).join(""),
    window: bytes.readUInt16BE(14),
    urgent: bytes.readUInt16BE(18),
    options: bytes.subarray(HEADER, headerLength),
    text: bytes.subarray(headerLength),
  };
}

function pseudoHeader(source: string, destination: string, length: number): number {
  const rest = Buffer.from([0, PROTOCOL_TCP, length >> 8, length & 255]);
  return internetSum(Buffer.concat([addressBytes(source), addressBytes(destination), rest]));
}

/** Options by kind, as bytes behind kind and length; the end of the list ends them. */
export function parseOptions(options: Buffer): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at < options.length;) {
    const kind = options[at] ?? 0;
    if (kind === 0) break;
    const length = kind === 1 ? 1 : (options[at + 1] ?? 0);
    if (length < 1) break;
    if (kind !== 1) found.set(kind, options.subarray(at + 2, at + length));
    at += length;
  }
  return found;
}

/** Kinds of options. */
export const OPTION = { mss: 2, windowScale: 3, sackPermitted: 4, sack: 5, timestamps: 8 } as const;

/** The option that says how long segments may be. */
export function mssOption(size: number): number[] {
  return [OPTION.mss, 4, size >> 8, size & 255];
}

/** The timestamps option, aligned as RFC 7323, appendix A, has it. */
export function timestampOption(value: number, echo: number): number[] {
  const words = Buffer.alloc(8);
  words.writeUInt32BE(value >>> 0, 0);
  words.writeUInt32BE(echo >>> 0, 4);
  return [1, 1, OPTION.timestamps, 10, ...words];
}
