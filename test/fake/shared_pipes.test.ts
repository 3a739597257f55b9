// Pipes of an app that may fork, as one process sees them: within itself, and with a child of which forkd only tells.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeKernel } from "../support/fake.ts";
import type { Calls, Piece } from "./calls.ts";
import { EVENT } from "./forkd.ts";
import { fork, runProcess, type Scene } from "./process.ts";

const [EAGAIN, EPIPE] = [11, 32];
const O_NONBLOCK = 0x800;
const [POLLIN, POLLOUT, POLLERR, POLLHUP] = [1, 4, 8, 16];
const [ENDS, DATA, SMALL] = [0x3000, 0x4000, 0x3100];
const PIPE_BUF = 4096;
const FIONREAD = 0x541b;
const CAPACITY = 7168;

const kernel = await fakeKernel();

function run(body: (scene: Scene) => Piece<void>): void {
  runProcess(kernel, body);
}

function* pipe(calls: Calls, flags = 0): Piece<readonly [number, number]> {
  assert.equal(yield* calls.call("posix_pipe", ENDS, flags), 0);
  const ends = calls.get(ENDS, 8);
  return [ends.readInt32LE(0), ends.readInt32LE(4)];
}

function* events(calls: Calls, fd: number): Piece<number> {
  calls.put(SMALL, Buffer.from([fd, 0, 0, 0, POLLIN | POLLOUT, 0, 0, 0]));
  yield* calls.call("posix_poll", SMALL, 1, 0n);
  return calls.get(SMALL + 6, 2).readUInt16LE() & (POLLIN | POLLOUT | POLLERR | POLLHUP);
}

test("within one process they are as other pipes, but for how much they hold", () => {
  run(function* ({ calls }) {
    const [reader, writer] = yield* pipe(calls, O_NONBLOCK);
    const write = (count: number): Piece<number> => calls.call("posix_write", writer, DATA, count);
    const read = (count: number): Piece<number> => calls.call("posix_read", reader, DATA, count);
    assert.equal(yield* read(1), -EAGAIN);
    assert.equal(yield* events(calls, reader), 0);
    assert.equal(yield* events(calls, writer), POLLOUT);
    assert.equal(yield* write(CAPACITY + 1), CAPACITY);
    assert.equal(yield* write(1), -EAGAIN);
    assert.equal(yield* read(PIPE_BUF - 1), PIPE_BUF - 1);
    for (const end of [reader, writer]) {
      assert.equal(yield* calls.call("posix_ioctl", end, FIONREAD, SMALL), 0);
      assert.equal(calls.get(SMALL, 4).readInt32LE(), CAPACITY - PIPE_BUF + 1);
    }
    assert.equal(yield* events(calls, writer), 0);
    assert.equal(yield* write(PIPE_BUF), -EAGAIN, "not in part");
    assert.equal(yield* read(1), 1);
    assert.equal(yield* events(calls, writer), POLLOUT);
    assert.equal(yield* write(PIPE_BUF), PIPE_BUF);
    yield* calls.call("posix_close", writer);
    assert.equal(yield* events(calls, reader), POLLIN | POLLHUP);
    assert.equal(yield* read(2 * CAPACITY), CAPACITY);
    assert.equal(yield* read(1), 0);
    yield* calls.call("posix_close", reader);
    const [otherReader, otherWriter] = yield* pipe(calls);
    yield* calls.call("posix_close", otherReader);
    assert.equal(yield* events(calls, otherWriter), POLLOUT | POLLERR);
    assert.equal(yield* calls.call("posix_write", otherWriter, DATA, 1), -EPIPE);
  });
});

test("a child's ends count from the fork to its end, and only if there was one", () => {
  run(function* ({ calls, host, forkd }) {
    const [reader, writer] = yield* pipe(calls);
    forkd.answers = [-EAGAIN, 2, 3];
    assert.equal(yield* fork(calls), -EAGAIN);
    assert.equal(yield* fork(calls), 2);
    assert.equal(yield* fork(calls), 3);
    assert.equal(yield* calls.call("posix_write", writer, DATA, 5), 5);
    yield* calls.call("posix_close", writer);
    assert.equal(yield* calls.call("posix_read", reader, DATA, 9), 5);
    assert.equal(yield* events(calls, reader), 0, "two children could write");
    forkd.tell(EVENT.gone, 2, 0);
    yield* calls.sleep(0.01);
    assert.equal(yield* events(calls, reader), 0, "one could");
    host.world.after(3e9, () => forkd.tell(EVENT.gone, 3, 0));
    assert.equal(yield* calls.call("posix_read", reader, DATA, 9), 0, "the end is waited for");
    assert.equal(yield* events(calls, reader), POLLHUP);
  });
});

test("a child to which everything was copied has no end of the parent's pipe", () => {
  run(function* ({ calls, forkd }) {
    const [reader, writer] = yield* pipe(calls);
    forkd.answers = [2];
    forkd.beforeAnswer = () => forkd.made(1);
    assert.equal(yield* fork(calls), 2);
    yield* calls.call("posix_close", writer);
    assert.equal(yield* calls.call("posix_read", reader, DATA, 1), 0);
  });
});

test("300 pipes one after another, and as many at once as there are places", () => {
  run(function* ({ calls }) {
    for (let i = 0; i < 300; i++) {
      const [reader, writer] = yield* pipe(calls);
      assert.equal(yield* calls.call("posix_write", writer, DATA, 10 + i), 10 + i);
      assert.equal(yield* calls.call("posix_read", reader, DATA, 1000), 10 + i);
      for (const fd of [reader, writer]) assert.equal(yield* calls.call("posix_close", fd), 0);
    }
    let made = 0;
    while ((yield* calls.call("posix_pipe", ENDS, 0)) === 0) made += 1;
    assert.equal(made, 256);
  });
});
