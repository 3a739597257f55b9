// timerfd: when it expires, how often, what is left; relative and absolute, by both clocks; who waits; arguments.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { EPOLLET, EPOLLIN, add, close, epoll, wait } from "./epolls.ts";
import { EBADF, EFAULT, EINVAL, EMFILE, type Process, runApp } from "./machine.ts";
import { EAGAIN, F_GETFD, F_GETFL, O_CLOEXEC, O_NONBLOCK, POLLIN, SMALL, events } from "./pipes.ts";

const [CLOCK_REALTIME, CLOCK_MONOTONIC] = [0, 1];
const ABSTIME = 1;
const [TIMES, BEFORE] = [0x3300, 0x3400];
const MS = 1_000_000n;
const SECOND = 1_000_000_000n;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

function* make(process: Process, clock = CLOCK_MONOTONIC, flags = O_NONBLOCK): Piece<number> {
  const fd = yield* process.call("posix_timerfd_create", clock, flags);
  assert.ok(fd >= 0, `timerfd_create: ${fd}`);
  return fd;
}

function putTimes(process: Process, ...words: readonly bigint[]): void {
  process.put(TIMES, Buffer.from(BigInt64Array.from(words).buffer));
}

/** Sets it to expire after `first` ns and then every `interval`. */
function* set(process: Process, fd: number, first: bigint, interval = 0n, flags = 0): Piece<void> {
  putTimes(process, interval / SECOND, interval % SECOND, first / SECOND, first % SECOND);
  assert.equal(yield* process.call("posix_timerfd_settime", fd, flags, TIMES, BEFORE), 0);
}

/** The interval and what is left, in ns. */
function times(process: Process, at: number): readonly [interval: bigint, left: bigint] {
  const words = process.get(at, 32);
  const word = (index: number): bigint => words.readBigInt64LE(index * 8);
  return [word(0) * SECOND + word(1), word(2) * SECOND + word(3)];
}

function* left(process: Process, fd: number): Piece<readonly [bigint, bigint]> {
  assert.equal(yield* process.call("posix_timerfd_gettime", fd, TIMES), 0);
  return times(process, TIMES);
}

/** How often it has expired, or the error. */
function* take(process: Process, fd: number, at = BUFFER): Piece<number> {
  const result = yield* process.call("posix_read", fd, at, 8);
  return result === 8 ? Number(process.get(at, 8).readBigUInt64LE()) : result;
}

function sleep(process: Process, nanoseconds: bigint): Piece<number> {
  return process.call("posix_nanosleep", nanoseconds);
}

function* clock(process: Process, which: number): Piece<bigint> {
  assert.equal(yield* process.call("posix_clock_gettime", which, SMALL), 0);
  return process.get(SMALL, 8).readBigInt64LE() * SECOND + process.get(SMALL + 8, 8).readBigInt64LE();
}

/** Whether `a` and `b` are less than a millisecond apart. */
function near(a: bigint, b: bigint): boolean {
  return a - b < MS && b - a < MS;
}

test("once: not before its time, then until it is read, then never again", () => {
  runApp(kernel, function* (process) {
    const fd = yield* make(process);
    assert.equal(yield* take(process, fd), -EAGAIN);
    assert.deepEqual(yield* left(process, fd), [0n, 0n]);
    yield* set(process, fd, 20n * MS);
    assert.deepEqual(times(process, BEFORE), [0n, 0n]);
    yield* sleep(process, 15n * MS);
    assert.equal(yield* events(process, fd), 0);
    assert.equal(yield* take(process, fd), -EAGAIN);
    const [, rest] = yield* left(process, fd);
    assert.ok(near(rest, 5n * MS), `${rest}`);
    yield* sleep(process, 6n * MS);
    assert.equal(yield* events(process, fd), POLLIN);
    assert.deepEqual(yield* left(process, fd), [0n, 0n]);
    assert.equal(yield* take(process, fd), 1);
    assert.equal(yield* take(process, fd), -EAGAIN);
    yield* sleep(process, SECOND);
    assert.equal(yield* events(process, fd), 0);
  });
});

test("again and again: a read tells how often, and the next time is a whole number of intervals later", () => {
  runApp(kernel, function* (process) {
    const fd = yield* make(process);
    yield* set(process, fd, 10n * MS, 4n * MS);
    yield* sleep(process, 11n * MS);
    assert.equal(yield* take(process, fd), 1);
    yield* sleep(process, 4n * MS);
    assert.equal(yield* take(process, fd), 1);
    yield* sleep(process, 41n * MS);
    assert.equal(yield* take(process, fd), 10);
    const [interval, rest] = yield* left(process, fd);
    assert.equal(interval, 4n * MS);
    assert.ok(rest > 0n && rest <= 4n * MS, `${rest}`);
    yield* sleep(process, 4n * MS * 1000n);
    const [, late] = yield* left(process, fd);
    assert.ok(late > 0n && late <= 4n * MS, "also while nobody has read");
    assert.equal(yield* take(process, fd), 1000);
    // Set anew, what nobody has read is forgotten.
    yield* sleep(process, 9n * MS);
    yield* set(process, fd, 50n * MS, 7n * MS);
    assert.equal(times(process, BEFORE)[0], 4n * MS);
    assert.equal(yield* take(process, fd), -EAGAIN);
    yield* set(process, fd, 0n, 7n * MS);
    assert.deepEqual(yield* left(process, fd), [7n * MS, 0n], "disarmed");
    yield* sleep(process, 100n * MS);
    assert.equal(yield* take(process, fd), -EAGAIN);
  });
});

test("absolute times, by either clock; one that has passed expires at once, as often as it would have", () => {
  runApp(kernel, function* (process) {
    for (const which of [CLOCK_MONOTONIC, CLOCK_REALTIME]) {
      const fd = yield* make(process, which);
      yield* set(process, fd, (yield* clock(process, which)) + 30n * MS, 0n, ABSTIME);
      const [, rest] = yield* left(process, fd);
      assert.ok(near(rest, 30n * MS), `${rest}`);
      yield* sleep(process, 29n * MS);
      assert.equal(yield* take(process, fd), -EAGAIN);
      yield* sleep(process, 2n * MS);
      assert.equal(yield* take(process, fd), 1);
      yield* set(process, fd, 1n, 0n, ABSTIME);
      assert.equal(yield* take(process, fd), 1);
      const then = (yield* clock(process, which)) - 95n * MS;
      yield* set(process, fd, then > 0n ? then : 1n, 10n * MS, ABSTIME);
      assert.equal(yield* take(process, fd), then > 0n ? 10 : Math.floor(Number((then + 95n * MS) / (10n * MS))) + 1);
      assert.equal(yield* take(process, fd), -EAGAIN);
      yield* set(process, fd, 2n ** 62n, 2n ** 62n, ABSTIME);
      assert.equal(yield* take(process, fd), -EAGAIN, "in a hundred years");
    }
    const fd = yield* make(process);
    for (const seconds of [2n ** 40n, 2n ** 63n - 1n]) {
      putTimes(process, seconds, 0n, seconds, 999_999_999n);
      assert.equal(yield* process.call("posix_timerfd_settime", fd, 0, TIMES, 0), 0);
      assert.equal(yield* take(process, fd), -EAGAIN);
      assert.ok((yield* left(process, fd))[1] > 10n ** 18n);
    }
  });
});

test("who reads, polls or waits in an epoll is woken in time, also by a timer that is set meanwhile", () => {
  runApp(kernel, function* (process) {
    const fd = yield* make(process, CLOCK_MONOTONIC, 0);
    const begin = process.now();
    yield* set(process, fd, 25n * MS);
    assert.equal(yield* take(process, fd), 1);
    assert.ok(process.now() - begin >= 25e6 && process.now() - begin < 26e6);
    let got = 0;
    const reader = yield* process.thread(function* () {
      got = yield* take(process, fd, BUFFER + 100);
    });
    yield* process.settle();
    yield* set(process, fd, 1n, 0n, ABSTIME);
    yield* process.join(reader);
    assert.equal(got, 1);
    yield* set(process, fd, 5n * MS, 5n * MS);
    process.put(SMALL, Buffer.from([fd, 0, 0, 0, POLLIN, 0, 0, 0]));
    assert.equal(yield* process.call("posix_poll", SMALL, 1, -1n), 1);
    assert.equal(yield* take(process, fd), 1);
    const ep = yield* epoll(process);
    yield* add(process, ep, fd, EPOLLIN | EPOLLET);
    const start = process.now();
    for (let i = 0; i < 4; i++) {
      assert.deepEqual(yield* wait(process, ep, -1n), [[fd, EPOLLIN]]);
      assert.equal(yield* take(process, fd), 1);
    }
    const took = process.now() - start;
    assert.ok(took > 14e6 && took < 21e6, `${took}`);
    // As on Linux, one that nobody reads wakes once.
    assert.deepEqual(yield* wait(process, ep, -1n), [[fd, EPOLLIN]]);
    assert.deepEqual(yield* wait(process, ep, 100n * MS), []);
    assert.equal(yield* take(process, fd), 21);
    yield* set(process, fd, 1n, 0n, ABSTIME);
    assert.deepEqual(yield* wait(process, ep), [[fd, EPOLLIN]], "at once");
    yield* set(process, fd, 10n * MS);
    yield* close(process, fd);
    assert.deepEqual(yield* wait(process, ep, 50n * MS), [], "a timer that is closed does not expire");
  });
});

test("arguments that are refused, and what the descriptor is for other calls", () => {
  runApp(kernel, function* (process) {
    for (const flags of [1, -1]) assert.equal(yield* process.call("posix_timerfd_create", 1, flags), -EINVAL);
    for (const which of [2, 7, -1]) assert.equal(yield* process.call("posix_timerfd_create", which, 0), -EINVAL);
    const fd = yield* make(process, CLOCK_REALTIME, O_CLOEXEC | O_NONBLOCK);
    assert.equal(yield* process.call("posix_fcntl", fd, F_GETFD, 0), 1);
    assert.equal(yield* process.call("posix_fcntl", fd, F_GETFL, 0), 2 | O_NONBLOCK);
    const call = (which: number, flags = 0, at = TIMES, old = 0): Piece<number> =>
      process.call("posix_timerfd_settime", which, flags, at, old);
    putTimes(process, 0n, 0n, 1n, 0n);
    assert.equal(yield* call(999, 0, 0), -EFAULT);
    assert.equal(yield* call(fd, 0, 0x7fff_fff0), -EFAULT);
    assert.equal(yield* call(fd, 0, TIMES, 0x7fff_fff0), -EFAULT);
    for (const flags of [2, 4, -1]) assert.equal(yield* call(999, flags), -EINVAL);
    for (const wrong of [
      [0n, 0n, -1n, 0n],
      [0n, 0n, 0n, -1n],
      [0n, 0n, 0n, SECOND],
      [-1n, 0n, 1n, 0n],
      [0n, SECOND, 1n, 0n],
    ]) {
      putTimes(process, ...wrong);
      assert.equal(yield* call(999), -EINVAL, `${wrong}`);
    }
    putTimes(process, 0n, 0n, 1n, 0n);
    for (const closed of [-1, 999, 5000]) {
      assert.equal(yield* call(closed), -EBADF);
      assert.equal(yield* process.call("posix_timerfd_gettime", closed, TIMES), -EBADF);
    }
    assert.equal(yield* call(0), -EINVAL);
    assert.equal(yield* process.call("posix_timerfd_gettime", 0, 0), -EINVAL);
    assert.equal(yield* process.call("posix_timerfd_gettime", fd, 0), -EFAULT);
    assert.deepEqual(yield* left(process, fd), [0n, 0n], "nothing was set");
    yield* set(process, fd, 1n, 0n, ABSTIME);
    for (const length of [0, 7]) assert.equal(yield* process.call("posix_read", fd, BUFFER, length), -EINVAL);
    assert.equal(yield* process.call("posix_read", fd, 0, 8), -EFAULT);
    assert.equal(yield* process.call("posix_write", fd, BUFFER, 8), -EINVAL);
    assert.equal(yield* process.call("posix_lseek", fd, 3n, 0), 0);
    assert.equal(yield* take(process, fd), 1);
    while ((yield* process.call("posix_dup", 0)) < 1023);
    assert.equal(yield* process.call("posix_timerfd_create", 1, 0), -EMFILE);
  });
});
