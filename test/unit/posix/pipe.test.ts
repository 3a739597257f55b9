// Pipes against pipe(7), on the real kernel under Node: errors, ends, readiness, and reads and writes that do not wait.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { Random } from "../../support/random.ts";
import { EBADF, EFAULT, EINVAL, EMFILE, ENOTDIR, runApp } from "./machine.ts";
import {
  CAPACITY,
  EAGAIN,
  ENDS,
  ENFILE,
  ENOTSOCK,
  EPIPE,
  ESPIPE,
  F_GETFD,
  F_GETFL,
  F_SETFL,
  O_CLOEXEC,
  O_DIRECT,
  O_NONBLOCK,
  O_WRONLY,
  PIPE_BUF,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  type Pipe,
  SMALL,
  SMALL_DOMAIN,
  S_IFIFO,
  bytes,
  events,
  freeMemory,
  pipe,
  read,
  write,
} from "./pipes.ts";

const ENOTTY = 25;
const [FIONREAD, SIOCOUTQ] = [0x541b, 0x5411];

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

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

test("FIONREAD tells how many bytes there are, at either end, and of a file those up to its end", () => {
  runApp(
    kernel,
    function* (process) {
      const readable = function* (fd: number): Piece<number> {
        const result = yield* process.call("posix_ioctl", fd, FIONREAD, SMALL);
        return result < 0 ? result : process.get(SMALL, 4).readInt32LE();
      };
      const { reader, writer } = yield* pipe(process, O_NONBLOCK);
      assert.equal(yield* readable(reader), 0);
      yield* write(process, writer, bytes(3000));
      yield* write(process, writer, bytes(2000));
      yield* read(process, reader, 1500);
      assert.deepEqual([yield* readable(reader), yield* readable(writer)], [3500, 3500]);
      yield* write(process, writer, bytes(CAPACITY));
      assert.equal(yield* readable(reader), CAPACITY);
      yield* process.call("posix_close", writer);
      assert.equal(yield* readable(reader), CAPACITY, "without a writer");
      assert.equal(yield* process.call("posix_ioctl", reader, FIONREAD, 0), -EFAULT);
      assert.equal(yield* process.call("posix_ioctl", reader, SIOCOUTQ, SMALL), -ENOTTY);

      const file = yield* process.withPath("posix_open", "/file", 0);
      assert.equal(yield* readable(file), 8);
      yield* read(process, file, 5);
      assert.equal(yield* readable(file), 3);
      yield* process.call("posix_lseek", file, 100n, 0);
      assert.equal(yield* readable(file), 0, "behind the end");
      assert.equal(yield* readable(yield* process.withPath("posix_open", "/", 0)), -ENOTTY);
    },
    { "/file": "contents" },
  );
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
