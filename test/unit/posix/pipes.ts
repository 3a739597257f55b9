// Pipes of an app on the kernel under Node, for the tests: numbers that a C program has by name, and the calls in few words.
import assert from "node:assert/strict";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { Random } from "../../support/random.ts";
import type { Process } from "./machine.ts";

export const [EINTR, EAGAIN, ENFILE, ESPIPE, EPIPE, ENOTSOCK] = [4, 11, 23, 29, 32, 88];
export const [O_WRONLY, O_NONBLOCK, O_DIRECT, O_CLOEXEC] = [1, 0x800, 0x4000, 0x80000];
export const [F_GETFD, F_GETFL, F_SETFL] = [1, 3, 4];
export const [POLLIN, POLLOUT, POLLERR, POLLHUP] = [1, 4, 8, 16];
export const S_IFIFO = 0x1000;
export const SIGUSR1 = 10;
export const PIPE_BUF = 4096;
export const CAPACITY = 65536;
/** MiB. */
export const SMALL_DOMAIN = 4;
/** Below where apps put data. */
export const ENDS = 0x3000;
export const SMALL = 0x3100;

export interface Pipe {
  readonly reader: number;
  readonly writer: number;
}

export function* pipe(process: Process, flags = 0): Piece<Pipe> {
  assert.equal(yield* process.call("posix_pipe", ENDS, flags), 0);
  const ends = process.get(ENDS, 8);
  return { reader: ends.readInt32LE(0), writer: ends.readInt32LE(4) };
}

/** Writes `bytes` from `at` of app memory. */
export function write(process: Process, fd: number, bytes: Uint8Array, at = BUFFER): Piece<number> {
  process.put(at, bytes);
  return process.call("posix_write", fd, at, bytes.length);
}

/** What a read of `count` bytes to `at` of app memory gets, or its error. */
export function* read(process: Process, fd: number, count: number, at = BUFFER): Piece<Buffer | number> {
  const length = yield* process.call("posix_read", fd, at, count);
  return length < 0 ? length : process.get(at, length);
}

/** revents of `fd` for all events, now. */
export function* events(process: Process, fd: number): Piece<number> {
  process.put(SMALL, Buffer.from([fd, 0, 0, 0, POLLIN | POLLOUT, 0, 0, 0]));
  yield* process.call("posix_poll", SMALL, 1, 0n);
  return process.get(SMALL + 6, 2).readUInt16LE() & (POLLIN | POLLOUT | POLLERR | POLLHUP);
}

/** Free memory of the domain in bytes. */
export function* freeMemory(process: Process): Piece<bigint> {
  yield* process.call("posix_sysinfo", SMALL);
  return process.get(SMALL + 16, 8).readBigUInt64LE();
}

export function bytes(length: number, seed = 1): Buffer {
  return Buffer.from(new Random(seed).bytes(length));
}
