// socketpair() against unix(7), on the real kernel under Node: errors, both directions, ends, readiness, times, and streams of threads.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { Random } from "../../support/random.ts";
import { EBADF, EFAULT, EINVAL, EMFILE, runApp, type Process, type Thread } from "./machine.ts";
import {
  EAGAIN,
  ENDS,
  ENFILE,
  EPIPE,
  F_GETFD,
  F_GETFL,
  O_CLOEXEC,
  O_NONBLOCK,
  POLLHUP,
  POLLIN,
  POLLOUT,
  SMALL,
  SMALL_DOMAIN,
  bytes,
  events,
  freeMemory,
  read,
  write,
} from "./pipes.ts";

const [AF_UNIX, AF_INET, AF_INET6, AF_PACKET] = [1, 2, 10, 17];
const SOCK_STREAM = 1;
const [ENOPROTOOPT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, EOPNOTSUPP, EAFNOSUPPORT, EISCONN] = [92, 93, 94, 95, 97, 106];
const [SHUT_RD, SHUT_WR, SHUT_RDWR] = [0, 1, 2];
const [MSG_PEEK, MSG_DONTWAIT, MSG_WAITALL] = [0x2, 0x40, 0x100];
const [SOL_SOCKET, SO_TYPE, SO_ERROR, SO_RCVTIMEO, SO_DOMAIN] = [1, 3, 4, 20, 39];
const S_IFSOCK = 0xc000;
const FIONREAD = 0x541b;
const O_RDWR = 2;
/** What a pair takes before a writer waits, at least. */
const ROOM = 65536;
const MORE = ROOM + 20_000;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

function* pair(process: Process, flags = 0): Piece<readonly [number, number]> {
  assert.equal(yield* process.call("posix_socketpair", AF_UNIX, SOCK_STREAM | flags, 0, ENDS), 0);
  const ends = process.get(ENDS, 8);
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}

function* readText(process: Process, fd: number, count = 100): Piece<string | number> {
  const got = yield* read(process, fd, count);
  return typeof got === "number" ? got : got.toString();
}

test("two descriptors, whose modes and status are a socket's", () => {
  runApp(kernel, function* (process) {
    assert.deepEqual(yield* pair(process), [3, 4]);
    assert.deepEqual(yield* pair(process, O_NONBLOCK | O_CLOEXEC), [5, 6]);
    const flags: number[] = [];
    for (const fd of [3, 4, 5, 6]) {
      flags.push(
        yield* process.call("posix_fcntl", fd, F_GETFL, 0),
        yield* process.call("posix_fcntl", fd, F_GETFD, 0),
      );
      assert.equal(yield* process.call("posix_fstat", fd, BUFFER), 0);
      assert.equal(process.get(BUFFER, 4).readUInt32LE() & 0xf000, S_IFSOCK);
      process.put(BUFFER, Buffer.alloc(120, 0xff));
      process.put(BUFFER, Buffer.from([AF_UNIX, 0]));
      assert.equal(yield* process.call("posix_getpeername", fd, BUFFER), 0);
      assert.deepEqual(process.get(BUFFER, 112), Buffer.concat([Buffer.from([AF_UNIX]), Buffer.alloc(111)]));
      assert.equal(process.get(BUFFER + 112, 1)[0], 0xff);
      process.put(BUFFER, Buffer.from([AF_INET, 0]));
      process.put(BUFFER + 16, Buffer.alloc(1, 0xff));
      assert.equal(yield* process.call("posix_getsockname", fd, BUFFER), 0);
      assert.deepEqual(process.get(BUFFER, 17), Buffer.concat([Buffer.alloc(16), Buffer.from([0xff])]));
    }
    assert.deepEqual(flags, [O_RDWR, 0, O_RDWR, 0, O_RDWR | O_NONBLOCK, 1, O_RDWR | O_NONBLOCK, 1]);
  });
});

test("what cannot be made is refused, and leaves nothing behind", () => {
  runApp(kernel, function* (process) {
    const make = (domain: number, type: number, protocol = 0, at = ENDS): Piece<number> =>
      process.call("posix_socketpair", domain, type, protocol, at);
    assert.equal(yield* make(AF_INET, SOCK_STREAM), -EOPNOTSUPP);
    assert.equal(yield* make(AF_INET6, SOCK_STREAM), -EOPNOTSUPP);
    assert.equal(yield* make(AF_PACKET, SOCK_STREAM), -EAFNOSUPPORT);
    for (const type of [0, 3, 7, SOCK_STREAM | 0x100]) assert.equal(yield* make(AF_UNIX, type), -ESOCKTNOSUPPORT);
    assert.equal(yield* make(AF_UNIX, SOCK_STREAM, 6), -EPROTONOSUPPORT);
    assert.equal(yield* make(AF_UNIX, SOCK_STREAM, 0, 0x7fff_fff0), -EFAULT);
    const [one, other] = yield* pair(process);
    yield* process.call("posix_close", one);
    yield* process.call("posix_close", other);
    const before = yield* freeMemory(process);
    while ((yield* process.call("posix_dup", 0)) < 1022);
    assert.equal(yield* make(AF_UNIX, SOCK_STREAM), -EMFILE, "one free");
    assert.equal(yield* freeMemory(process), before);
  });
});

test("without memory there is no pair, and what was taken for it is given back", () => {
  runApp(
    kernel,
    function* (process) {
      let result = 0;
      let made = 0;
      for (; result === 0; made++) result = yield* process.call("posix_socketpair", AF_UNIX, SOCK_STREAM, 0, ENDS);
      assert.equal(result, -ENFILE);
      for (let fd = 3; fd < 3 + 2 * (made - 1); fd++) assert.equal(yield* process.call("posix_close", fd), 0);
      for (let i = 1; i < made; i++) yield* pair(process);
    },
    {},
    SMALL_DOMAIN,
  );
});

test("each direction is its own; ends, shutdown and readiness are as of a connection", () => {
  runApp(kernel, function* (process) {
    const [one, other] = yield* pair(process, O_NONBLOCK);
    assert.equal(yield* events(process, one), POLLOUT);
    assert.equal(yield* read(process, one, 10), -EAGAIN);
    assert.equal(yield* write(process, one, Buffer.from("there")), 5);
    assert.equal(yield* write(process, other, Buffer.from("back")), 4);
    assert.equal(yield* events(process, one), POLLIN | POLLOUT);
    for (const [fd, count] of [
      [one, 4],
      [other, 5],
    ] as const) {
      assert.equal(yield* process.call("posix_ioctl", fd, FIONREAD, SMALL), 0);
      assert.equal(process.get(SMALL, 4).readInt32LE(), count);
    }
    assert.equal(yield* readText(process, one), "back");
    assert.equal(yield* readText(process, other, 3), "the");
    assert.equal(yield* process.call("posix_shutdown", one, 3), -EINVAL);
    assert.equal(yield* process.call("posix_shutdown", one, SHUT_WR), 0);
    assert.equal(yield* write(process, one, Buffer.from("x")), -EPIPE);
    assert.equal(yield* readText(process, other), "re");
    assert.equal(yield* readText(process, other), "");
    assert.equal(
      yield* events(process, other),
      POLLIN | POLLOUT,
      "the end can be read, and there is another direction",
    );
    assert.equal(yield* write(process, other, Buffer.from("still")), 5);
    assert.equal(yield* readText(process, one), "still");
    assert.equal(yield* process.call("posix_shutdown", one, SHUT_RD), 0);
    assert.equal(yield* write(process, other, Buffer.from("x")), -EPIPE);
    assert.equal(yield* events(process, other), POLLIN | POLLOUT | POLLHUP);
    assert.equal(yield* process.call("posix_shutdown", other, SHUT_RDWR), 0);
    assert.equal(yield* process.call("posix_close", other), 0);
    assert.equal(yield* readText(process, one), "");
    const [mine, closed] = yield* pair(process);
    yield* write(process, closed, Buffer.from("last words"));
    yield* process.call("posix_close", closed);
    assert.equal(yield* events(process, mine), POLLIN | POLLOUT | POLLHUP);
    assert.equal(yield* readText(process, mine), "last words");
    assert.equal(yield* readText(process, mine), "");
    assert.equal(yield* write(process, mine, Buffer.from("x")), -EPIPE);
    assert.equal(yield* process.call("posix_close", closed), -EBADF);
  });
});

test("send, recv and options; what a pair is not", () => {
  runApp(kernel, function* (process) {
    const [one, other] = yield* pair(process);
    const receive = (length: number, flags: number): Piece<number> =>
      process.call("posix_recvfrom", one, BUFFER, length, flags, 0);
    assert.equal(yield* receive(4, MSG_DONTWAIT), -EAGAIN);
    process.put(BUFFER, Buffer.from("abcdef"));
    assert.equal(yield* process.call("posix_sendto", other, BUFFER, 6, MSG_DONTWAIT, 0), 6);
    assert.equal(yield* receive(4, MSG_PEEK), 4);
    assert.equal(process.get(BUFFER, 4).toString(), "abcd");
    assert.equal(yield* receive(4, 0), 4);
    assert.equal(yield* receive(4, MSG_DONTWAIT | MSG_WAITALL), 2);
    assert.equal(yield* receive(4, MSG_DONTWAIT | MSG_PEEK), -EAGAIN);
    for (const [name, value] of [
      [SO_TYPE, SOCK_STREAM],
      [SO_DOMAIN, AF_UNIX],
      [SO_ERROR, 0],
    ] as const) {
      assert.equal(yield* process.call("posix_getsockopt", one, SOL_SOCKET, name, SMALL, 4), 4);
      assert.equal(process.get(SMALL, 4).readInt32LE(), value);
    }
    assert.equal(yield* process.call("posix_getsockopt", one, 6, 1, SMALL, 4), -ENOPROTOOPT);
    for (const [level, name] of [
      [0, 1],
      [41, 16],
      [6, 1],
      [SOL_SOCKET, 2],
    ] as const) {
      assert.equal(
        yield* process.call("posix_setsockopt", one, level, name, SMALL, 4),
        -ENOPROTOOPT,
        `${level} ${name}`,
      );
    }
    process.put(SMALL, Buffer.alloc(16));
    process.put(SMALL + 8, Buffer.from(BigInt64Array.of(20_000n).buffer));
    assert.equal(yield* process.call("posix_setsockopt", one, SOL_SOCKET, SO_RCVTIMEO, SMALL, 16), 0);
    const begin = process.now();
    assert.equal(yield* receive(4, 0), -EAGAIN);
    assert.ok(process.now() - begin >= 20e6 && process.now() - begin < 30e6);
    assert.equal(yield* process.call("posix_listen", one, 1), -EINVAL);
    assert.equal(yield* process.call("posix_accept", one, 0, 0), -EINVAL);
    assert.equal(yield* process.call("posix_connect", one, SMALL), -EISCONN);
    assert.equal(yield* process.call("posix_sendto", one, BUFFER, 1, 0, SMALL), -EISCONN);
    assert.equal(yield* process.call("posix_bind", one, SMALL), -EINVAL);
  });
});

test("who waits hears of it when a thread writes, shuts down or closes", () => {
  runApp(kernel, function* (process) {
    const [one, other] = yield* pair(process);
    const told: unknown[] = [];
    const reader = yield* process.thread(function* () {
      for (let i = 0; i < 2; i++) told.push(yield* readText(process, one));
    });
    yield* process.settle();
    yield* write(process, other, Buffer.from("word"), BUFFER + 200);
    yield* process.settle();
    assert.deepEqual([...told], ["word"]);
    assert.equal(yield* process.call("posix_shutdown", one, SHUT_RD), 0);
    yield* process.join(reader);
    assert.deepEqual([...told], ["word", ""]);
    const poller = yield* process.thread(function* () {
      process.put(SMALL, Buffer.from([other, 0, 0, 0, POLLIN, 0, 0, 0]));
      told.push(yield* process.call("posix_poll", SMALL, 1, -1n));
    });
    yield* process.settle();
    assert.equal(yield* process.call("posix_close", one), 0);
    yield* process.join(poller);
    assert.equal(told.at(-1), 1);
    const [full, drain] = yield* pair(process);
    const writer = yield* process.thread(function* () {
      told.push(yield* write(process, full, bytes(MORE), BUFFER));
    });
    yield* process.settle();
    assert.deepEqual(told.slice(3), [], "it waits for room");
    assert.equal(yield* process.call("posix_close", drain), 0);
    yield* process.join(writer);
    assert.ok(Number(told.at(-1)) >= ROOM && Number(told.at(-1)) < MORE);
  });
});

for (const seed of [1, 2, 3]) {
  test(`streams both ways at once arrive as they were sent, seed ${seed}`, () => {
    const random = new Random(seed);
    const total = 300_000;
    const piece = 9000;
    runApp(kernel, function* (process) {
      const ends = yield* pair(process);
      const sums = new Map<string, ReturnType<typeof createHash>>();
      for (const name of ["sent 0", "sent 1", "got 0", "got 1"]) sums.set(name, createHash("sha256"));
      const threads: Thread[] = [];
      for (const side of [0, 1] as const) {
        threads.push(
          yield* process.thread(function* () {
            for (let left = total; left > 0;) {
              const data = bytes(Math.min(left, random.between(1, piece)), left + side);
              assert.equal(yield* write(process, ends[side], data, BUFFER + side * 20_000), data.length);
              sums.get(`sent ${side}`)?.update(data);
              left -= data.length;
            }
            assert.equal(yield* process.call("posix_shutdown", ends[side], SHUT_WR), 0);
          }),
          yield* process.thread(function* () {
            for (;;) {
              const data = yield* read(
                process,
                ends[1 - side] ?? 0,
                random.between(1, piece),
                BUFFER + 10_000 + side * 20_000,
              );
              assert.ok(typeof data !== "number");
              if (data.length === 0) return;
              sums.get(`got ${side}`)?.update(data);
            }
          }),
        );
      }
      yield* process.join(...threads);
      const digest = new Map([...sums].map(([name, sum]) => [name, sum.digest("hex")]));
      for (const side of [0, 1]) assert.equal(digest.get(`got ${side}`), digest.get(`sent ${side}`));
    });
  });
}
