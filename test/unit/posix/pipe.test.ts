// Pipes against pipe(7), on the real kernel under Node: errors, ends, readiness, atomic writes, and streams between threads.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { Random } from "../../support/random.ts";
import { EBADF, EFAULT, EINVAL, EMFILE, ENOTDIR, type Process, runApp } from "./machine.ts";

const [EINTR, EAGAIN, ENFILE, ESPIPE, EPIPE, ENOTSOCK] = [4, 11, 23, 29, 32, 88];
const [O_WRONLY, O_NONBLOCK, O_DIRECT, O_CLOEXEC] = [1, 0x800, 0x4000, 0x80000];
const [F_GETFD, F_GETFL, F_SETFL] = [1, 3, 4];
const [POLLIN, POLLOUT, POLLERR, POLLHUP] = [1, 4, 8, 16];
const S_IFIFO = 0x1000;
const SIGUSR1 = 10;
/** An app's word for a handler: neither SIG_DFL nor SIG_IGN. */
const HANDLER = 2;
const PIPE_BUF = 4096;
const CAPACITY = 65536;
/** MiB. */
const SMALL_DOMAIN = 4;
/** Below where apps put data. */
const ENDS = 0x3000;
const SMALL = 0x3100;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

interface Pipe {
  readonly reader: number;
  readonly writer: number;
}

function* pipe(process: Process, flags = 0): Piece<Pipe> {
  assert.equal(yield* process.call("posix_pipe", ENDS, flags), 0);
  const ends = process.get(ENDS, 8);
  return { reader: ends.readInt32LE(0), writer: ends.readInt32LE(4) };
}

/** Writes `bytes` from `at` of app memory. */
function write(process: Process, fd: number, bytes: Uint8Array, at = BUFFER): Piece<number> {
  process.put(at, bytes);
  return process.call("posix_write", fd, at, bytes.length);
}

/** What a read of `count` bytes to `at` of app memory gets, or its error. */
function* read(process: Process, fd: number, count: number, at = BUFFER): Piece<Buffer | number> {
  const length = yield* process.call("posix_read", fd, at, count);
  return length < 0 ? length : process.get(at, length);
}

/** revents of `fd` for all events, now. */
function* events(process: Process, fd: number): Piece<number> {
  process.put(SMALL, Buffer.from([fd, 0, 0, 0, POLLIN | POLLOUT, 0, 0, 0]));
  yield* process.call("posix_poll", SMALL, 1, 0n);
  return process.get(SMALL + 6, 2).readUInt16LE() & (POLLIN | POLLOUT | POLLERR | POLLHUP);
}

/** Free memory of the domain in bytes. */
function* freeMemory(process: Process): Piece<bigint> {
  yield* process.call("posix_sysinfo", SMALL);
  return process.get(SMALL + 16, 8).readBigUInt64LE();
}

function bytes(length: number, seed = 1): Buffer {
  return Buffer.from(new Random(seed).bytes(length));
}

test("the two descriptors: numbers, modes, status", () => {
  runApp(kernel, function* (process) {
    assert.deepEqual(yield* pipe(process), { reader: 3, writer: 4 });
    assert.deepEqual(yield* pipe(process, O_NONBLOCK | O_CLOEXEC), { reader: 5, writer: 6 });
    const flags: number[] = [];
    for (const fd of [3, 4, 5, 6]) {
      flags.push(
        yield* process.call("posix_fcntl", fd, F_GETFL, 0),
        yield* process.call("posix_fcntl", fd, F_GETFD, 0),
      );
      assert.equal(yield* process.call("posix_fstat", fd, BUFFER), 0);
      assert.equal(process.get(BUFFER, 4).readUInt32LE(), S_IFIFO | 0o600);
      assert.equal(process.get(BUFFER + 8, 8).readBigInt64LE(), 0n);
    }
    assert.deepEqual(flags, [0, 0, O_WRONLY, 0, O_NONBLOCK, 1, O_NONBLOCK | O_WRONLY, 1]);
    for (const fd of [3, 5]) yield* process.call("posix_close", fd);
    assert.deepEqual(yield* pipe(process), { reader: 3, writer: 5 });
  });
});

test("what cannot be made is refused, and leaves nothing behind", () => {
  runApp(kernel, function* (process) {
    for (const flags of [1, 2, O_DIRECT, 0x80, -1]) {
      assert.equal(yield* process.call("posix_pipe", ENDS, flags), -EINVAL);
    }
    const size = (yield* process.call("app_memory_size")) * 65536;
    for (const address of [0, 1, PIPE_BUF - 8, size - 7, size, 0x7fff_ffff, -8]) {
      assert.equal(yield* process.call("posix_pipe", address, 0), -EFAULT);
    }
    const { reader, writer } = yield* pipe(process);
    const before = yield* freeMemory(process);
    assert.equal(yield* process.call("posix_dup2", reader, 1023), 1023);
    while ((yield* process.call("posix_dup", reader)) < 1022);
    assert.equal(yield* process.call("posix_pipe", ENDS, 0), -EMFILE, "none free");
    yield* process.call("posix_close", 7);
    assert.equal(yield* process.call("posix_pipe", ENDS, 0), -EMFILE, "one free");
    assert.equal(yield* process.call("posix_dup", reader), 7, "the one is free again");
    for (let fd = 5; fd < 1024; fd++) yield* process.call("posix_close", fd);
    for (let i = 0; i < 3000; i++) {
      const made = yield* pipe(process);
      yield* write(process, made.writer, bytes(i % 3 === 0 ? 20_000 : 10));
      for (const fd of i % 2 === 0 ? [made.reader, made.writer] : [made.writer, made.reader]) {
        assert.equal(yield* process.call("posix_close", fd), 0);
      }
    }
    assert.equal(yield* freeMemory(process), before);
    assert.equal(yield* write(process, writer, bytes(5)), 5);
  });
});

test("calls that make no sense on a pipe, or on this end of it", () => {
  runApp(kernel, function* (process) {
    const { reader, writer } = yield* pipe(process);
    assert.equal(yield* write(process, reader, bytes(1)), -EBADF);
    assert.equal(yield* read(process, writer, 1), -EBADF);
    assert.equal(yield* process.call("posix_write", reader, BUFFER, 0), -EBADF);
    assert.equal(yield* process.call("posix_read", writer, BUFFER, 0), -EBADF);
    for (const fd of [reader, writer]) {
      assert.equal(yield* process.call("posix_lseek", fd, 0n, 0), -ESPIPE);
      assert.equal(yield* process.call("posix_pread", fd, BUFFER, 1, 0n), -ESPIPE);
      assert.equal(yield* process.call("posix_getdents", fd, BUFFER, 100), -ENOTDIR);
      assert.equal(yield* process.call("posix_listen", fd, 1), -ENOTSOCK);
      assert.equal(yield* process.call("posix_recvfrom", fd, BUFFER, 1, 0, 0), -ENOTSOCK);
      assert.equal(yield* process.call("posix_getsockopt", fd, 1, 3, BUFFER, 4), -ENOTSOCK);
    }
    for (const address of [0, -1, 0x7000_0000]) {
      assert.equal(yield* process.call("posix_write", writer, address, 1), -EFAULT);
      assert.equal(yield* process.call("posix_read", reader, address, 1), -EFAULT);
    }
    assert.equal(yield* process.call("posix_read", reader, BUFFER, 0), 0, "nothing asked for");
    assert.equal(yield* process.call("posix_write", writer, BUFFER, 0), 0);
    for (const fd of [reader, writer]) yield* process.call("posix_close", fd);
    assert.equal(yield* read(process, reader, 1), -EBADF);
    assert.equal(yield* write(process, writer, bytes(1)), -EBADF);
  });
});

test("the ends: what is there is read before the end, EPIPE without a reader, duplicates count", () => {
  runApp(kernel, function* (process) {
    const one = yield* pipe(process);
    const second = yield* process.call("posix_dup", one.writer);
    yield* write(process, one.writer, Buffer.from("left"));
    yield* process.call("posix_close", one.writer);
    yield* process.call("posix_fcntl", one.reader, F_SETFL, O_NONBLOCK);
    assert.deepEqual(yield* read(process, one.reader, 2), Buffer.from("le"));
    assert.deepEqual(yield* read(process, one.reader, 9), Buffer.from("ft"));
    assert.equal(yield* read(process, one.reader, 9), -EAGAIN, "a writer is left");
    yield* process.call("posix_close", second);
    for (let i = 0; i < 2; i++) assert.deepEqual(yield* read(process, one.reader, 9), Buffer.alloc(0));

    const two = yield* pipe(process);
    assert.equal(yield* process.call("posix_dup2", two.reader, one.reader), one.reader);
    yield* process.call("posix_close", two.reader);
    assert.equal(yield* write(process, two.writer, bytes(10)), 10);
    yield* process.call("posix_close", one.reader);
    for (let i = 0; i < 2; i++) assert.equal(yield* write(process, two.writer, bytes(10)), -EPIPE);
    assert.equal(yield* process.call("posix_write", two.writer, BUFFER, 0), 0, "as Linux");
  });
});

test("writes that must not wait: whole up to PIPE_BUF, in part beyond it", () => {
  runApp(kernel, function* (process) {
    const { reader, writer } = yield* pipe(process, O_NONBLOCK);
    assert.equal(yield* read(process, reader, 1), -EAGAIN);
    assert.equal(yield* write(process, writer, bytes(CAPACITY + 5)), CAPACITY, "in part");
    for (const length of [1, PIPE_BUF, PIPE_BUF + 1]) {
      assert.equal(yield* write(process, writer, bytes(length)), -EAGAIN, "full");
    }
    yield* read(process, reader, PIPE_BUF - 1);
    assert.equal(yield* events(process, writer), 0);
    assert.equal(yield* write(process, writer, bytes(PIPE_BUF)), -EAGAIN, "not in part");
    yield* read(process, reader, 1);
    assert.equal(yield* events(process, writer), POLLOUT);
    assert.equal(yield* write(process, writer, bytes(PIPE_BUF)), PIPE_BUF);
    yield* read(process, reader, 10);
    assert.equal(yield* write(process, writer, bytes(PIPE_BUF + 1)), 10, "what fits");
    yield* read(process, reader, 3);
    assert.equal(yield* write(process, writer, bytes(2)), 2);
    assert.equal(yield* write(process, writer, bytes(2)), -EAGAIN);
  });
});

test("readiness is Linux's, for poll and for select", () => {
  runApp(kernel, function* (process) {
    const select = function* (fd: number): Piece<readonly boolean[]> {
      const [readSet, writeSet] = [SMALL + 0x100, SMALL + 0x200];
      for (const at of [readSet, writeSet]) process.put(at, Buffer.from([1 << fd]));
      yield* process.call("posix_select", fd + 1, readSet, writeSet, 0, 0n);
      return [readSet, writeSet].map((at) => process.get(at, 1)[0] !== 0);
    };
    const one = yield* pipe(process);
    assert.equal(yield* events(process, one.reader), 0);
    assert.equal(yield* events(process, one.writer), POLLOUT);
    assert.deepEqual(yield* select(one.reader), [false, false]);
    assert.deepEqual(yield* select(one.writer), [false, true]);
    yield* write(process, one.writer, bytes(1));
    assert.equal(yield* events(process, one.reader), POLLIN);
    assert.equal(yield* events(process, one.writer), POLLOUT);
    yield* process.call("posix_close", one.writer);
    assert.equal(yield* events(process, one.reader), POLLIN | POLLHUP);
    yield* read(process, one.reader, 1);
    assert.equal(yield* events(process, one.reader), POLLHUP);
    assert.deepEqual(yield* select(one.reader), [true, false]);
    yield* process.call("posix_close", one.reader);

    const two = yield* pipe(process);
    yield* process.call("posix_close", two.reader);
    assert.equal(yield* events(process, two.writer), POLLOUT | POLLERR);
    assert.deepEqual(yield* select(two.writer), [true, true], "an error counts for both");
  });
});

test("5000 random reads and writes that do not wait match the model", () => {
  const random = new Random(7);
  runApp(kernel, function* (process) {
    const { reader, writer } = yield* pipe(process, O_NONBLOCK);
    let held = Buffer.alloc(0);
    for (let step = 0; step < 5000; step++) {
      const length = random.between(1, [8, 300, PIPE_BUF, 3 * CAPACITY][random.between(0, 3)] ?? 1) % 98_000;
      if (random.between(0, 99) < (step % 1000 < 500 ? 60 : 40)) {
        const data = bytes(length, step);
        const room = CAPACITY - held.length;
        const fits = length <= room ? length : length <= PIPE_BUF || room === 0 ? -EAGAIN : room;
        assert.equal(yield* write(process, writer, data), length === 0 ? 0 : fits, `write ${length} at step ${step}`);
        if (fits > 0) held = Buffer.concat([held, data.subarray(0, fits)]);
      } else {
        const expected = length !== 0 && held.length === 0 ? -EAGAIN : held.subarray(0, length);
        assert.deepEqual(yield* read(process, reader, length), expected, `read ${length} at step ${step}`);
        held = held.subarray(Math.min(length, held.length));
      }
    }
  });
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
    process.onSignal(HANDLER, function* () {
      yield* process.call("posix_getpid");
      return 0;
    });
    assert.equal(yield* process.call("posix_signal", SIGUSR1, HANDLER, SMALL), 0);
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

test("a file is sent through a pipe", () => {
  const text = "contents ".repeat(3000);
  runApp(
    kernel,
    function* (process) {
      const { reader, writer } = yield* pipe(process);
      const file = yield* process.withPath("posix_open", "/file", 0);
      assert.equal(yield* process.call("posix_sendfile", writer, file, -1n, text.length), text.length);
      assert.equal(String(yield* read(process, reader, text.length)), text);
      assert.equal(yield* process.call("posix_sendfile", reader, file, 0n, 5), -EBADF);
    },
    { "/file": text },
  );
});

test("when memory is short a pipe holds less, but always PIPE_BUF bytes; without any there is none", () => {
  runApp(
    kernel,
    function* (process) {
      const before = yield* freeMemory(process);
      const pipes: Pipe[] = [];
      const room: number[] = [];
      let made: number;
      while ((made = yield* process.call("posix_pipe", ENDS, O_NONBLOCK)) === 0) {
        const ends = process.get(ENDS, 8);
        const next = { reader: ends.readInt32LE(0), writer: ends.readInt32LE(4) };
        room.push(yield* process.call("posix_write", next.writer, BUFFER, CAPACITY + 1));
        pipes.push(next);
      }
      assert.equal(made, -ENFILE);
      assert.equal(room[0], CAPACITY);
      assert.equal(room.at(-1), PIPE_BUF);
      assert.ok(room.every((bytes, i) => i === 0 || bytes <= (room[i - 1] ?? 0)));
      const tight = pipes.at(-1);
      assert.ok(tight !== undefined);
      assert.equal(yield* events(process, tight.writer), 0);
      yield* process.call("posix_read", tight.reader, BUFFER, 1);
      assert.equal(yield* write(process, tight.writer, bytes(2)), -EAGAIN);
      yield* process.call("posix_read", tight.reader, BUFFER, PIPE_BUF);
      assert.equal(yield* events(process, tight.writer), POLLOUT);
      assert.equal(yield* write(process, tight.writer, bytes(PIPE_BUF)), PIPE_BUF);
      for (const { reader, writer } of pipes) {
        yield* process.call("posix_close", reader);
        yield* process.call("posix_close", writer);
      }
      const spare = 16n * 4096n; // the slabs and the table keep a page each
      assert.ok((yield* freeMemory(process)) > before - spare);
      const { writer } = yield* pipe(process, O_NONBLOCK);
      assert.equal(yield* process.call("posix_write", writer, BUFFER, CAPACITY + 1), CAPACITY);
    },
    {},
    SMALL_DOMAIN,
  );
});
