// What the tester says to its subject, over a TCP connection of its own: a request at a time, little endian,
//   operation u32, descriptor i32, two arguments u32, length of data u32, data
// answered by
//   result i32 (negative: an errno), length of data u32, data
// The subject's sockets never block. test/apps/subject does it on Karyon, subject.c on Linux.

/** Where the subject listens for the tester. */
export const SUBJECT_PORT = 7000;

/** Operations, by their numbers. */
export const OPERATIONS = [
  "socket", // a = type
  "bind", // a = address in network order, b = port
  "listen", // a = backlog
  "accept",
  "connect", // a, b as for bind
  "send", // a = flags
  "receive", // a = flags, b = how much
  "shutdown", // a = how
  "close",
  "getOption", // a = level, b = name
  "setOption", // a = level, b = name
  "poll", // a = events, b = milliseconds
] as const;

/** An operation. */
export type Operation = (typeof OPERATIONS)[number];

/** A request. */
export interface SubjectRequest {
  readonly operation: Operation;
  readonly fd?: number;
  readonly a?: number;
  readonly b?: number;
  readonly data?: Buffer;
}

/** An answer. */
export interface SubjectAnswer {
  readonly result: number;
  readonly data: Buffer;
}

const ANSWER_HEADER = 8;

/** A request as bytes. */
export function encodeRequest({ operation, fd = -1, a = 0, b = 0, data = Buffer.alloc(0) }: SubjectRequest): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt32LE(OPERATIONS.indexOf(operation), 0);
  header.writeInt32LE(fd, 4);
  header.writeUInt32LE(a >>> 0, 8);
  header.writeUInt32LE(b >>> 0, 12);
  header.writeUInt32LE(data.length, 16);
  return Buffer.concat([header, data]);
}

/** The answer at the beginning of `bytes`, and how long it is; undefined when its end is not there yet. */
export function decodeAnswer(bytes: Buffer): { answer: SubjectAnswer; length: number } | undefined {
  if (bytes.length < ANSWER_HEADER) return undefined;
  const length = ANSWER_HEADER + bytes.readUInt32LE(4);
  if (bytes.length < length) return undefined;
  return { answer: { result: bytes.readInt32LE(0), data: bytes.subarray(ANSWER_HEADER, length) }, length };
}
