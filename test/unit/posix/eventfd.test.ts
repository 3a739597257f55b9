// eventfd: the counter, as a number and as a semaphore; who waits; readiness; arguments.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { EPOLLET, EPOLLIN, EPOLLOUT, add, close, epoll, wait } from "./epolls.ts";
import { EFAULT, EINVAL, EMFILE, type Process, runApp } from "./machine.ts";
import {
  EAGAIN,
  F_GETFD,
  F_GETFL,
  O_CLOEXEC,
  O_NONBLOCK,
  POLLIN,
  POLLOUT,
  SMALL,
  events,
  freeMemory,
} from "./pipes.ts";

const EFD_SEMAPHORE = 1;
const MAXIMUM = 2n ** 64n - 2n;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

function* make(process: Process, initial: number, flags = 0): Piece<number> {
  const fd = yield* process.call("posix_eventfd", initial, flags);
  assert.ok(fd >= 0, `eventfd: ${fd}`);
  return fd;
}

function addTo(process: Process, fd: number, value: bigint, at = BUFFER): Piece<number> {
  process.put(at, Buffer.from(BigUint64Array.of(value).buffer));
  return process.call("posix_write", fd, at, 8);
}

function* take(process: Process, fd: number, at = BUFFER): Piece<bigint | number> {
  const result = yield* process.call("posix_read", fd, at, 8);
  return result === 8 ? process.get(at, 8).readBigUInt64LE() : result;
}

test("a counter: reads take all of it, writes add to it, up to 2^64 - 2", () => {
  runApp(kernel, function* (process) {
    const fd = yield* make(process, 3, O_NONBLOCK);
    assert.equal(yield* take(process, fd), 3n);
    assert.equal(yield* take(process, fd), -EAGAIN);
    assert.equal(yield* addTo(process, fd, 5n), 8);
    assert.equal(yield* addTo(process, fd, 2n ** 40n), 8);
    assert.equal(yield* addTo(process, fd, 0n), 8);
    assert.equal(yield* take(process, fd), 2n ** 40n + 5n);
    assert.equal(yield* events(process, fd), POLLOUT);
    assert.equal(yield* addTo(process, fd, MAXIMUM - 1n), 8);
    assert.equal(yield* events(process, fd), POLLIN | POLLOUT);
    assert.equal(yield* addTo(process, fd, 2n), -EAGAIN);
    assert.equal(yield* addTo(process, fd, 1n), 8);
    assert.equal(yield* events(process, fd), POLLIN);
    assert.equal(yield* addTo(process, fd, 1n), -EAGAIN);
    assert.equal(yield* addTo(process, fd, 0n), 8);
    assert.equal(yield* addTo(process, fd, 2n ** 64n - 1n), -EINVAL);
    assert.equal(yield* take(process, fd), MAXIMUM);
    const top = yield* make(process, -1, O_NONBLOCK); // 2^32 - 1
    assert.equal(yield* take(process, top), 2n ** 32n - 1n);
  });
});

test("a semaphore: each read takes 1", () => {
  runApp(kernel, function* (process) {
    const fd = yield* make(process, 2, EFD_SEMAPHORE | O_NONBLOCK);
    const twin = yield* process.call("posix_dup", fd);
    assert.equal(yield* take(process, fd), 1n);
    assert.equal(yield* take(process, twin), 1n);
    assert.equal(yield* take(process, fd), -EAGAIN);
    yield* addTo(process, fd, 1n);
    assert.equal(yield* take(process, twin), 1n);
  });
});

test("who reads waits for a write, who writes for room, each until all have gone on that can", () => {
  runApp(kernel, function* (process) {
    const fd = yield* make(process, 0, EFD_SEMAPHORE);
    const got: unknown[] = [];
    const readers = [];
    for (let i = 0; i < 3; i++) {
      readers.push(
        yield* process.thread(function* () {
          got.push(yield* take(process, fd, BUFFER + 100 * (i + 1)));
        }),
      );
    }
    yield* process.settle();
    yield* addTo(process, fd, 2n);
    yield* process.settle();
    assert.deepEqual([...got], [1n, 1n]);
    yield* addTo(process, fd, MAXIMUM);
    yield* process.join(...readers);
    assert.equal(got.length, 3);
    const writer = yield* process.thread(function* () {
      got.push(yield* addTo(process, fd, 5n, BUFFER + 1000));
    });
    yield* process.settle();
    for (let i = 0; i < 3; i++) assert.equal(yield* take(process, fd), 1n);
    yield* process.settle();
    assert.equal(got.length, 3, "4 have room: that is too little");
    assert.equal(yield* take(process, fd), 1n);
    yield* process.join(writer);
    assert.equal(got.at(-1), 8);
  });
});

test("an epoll is told of each write and read", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const fd = yield* make(process, 0, O_NONBLOCK);
    yield* add(process, ep, fd, EPOLLIN | EPOLLET);
    assert.deepEqual(yield* wait(process, ep), []);
    for (let i = 0; i < 3; i++) {
      yield* addTo(process, fd, 1n);
      assert.deepEqual(yield* wait(process, ep), [[fd, EPOLLIN]]);
      assert.deepEqual(yield* wait(process, ep), []);
    }
    yield* addTo(process, fd, MAXIMUM - 3n);
    yield* process.call("posix_epoll_ctl", ep, 2, fd, 0);
    yield* add(process, ep, fd, EPOLLOUT);
    assert.deepEqual(yield* wait(process, ep), []);
    yield* take(process, fd);
    assert.deepEqual(yield* wait(process, ep), [[fd, EPOLLOUT]]);
    yield* close(process, fd);
    assert.deepEqual(yield* wait(process, ep), []);
  });
});

test("arguments that are refused, and what the descriptor is for other calls", () => {
  runApp(kernel, function* (process) {
    for (const flags of [2, 4, -1, 0x40]) assert.equal(yield* process.call("posix_eventfd", 0, flags), -EINVAL);
    const fd = yield* make(process, 1, O_CLOEXEC | O_NONBLOCK);
    assert.equal(yield* process.call("posix_fcntl", fd, F_GETFD, 0), 1);
    assert.equal(yield* process.call("posix_fcntl", fd, F_GETFL, 0), 2 | O_NONBLOCK);
    for (const length of [0, 1, 7]) {
      assert.equal(yield* process.call("posix_read", fd, BUFFER, length), -EINVAL);
      assert.equal(yield* process.call("posix_write", fd, BUFFER, length), -EINVAL);
    }
    for (const at of [0, 0x7fff_fff0]) {
      assert.equal(yield* process.call("posix_read", fd, at, 8), -EFAULT);
      assert.equal(yield* process.call("posix_write", fd, at, 8), -EFAULT);
    }
    assert.equal(yield* process.call("posix_read", fd, BUFFER, 100), 8, "no more than the number");
    assert.equal(yield* process.call("posix_fstat", fd, SMALL), 0);
    assert.equal(process.get(SMALL, 4).readUInt32LE(), 0o600);
    assert.equal(yield* process.call("posix_lseek", fd, 3n, 0), 0);
    assert.equal(yield* process.call("posix_pread", fd, BUFFER, 8, 0n), -29);
    yield* close(process, fd);
    const before = yield* freeMemory(process);
    while ((yield* process.call("posix_dup", 0)) < 1023);
    for (let i = 0; i < 1000; i++) assert.equal(yield* process.call("posix_eventfd", 0, 0), -EMFILE);
    assert.equal(yield* freeMemory(process), before);
  });
});
