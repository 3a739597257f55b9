// Sockets of AF_UNIX of an app on the kernel under Node, for the tests: numbers that a C program has by name, and the calls in few words.
import assert from "node:assert/strict";
import { BUFFER, type Calls, type Piece } from "../../fake/calls.ts";
import { ENDS } from "./pipes.ts";

export const AF_UNIX = 1;
export const [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET] = [1, 2, 5];
export const [EPERM, ENOENT, EPIPE, EMSGSIZE, EPROTOTYPE, EOPNOTSUPP] = [1, 2, 32, 90, 91, 95];
export const [EADDRINUSE, ECONNRESET, EISCONN, ENOTCONN, ECONNREFUSED] = [98, 104, 106, 107, 111];
export const [SHUT_RD, SHUT_WR, SHUT_RDWR] = [0, 1, 2];
export const [MSG_PEEK, MSG_CTRUNC, MSG_TRUNC, MSG_DONTWAIT, MSG_WAITALL] = [0x2, 0x8, 0x20, 0x40, 0x100];
export const MSG_CMSG_CLOEXEC = 0x4000_0000;
export const SOL_SOCKET = 1;

/** Where addresses, values of options and message headers are put: below BUFFER. */
const ADDRESS = 0x3200;
const NAME = 0x3300;
const VALUE = 0x3400;
const HEADER = 0x3500;
const VECTORS = 0x3540;
const CONTROL = 0x3600;
const ADDRESS_SIZE = 112;

/** The kernel address of a sockaddr_un with that name. */
export function address(calls: Calls, name: string, at = ADDRESS): number {
  const bytes = Buffer.alloc(ADDRESS_SIZE);
  bytes.writeUInt16LE(AF_UNIX);
  const length = bytes.write(name, 2, "latin1");
  bytes.writeUInt16LE(length, 110);
  calls.put(at, bytes);
  return at;
}

/** The name in the sockaddr_un that a call has filled in. */
export function nameAt(calls: Calls, at = ADDRESS): string {
  const bytes = calls.get(at, ADDRESS_SIZE);
  assert.equal(bytes.readUInt16LE(), AF_UNIX);
  return bytes.toString("latin1", 2, 2 + bytes.readUInt16LE(110));
}

export function socket(calls: Calls, type: number): Piece<number> {
  return calls.call("posix_socket", AF_UNIX, type, 0);
}

export function bind(calls: Calls, fd: number, name: string): Piece<number> {
  return calls.call("posix_bind", fd, address(calls, name));
}

export function connect(calls: Calls, fd: number, name: string): Piece<number> {
  return calls.call("posix_connect", fd, address(calls, name));
}

/** What accept returns, and the peer's name. */
export function* accept(calls: Calls, fd: number, flags = 0): Piece<readonly [number, string]> {
  const result = yield* calls.call("posix_accept", fd, address(calls, "x", NAME), flags);
  return [result, result < 0 ? "" : nameAt(calls, NAME)];
}

export function* pair(calls: Calls, type: number): Piece<readonly [number, number]> {
  assert.equal(yield* calls.call("posix_socketpair", AF_UNIX, type, 0, ENDS), 0);
  const ends = calls.get(ENDS, 8);
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}

/** A socket of `type` that has `name`, and listens unless it is of datagrams. */
export function* named(calls: Calls, type: number, name: string, backlog = 5): Piece<number> {
  const fd = yield* socket(calls, type);
  assert.equal(yield* bind(calls, fd, name), 0);
  if ((type & 0xf) !== SOCK_DGRAM) assert.equal(yield* calls.call("posix_listen", fd, backlog), 0);
  return fd;
}

/** A client and what its listener has accepted, with the listener's name. */
export function* connected(
  calls: Calls,
  listener: number,
  type: number,
  name: string,
): Piece<readonly [number, number]> {
  const client = yield* socket(calls, type);
  assert.equal(yield* connect(calls, client, name), 0);
  const [server] = yield* accept(calls, listener);
  assert.ok(server > 0);
  return [client, server];
}

export function ownName(calls: Calls, fd: number): Piece<string> {
  return nameBy(calls, "posix_getsockname", fd);
}

export function peerName(calls: Calls, fd: number): Piece<string> {
  return nameBy(calls, "posix_getpeername", fd);
}

function* nameBy(calls: Calls, call: string, fd: number): Piece<string> {
  const result = yield* calls.call(call, fd, address(calls, "x"));
  return result < 0 ? String(result) : nameAt(calls);
}

/** send, or sendto when there is a name. */
export function send(calls: Calls, fd: number, text: string, to?: string, flags = 0): Piece<number> {
  calls.put(BUFFER, Buffer.from(text));
  return calls.call("posix_sendto", fd, BUFFER, text.length, flags, to === undefined ? 0 : address(calls, to));
}

/** recvfrom: "text" or "text from name", or an error. */
export function* receive(calls: Calls, fd: number, count = 100, flags = 0): Piece<string | number> {
  const length = yield* calls.call("posix_recvfrom", fd, BUFFER, count, flags, address(calls, "x", NAME));
  if (length < 0) return length;
  const from = nameAt(calls, NAME);
  const text = calls.get(BUFFER, Math.min(length, count)).toString();
  return from === "" ? text : `${text} from ${from}`;
}

export function* option(calls: Calls, fd: number, name: number): Piece<number> {
  const length = yield* calls.call("posix_getsockopt", fd, SOL_SOCKET, name, VALUE, 4);
  return length < 0 ? length : calls.get(VALUE, 4).readInt32LE();
}

/** A control message of SCM_RIGHTS. */
export function rights(descriptors: readonly number[]): Buffer {
  return control(SOL_SOCKET, 1, Int32Array.from(descriptors));
}

export function control(level: number, type: number, data: Int32Array): Buffer {
  const bytes = Buffer.alloc(12 + 4 * data.length);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeInt32LE(level, 4);
  bytes.writeInt32LE(type, 8);
  data.forEach((value, i) => bytes.writeInt32LE(value, 12 + 4 * i));
  return bytes;
}

function header(calls: Calls, pieces: readonly number[], controlLength: number, name: number): void {
  let at = BUFFER;
  const vectors = Buffer.alloc(8 * pieces.length);
  pieces.forEach((length, i) => {
    vectors.writeUInt32LE(at, 8 * i);
    vectors.writeUInt32LE(length, 8 * i + 4);
    at += length + 8; // nothing may be written between them
  });
  calls.put(VECTORS, vectors);
  const fields = Uint32Array.of(name, VECTORS, pieces.length, CONTROL, controlLength, 0xffff_ffff);
  calls.put(HEADER, Buffer.from(fields.buffer));
}

/** sendmsg of pieces of text with control messages. */
export function sendmsg(
  calls: Calls,
  fd: number,
  pieces: readonly string[],
  controls: Buffer = Buffer.alloc(0),
  { to = "", flags = 0 } = {},
): Piece<number> {
  header(
    calls,
    pieces.map(({ length }) => length),
    controls.length,
    to === "" ? 0 : address(calls, to),
  );
  let at = BUFFER;
  for (const text of pieces) {
    calls.put(at, Buffer.from(text));
    at += text.length + 8;
  }
  calls.put(CONTROL, controls);
  return calls.call("posix_sendmsg", fd, HEADER, flags);
}

export interface Received {
  /** What recvmsg returns. */
  readonly result: number;
  readonly pieces: readonly string[];
  readonly flags: number;
  /** Bytes of control messages. */
  readonly controlLength: number;
  readonly descriptors: readonly number[];
}

/** recvmsg into pieces of these lengths, with room for so many descriptors (-1: no control buffer). */
export function* recvmsg(calls: Calls, fd: number, lengths: readonly number[], room = 4, flags = 0): Piece<Received> {
  header(calls, lengths, room < 0 ? 0 : 12 + 4 * room, 0);
  calls.put(CONTROL, Buffer.alloc(12 + 4 * Math.max(room, 0) + 4, 0xee));
  const result = yield* calls.call("posix_recvmsg", fd, HEADER, flags);
  const after = calls.get(HEADER, 24);
  const controlLength = result < 0 ? 0 : after.readUInt32LE(16);
  const descriptors: number[] = [];
  if (controlLength > 0) {
    const got = calls.get(CONTROL, controlLength);
    assert.deepEqual([got.readUInt32LE(0), got.readInt32LE(4), got.readInt32LE(8)], [controlLength, SOL_SOCKET, 1]);
    for (let i = 12; i < controlLength; i += 4) descriptors.push(got.readInt32LE(i));
  }
  assert.equal(calls.get(CONTROL + 12 + 4 * Math.max(room, 0), 1)[0], 0xee, "not beyond the buffer");
  const pieces: string[] = [];
  let at = BUFFER;
  let left = Math.max(result, 0);
  for (const length of lengths) {
    pieces.push(calls.get(at, Math.min(left, length)).toString());
    left -= Math.min(left, length);
    at += length + 8;
  }
  return { result, pieces, flags: result < 0 ? 0 : after.readInt32LE(20), controlLength, descriptors };
}
