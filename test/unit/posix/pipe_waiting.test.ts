// Pipes between threads, on the real kernel under Node: streams, atomic writes, and who waits for what.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { Random } from "../../support/random.ts";
import { runApp } from "./machine.ts";
import {
  CAPACITY,
  EINTR,
  EPIPE,
  PIPE_BUF,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  SIGUSR1,
  bytes,
  pipe,
  read,
  write,
} from "./pipes.ts";

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

/** Where thread `index` may put data: each has room for one piece. */
const PIECE = 12_000;
function place(index: number): number {
  return BUFFER + index * PIECE;
}

for (const seed of [1, 2, 3]) {
  test(`a stream through three threads arrives as it was sent, seed ${seed}`, () => {
    const random = new Random(seed);
    const total = 600_000;
    runApp(kernel, function* (process) {
      const [first, second] = [yield* pipe(process), yield* pipe(process)];
      const [sent, received] = [createHash("sha256"), createHash("sha256")];
      const length = (): number => random.between(1, random.between(0, 3) === 0 ? PIECE : 700);
      let arrived = 0;
      const source = yield* process.thread(function* () {
        for (let left = total; left > 0;) {
          const data = bytes(Math.min(left, length()), left);
          assert.equal(yield* write(process, first.writer, data, place(0)), data.length);
          sent.update(data);
          left -= data.length;
        }
        yield* process.call("posix_close", first.writer);
      });
      const relay = yield* process.thread(function* () {
        for (;;) {
          const data = yield* read(process, first.reader, length(), place(1));
          assert.ok(typeof data !== "number");
          if (data.length === 0) break;
          assert.equal(yield* process.call("posix_write", second.writer, place(1), data.length), data.length);
        }
        yield* process.call("posix_close", second.writer);
      });
      const sink = yield* process.thread(function* () {
        for (;;) {
          const data = yield* read(process, second.reader, length(), place(2));
          assert.ok(typeof data !== "number");
          if (data.length === 0) return;
          received.update(data);
          arrived += data.length;
        }
      });
      yield* process.join(source, relay, sink);
      assert.equal(arrived, total);
      assert.equal(received.digest("hex"), sent.digest("hex"));
    });
  });
}

test("what several threads write in up to PIPE_BUF bytes is not mixed, and comes in each one's order", () => {
  const random = new Random(11);
  const [WRITERS, RECORDS] = [4, 60];
  runApp(kernel, function* (process) {
    const { reader, writer } = yield* pipe(process);
    const threads = [];
    for (let w = 0; w < WRITERS; w++) {
      threads.push(
        yield* process.thread(function* () {
          for (let i = 0; i < RECORDS; i++) {
            const record = Buffer.alloc(random.between(4, PIPE_BUF), w * 64 + i);
            record.writeUInt16LE(record.length);
            assert.equal(yield* write(process, writer, record, place(w)), record.length);
          }
        }),
      );
    }
    const next = new Array<number>(WRITERS).fill(0);
    let rest = Buffer.alloc(0);
    for (let records = 0; records < WRITERS * RECORDS;) {
      const data = yield* read(process, reader, random.between(1, 9000), place(5));
      assert.ok(typeof data !== "number");
      rest = Buffer.concat([rest, data]);
      while (rest.length >= 2 && rest.length >= rest.readUInt16LE()) {
        const record = rest.subarray(2, rest.readUInt16LE());
        rest = rest.subarray(rest.readUInt16LE());
        const mark = record[0] ?? 0;
        assert.ok(
          record.every((byte) => byte === mark),
          "a record in pieces",
        );
        assert.equal(mark % 64, next[mark >> 6]);
        next[mark >> 6] = (mark % 64) + 1;
        records++;
      }
    }
    yield* process.join(...threads);
  });
});

test("who waits hears of data, room and the end", () => {
  runApp(kernel, function* (process) {
    const { reader, writer } = yield* pipe(process);
    const heard: string[] = [];
    const threads = [
      yield* process.thread(function* () {
        for (;;) {
          const data = yield* read(process, reader, 100, place(1));
          assert.ok(typeof data !== "number");
          heard.push(String(data));
          if (data.length === 0) return;
        }
      }),
    ];
    yield* process.settle();
    for (const word of ["one", "two"]) {
      yield* write(process, writer, Buffer.from(word));
      yield* process.settle();
    }
    yield* process.call("posix_close", writer);
    yield* process.join(...threads);
    assert.deepEqual(heard, ["one", "two", ""]);

    const other = yield* pipe(process);
    const results: number[] = [];
    const fill = yield* process.thread(function* () {
      results.push(yield* write(process, other.writer, bytes(CAPACITY + 10_000), BUFFER));
      results.push(yield* process.call("posix_write", other.writer, BUFFER, CAPACITY));
      results.push(yield* process.call("posix_write", other.writer, BUFFER, 1));
    });
    yield* process.settle();
    assert.deepEqual(results, []);
    yield* process.call("posix_read", other.reader, BUFFER, 11_000);
    yield* process.settle();
    assert.deepEqual(results, [CAPACITY + 10_000]);
    yield* process.call("posix_close", other.reader);
    yield* process.join(fill);
    assert.deepEqual(results, [CAPACITY + 10_000, 1000, -EPIPE], "what had gone counts");
  });
});

test("poll wakes for data, room, and each end's end", () => {
  runApp(kernel, function* (process) {
    const awaited = function* (fd: number, action: () => Piece<unknown>): Piece<number> {
      let returned = -1;
      const waiter = yield* process.thread(function* () {
        process.put(place(4), Buffer.from([fd, 0, 0, 0, POLLIN | POLLOUT, 0, 0, 0]));
        assert.equal(yield* process.call("posix_poll", place(4), 1, -1n), 1);
        returned = process.get(place(4) + 6, 2).readUInt16LE() & 0x1f;
      });
      yield* process.settle();
      assert.equal(returned, -1, "nothing to tell yet");
      yield* action();
      yield* process.join(waiter);
      return returned;
    };
    const one = yield* pipe(process);
    assert.equal(yield* awaited(one.reader, () => write(process, one.writer, bytes(1))), POLLIN);
    yield* read(process, one.reader, 1);
    assert.equal(yield* awaited(one.reader, () => process.call("posix_close", one.writer)), POLLHUP);
    yield* process.call("posix_close", one.reader);
    const two = yield* pipe(process);
    yield* write(process, two.writer, bytes(CAPACITY));
    const drain = (): Piece<unknown> => read(process, two.reader, PIPE_BUF);
    assert.equal(yield* awaited(two.writer, drain), POLLOUT);
    yield* write(process, two.writer, bytes(PIPE_BUF));
    assert.equal(yield* awaited(two.writer, () => process.call("posix_close", two.reader)), POLLERR);
  });
});

test("a close does not take an end from under a call that waits in it", () => {
  runApp(kernel, function* (process) {
    const { reader, writer } = yield* pipe(process);
    let got: Buffer | number = -1;
    const waiter = yield* process.thread(function* () {
      got = yield* read(process, reader, 100, place(1));
    });
    yield* process.settle();
    assert.equal(yield* process.call("posix_close", reader), 0);
    assert.equal(yield* write(process, writer, Buffer.from("still")), 5);
    yield* process.join(waiter);
    assert.deepEqual(got, Buffer.from("still"));
    assert.equal(yield* write(process, writer, Buffer.from("gone")), -EPIPE);
  });
});

test("a signal's handler ends a wait; what had gone counts", () => {
  runApp(kernel, function* (process) {
    const { reader, writer } = yield* pipe(process);
    const caught = yield* process.catches(SIGUSR1, function* () {
      yield* process.call("posix_getpid");
      return 0;
    });
    assert.equal(caught, 0);
    const interrupt = function* (): Piece<void> {
      const pid = yield* process.call("posix_getpid");
      yield* process.call("posix_kill", pid, SIGUSR1);
    };
    yield* process.thread(interrupt);
    assert.equal(yield* read(process, reader, 1), -EINTR);
    yield* process.thread(interrupt);
    assert.equal(yield* write(process, writer, bytes(CAPACITY + 1)), CAPACITY);
    yield* process.thread(interrupt);
    assert.equal(yield* write(process, writer, bytes(1)), -EINTR);
  });
});
