// epoll in an app that may fork: pipes that other processes have, too, and what a child begins with.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EPOLLET, EPOLLHUP, EPOLLIN, EPOLLONESHOT, EPOLLOUT } from "../unit/posix/epolls.ts";
import { fakeKernel } from "../support/fake.ts";
import type { Calls, Piece } from "./calls.ts";
import { EVENT } from "./forkd.ts";
import { fork, runProcess, type Scene } from "./process.ts";

const O_NONBLOCK = 0x800;
const [ENDS, DATA, EVENTS] = [0x3000, 0x4000, 0x5000];

const kernel = await fakeKernel();

function run(body: (scene: Scene) => Piece<void>): void {
  runProcess(kernel, body);
}

function* pipe(calls: Calls): Piece<readonly [number, number]> {
  assert.equal(yield* calls.call("posix_pipe", ENDS, O_NONBLOCK), 0);
  const ends = calls.get(ENDS, 8);
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}

function* add(calls: Calls, ep: number, fd: number, events: number): Piece<void> {
  const event = Buffer.alloc(16);
  event.writeUInt32LE(events >>> 0);
  event.writeInt32LE(fd, 8);
  calls.put(EVENTS, event);
  assert.equal(yield* calls.call("posix_epoll_ctl", ep, 1, fd, EVENTS), 0);
}

function* wait(calls: Calls, ep: number, nanoseconds = 0n): Piece<(readonly [number, number])[]> {
  const count = yield* calls.call("posix_epoll_wait", ep, EVENTS, 16, nanoseconds);
  assert.ok(count >= 0, `epoll_wait: ${count}`);
  const bytes = calls.get(EVENTS, count * 16);
  return Array.from({ length: count }, (_, i) => [bytes.readInt32LE(i * 16 + 8), bytes.readUInt32LE(i * 16)]);
}

test("both ends of a pipe of several processes, level-triggered and edge-triggered", () => {
  run(function* ({ calls }) {
    const ep = yield* calls.call("posix_epoll_create", 0);
    const [reader, writer] = yield* pipe(calls);
    yield* add(calls, ep, reader, EPOLLIN | EPOLLET);
    yield* add(calls, ep, writer, EPOLLOUT);
    assert.deepEqual(yield* wait(calls, ep), [[writer, EPOLLOUT]]);
    assert.equal(yield* calls.call("posix_write", writer, DATA, 7000), 7000);
    assert.deepEqual(yield* wait(calls, ep), [[reader, EPOLLIN]], "it is full");
    assert.deepEqual(yield* wait(calls, ep), []);
    assert.equal(yield* calls.call("posix_read", reader, DATA, 6000), 6000);
    assert.deepEqual(yield* wait(calls, ep), [[writer, EPOLLOUT]]);
    assert.equal(yield* calls.call("posix_write", writer, DATA, 1), 1);
    assert.deepEqual(
      (yield* wait(calls, ep)).toSorted(([a], [b]) => a - b),
      [
        [reader, EPOLLIN],
        [writer, EPOLLOUT],
      ],
    );
  });
});

test("the end of the last writer is heard, though what it wrote was told and is still there", () => {
  run(function* ({ calls, host, forkd }) {
    const ep = yield* calls.call("posix_epoll_create", 0);
    const [reader, writer] = yield* pipe(calls);
    yield* add(calls, ep, reader, EPOLLIN | EPOLLET);
    forkd.answers = [2];
    assert.equal(yield* fork(calls), 2);
    yield* calls.call("posix_write", writer, DATA, 3);
    yield* calls.call("posix_close", writer);
    assert.deepEqual(yield* wait(calls, ep), [[reader, EPOLLIN]]);
    host.world.after(1e9, () => forkd.tell(EVENT.gone, 2, 0));
    // It has asked to be woken for what comes beside that. The child has no doorbell yet, so it looks again after a while (pipe/shared/patience.ts).
    assert.deepEqual(yield* wait(calls, ep, 500_000_000n), [[reader, EPOLLIN]], "some of it is still there");
    assert.equal(yield* calls.call("posix_read", reader, DATA, 3), 3);
    assert.deepEqual(yield* wait(calls, ep, -1n), [[reader, EPOLLHUP]]);
  });
});

test("a child looks at everything once: what was told its parent, but for what was to be told once", () => {
  run(function* ({ calls }) {
    const ep = yield* calls.call("posix_epoll_create", 0);
    const [reader, writer] = yield* pipe(calls);
    const counter = yield* calls.call("posix_eventfd", 1, O_NONBLOCK);
    yield* add(calls, ep, reader, EPOLLIN);
    yield* add(calls, ep, writer, EPOLLOUT | EPOLLET);
    yield* add(calls, ep, counter, EPOLLIN | EPOLLONESHOT);
    assert.equal((yield* wait(calls, ep)).length, 2);
    assert.deepEqual(yield* wait(calls, ep), []);
    yield* calls.call("epollForked"); // what posix_fork does in the child
    assert.deepEqual(yield* wait(calls, ep), [[writer, EPOLLOUT]]);
    assert.deepEqual(yield* wait(calls, ep), []);
    yield* calls.call("posix_write", writer, DATA, 1);
    assert.deepEqual(yield* wait(calls, ep), [[reader, EPOLLIN]]);
  });
});
