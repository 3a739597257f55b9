// Epolls that are watched: by poll, by select, and by other epolls; circles and depths.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import {
  ELOOP,
  EPOLLET,
  EPOLLIN,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  TOLD,
  add,
  close,
  control,
  epoll,
  wait,
} from "./epolls.ts";
import { EINVAL, type Process, runApp } from "./machine.ts";
import { O_NONBLOCK, POLLIN, SMALL, events, pipe, read, write } from "./pipes.ts";

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

/** Epolls of which each watches the next; the last one watches `fd`. */
function* chain(process: Process, length: number, fd: number, manner = 0): Piece<number[]> {
  const epolls: number[] = [];
  for (let i = 0; i < length; i++) epolls.push(yield* epoll(process));
  for (let i = length - 1; i >= 0; i--) yield* add(process, epolls[i] ?? 0, epolls[i + 1] ?? fd, EPOLLIN | manner);
  return epolls;
}

test("an epoll is readable while something that it watches is ready, for poll and select", () => {
  runApp(kernel, function* (process) {
    const ep = yield* epoll(process);
    const { reader, writer } = yield* pipe(process);
    yield* add(process, ep, reader, EPOLLIN);
    assert.equal(yield* events(process, ep), 0);
    const results: number[] = [];
    const poller = yield* process.thread(function* () {
      process.put(SMALL + 64, Buffer.from([ep, 0, 0, 0, POLLIN, 0, 0, 0]));
      results.push(yield* process.call("posix_poll", SMALL + 64, 1, -1n));
    });
    const selector = yield* process.thread(function* () {
      const set = Buffer.alloc(128);
      set.writeUInt8(1 << ep);
      process.put(SMALL + 128, set);
      results.push(yield* process.call("posix_select", ep + 1, SMALL + 128, 0, 0, -1n));
    });
    yield* process.settle();
    assert.deepEqual(results, []);
    yield* write(process, writer, Buffer.from("x"));
    yield* process.join(poller, selector);
    assert.deepEqual(results, [1, 1]);
    assert.equal(yield* events(process, ep), POLLIN);
    assert.deepEqual(yield* wait(process, ep), [[reader, EPOLLIN]]);
    assert.equal(yield* events(process, ep), POLLIN);
    yield* read(process, reader, 1);
    assert.equal(yield* events(process, ep), 0);
  });
});

for (const [title, manner] of [
  ["level-triggered", 0],
  ["edge-triggered", EPOLLET],
] as const) {
  test(`five epolls one on the other, ${title}: the outermost hears of everything`, () => {
    runApp(kernel, function* (process) {
      const { reader, writer } = yield* pipe(process, O_NONBLOCK);
      const epolls = yield* chain(process, 5, reader, manner);
      const [outer = 0, second = 0] = epolls;
      assert.deepEqual(yield* wait(process, outer), []);
      for (let i = 0; i < 3; i++) {
        let told: unknown;
        const waiter = yield* process.thread(function* () {
          told = yield* wait(process, outer, -1n, 64, TOLD + 4096);
        });
        yield* process.settle();
        yield* write(process, writer, Buffer.from("x"));
        yield* process.join(waiter);
        assert.deepEqual(told, [[second, EPOLLIN]]);
        assert.equal((yield* wait(process, outer)).length, manner === 0 ? 1 : 0);
        yield* read(process, reader, 1);
        if (manner === 0) assert.deepEqual(yield* wait(process, outer), []);
      }
    });
  });
}

test("what is still in the ready list of an epoll does not keep the one that watches it edge-triggered from hearing more", () => {
  runApp(kernel, function* (process) {
    const { reader, writer } = yield* pipe(process, O_NONBLOCK);
    const inner = yield* epoll(process);
    const outer = yield* epoll(process);
    yield* add(process, inner, reader, EPOLLIN);
    yield* add(process, outer, inner, EPOLLIN | EPOLLET);
    for (let i = 0; i < 3; i++) {
      yield* write(process, writer, Buffer.from("x"));
      assert.deepEqual(yield* wait(process, outer), [[inner, EPOLLIN]]);
      assert.deepEqual(yield* wait(process, inner), [[reader, EPOLLIN]]);
      yield* read(process, reader, 100);
    }
  });
});

test("ways that meet: an epoll that is reached by several is told once, and all hear", () => {
  runApp(kernel, function* (process) {
    const { reader, writer } = yield* pipe(process);
    const bottom = yield* epoll(process);
    yield* add(process, bottom, reader, EPOLLIN);
    const top = yield* epoll(process);
    const middle: number[] = [];
    for (let i = 0; i < 3; i++) {
      const ep = yield* epoll(process);
      yield* add(process, ep, bottom, EPOLLIN);
      yield* add(process, top, ep, EPOLLIN);
      middle.push(ep);
    }
    yield* write(process, writer, Buffer.from("x"));
    assert.deepEqual(
      (yield* wait(process, top)).map(([data]) => data),
      middle,
    );
    yield* close(process, bottom);
    assert.deepEqual(yield* wait(process, top), [], "its entries have gone");
    yield* close(process, ...middle);
    assert.deepEqual(yield* wait(process, top), []);
  });
});

test("circles and what is too deep are refused", () => {
  runApp(kernel, function* (process) {
    const { reader } = yield* pipe(process);
    const [one = 0, two = 0, three = 0, four = 0, five = 0] = yield* chain(process, 5, reader);
    const watch = (epfd: number, fd: number): Piece<number> => control(process, epfd, EPOLL_CTL_ADD, fd, EPOLLIN);
    assert.equal(yield* watch(one, one), -EINVAL);
    const twin = yield* process.call("posix_dup", one);
    assert.equal(yield* watch(one, twin), -EINVAL);
    for (const fd of [one, two, three, four]) assert.equal(yield* watch(five, fd), -ELOOP, "a circle");
    assert.equal(yield* watch(three, one), -ELOOP);
    const six = yield* epoll(process);
    assert.equal(yield* watch(six, one), -ELOOP, "six, from above");
    assert.equal(yield* watch(five, six), -ELOOP, "six, from below");
    assert.equal(yield* watch(six, two), 0);
    assert.equal(yield* watch(four, six), -ELOOP);
    assert.equal(yield* control(process, six, EPOLL_CTL_DEL, two, 0), 0);
    assert.equal(yield* watch(four, six), 0);
    assert.equal(yield* watch(one, five), 0, "not deeper than it was");
    yield* close(process, three);
    assert.equal(yield* watch(five, one), -ELOOP, "one watches five");
    assert.equal(yield* control(process, one, EPOLL_CTL_DEL, five, 0), 0);
    assert.equal(yield* watch(five, one), 0, "there is no way from one to five any more");
    assert.equal(yield* watch(two, four), -ELOOP, "four watches five watches one watches two");
  });
});
