// Epolls of an app on the kernel under Node, for the tests: numbers that a C program has by name, and the calls in few words.
import assert from "node:assert/strict";
import type { Piece } from "../../fake/calls.ts";
import type { Process } from "./machine.ts";

export const [EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD] = [1, 2, 3];
export const [EPOLLIN, EPOLLPRI, EPOLLOUT, EPOLLERR, EPOLLHUP] = [1, 2, 4, 8, 16];
export const [EPOLLRDNORM, EPOLLWRNORM, EPOLLRDHUP] = [0x40, 0x100, 0x2000];
export const [EPOLLEXCLUSIVE, EPOLLWAKEUP, EPOLLONESHOT, EPOLLET] = [2 ** 28, 2 ** 29, 2 ** 30, 2 ** 31];
export const [EPERM, EEXIST, ELOOP] = [1, 17, 40];

/** One that is given. */
export const GIVEN = 0x3200;
/** Those that are told, room for 2000. */
export const TOLD = 0x1_4000;
export const EVENT_SIZE = 16;

/** What an epoll tells: data and events. */
export type Told = readonly [data: number, events: number];

export function* epoll(process: Process, flags = 0): Piece<number> {
  const fd = yield* process.call("posix_epoll_create", flags);
  assert.ok(fd >= 0, `epoll_create: ${fd}`);
  return fd;
}

export function control(
  process: Process,
  epfd: number,
  operation: number,
  fd: number,
  events: number,
  data = BigInt(fd),
): Piece<number> {
  const event = Buffer.alloc(EVENT_SIZE);
  event.writeUInt32LE(events >>> 0);
  event.writeBigUInt64LE(data, 8);
  process.put(GIVEN, event);
  return process.call("posix_epoll_ctl", epfd, operation, fd, GIVEN);
}

export function* add(process: Process, epfd: number, fd: number, events: number): Piece<void> {
  assert.equal(yield* control(process, epfd, EPOLL_CTL_ADD, fd, events), 0, `add ${fd}`);
}

/** epoll_wait; what it tells, at `at` of app memory. */
export function* wait(process: Process, epfd: number, nanoseconds = 0n, maximum = 64, at = TOLD): Piece<Told[]> {
  const count = yield* process.call("posix_epoll_wait", epfd, at, maximum, nanoseconds);
  assert.ok(count >= 0 && count <= maximum, `epoll_wait: ${count}`);
  const events = process.get(at, count * EVENT_SIZE);
  return Array.from({ length: count }, (_, i) => [
    Number(events.readBigUInt64LE(i * EVENT_SIZE + 8)),
    events.readUInt32LE(i * EVENT_SIZE),
  ]);
}

export function close(process: Process, ...fds: readonly number[]): Piece<void> {
  return (function* () {
    for (const fd of fds) assert.equal(yield* process.call("posix_close", fd), 0);
  })();
}

/** A pair of connected sockets of AF_UNIX, of streams that never block. */
export function* socketPair(process: Process, at = 0x3000): Piece<readonly [number, number]> {
  assert.equal(yield* process.call("posix_socketpair", 1, 1 | 0x800, 0, at), 0);
  const ends = process.get(at, 8);
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}
