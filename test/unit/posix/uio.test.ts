// readv, writev, preadv, pwritev: pieces in and out of files, pipes, sockets, counters and the console; what is a whole stays one; arguments.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { Random } from "../../support/random.ts";
import { close, socketPair } from "./epolls.ts";
import { EBADF, EFAULT, EINVAL, type Process, runApp } from "./machine.ts";
import {
  CAPACITY,
  EAGAIN,
  ENDS,
  EPIPE,
  ESPIPE,
  O_NONBLOCK,
  PIPE_BUF,
  SMALL_DOMAIN,
  bytes,
  freeMemory,
  pipe,
  read,
  write,
} from "./pipes.ts";

const VECTORS = 0x1_8000;
const PIECES = 0x1_0000;
const UIO_MAXIOV = 1024;
const [EISDIR, EMSGSIZE] = [21, 90];
const [SOCK_DGRAM, SOCK_SEQPACKET] = [2, 5];

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

interface Vector {
  readonly at: number;
  readonly length: number;
}

/** Lays down iovecs of `lengths`, with a byte between what they name. */
function lay(process: Process, lengths: readonly number[], at = PIECES): Vector[] {
  let next = at;
  const vectors = lengths.map((length) => {
    const vector = { at: next, length };
    next += length + 1;
    return vector;
  });
  putVectors(process, vectors);
  return vectors;
}

function putVectors(process: Process, vectors: readonly Vector[]): void {
  process.put(VECTORS, Buffer.from(Uint32Array.from(vectors.flatMap(({ at, length }) => [at, length])).buffer));
}

/** writev of `data` in pieces of `lengths`. */
function writev(process: Process, fd: number, data: Buffer, lengths: readonly number[]): Piece<number> {
  let from = 0;
  for (const { at, length } of lay(process, lengths)) {
    process.put(at, data.subarray(from, from + length));
    from += length;
  }
  return process.call("posix_writev", fd, VECTORS, lengths.length);
}

/** What readv puts into pieces of `lengths`, or its error. */
function* readv(process: Process, fd: number, lengths: readonly number[]): Piece<Buffer | number> {
  const vectors = lay(process, lengths);
  for (const { at, length } of vectors) process.put(at, Buffer.alloc(length + 1, 0xee));
  const result = yield* process.call("posix_readv", fd, VECTORS, lengths.length);
  for (const { at, length } of vectors) assert.equal(process.get(at + length, 1)[0], 0xee, "nothing behind a piece");
  if (result < 0) return result;
  return Buffer.concat(vectors.map(({ at, length }) => process.get(at, length))).subarray(0, result);
}

test("a file: what read would give, over pieces, from its position or from an offset", () => {
  const contents = Buffer.from(bytes(2500).toString("hex"));
  runApp(
    kernel,
    function* (process) {
      const fd = yield* process.withPath("posix_open", "/file", 0);
      assert.deepEqual(yield* readv(process, fd, [3, 0, 4000, 1]), contents.subarray(0, 4004));
      assert.deepEqual(yield* readv(process, fd, [600, 600]), contents.subarray(4004));
      assert.deepEqual(yield* readv(process, fd, [600, 600]), Buffer.alloc(0));
      const [first, second] = lay(process, [10, 20]);
      const preadv = (offset: bigint): Piece<number> => process.call("posix_preadv", fd, VECTORS, 2, offset);
      assert.equal(yield* preadv(100n), 30);
      assert.deepEqual(process.get(first?.at ?? 0, 10), contents.subarray(100, 110));
      assert.deepEqual(process.get(second?.at ?? 0, 20), contents.subarray(110, 130));
      assert.equal(yield* preadv(4985n), 15);
      assert.equal(yield* preadv(2n ** 40n), 0);
      assert.equal(yield* preadv(-1n), -EINVAL);
      assert.equal(yield* process.call("posix_lseek", fd, 0n, 1), 5000, "it has not moved");
      assert.equal(yield* process.call("posix_writev", fd, VECTORS, 2), -EBADF);
      for (const name of ["posix_pwrite", "posix_pwritev"]) {
        assert.equal(yield* process.call(name, fd, VECTORS, 2, 0n), -EBADF);
        assert.equal(yield* process.call(name, fd, VECTORS, 2, -1n), -EINVAL);
      }
      const directory = yield* process.withPath("posix_open", "/", 0);
      assert.equal(yield* readv(process, directory, [1, 1]), -EISDIR);
      assert.equal(yield* process.call("posix_preadv", directory, VECTORS, 2, 0n), -EISDIR);
      assert.equal(yield* process.call("posix_pwritev", directory, VECTORS, 2, 0n), -EBADF);
    },
    { "/file": contents.toString() },
  );
});

test("devices: zeroes into every piece; /dev/null takes all pieces", () => {
  runApp(kernel, function* (process) {
    const zero = yield* process.withPath("posix_open", "/dev/zero", 2);
    assert.deepEqual(yield* readv(process, zero, [5, 7]), Buffer.alloc(12));
    assert.equal(yield* writev(process, zero, bytes(12), [5, 7]), 12);
    assert.equal(yield* process.call("posix_preadv", zero, VECTORS, 2, 9n), 12);
    assert.equal(yield* process.call("posix_pwritev", zero, VECTORS, 2, 9n), 12);
    assert.equal(yield* process.call("posix_pwrite", zero, BUFFER, 9, 9n), 9);
    const nothing = yield* process.withPath("posix_open", "/dev/null", 0);
    assert.deepEqual(yield* readv(process, nothing, [5, 7]), Buffer.alloc(0));
    assert.equal(yield* writev(process, nothing, bytes(12), [5, 7]), -EBADF, "it is open for reading");
  });
});

test("a pipe: up to PIPE_BUF bytes in one piece or not at all; more as there is room, or to the end", () => {
  runApp(kernel, function* (process) {
    const { reader, writer } = yield* pipe(process, O_NONBLOCK);
    const data = bytes(PIPE_BUF);
    assert.equal(yield* writev(process, writer, data, [1, 1000, 0, 3095]), PIPE_BUF);
    assert.deepEqual(yield* readv(process, reader, [4000, 90]), data.subarray(0, 4090));
    assert.deepEqual(yield* readv(process, reader, [4, 4000]), data.subarray(4090), "as much as is there");
    assert.equal(yield* readv(process, reader, [4, 4000]), -EAGAIN);
    assert.equal(yield* write(process, writer, bytes(CAPACITY - PIPE_BUF + 1)), CAPACITY - PIPE_BUF + 1);
    assert.equal(yield* writev(process, writer, data, [2000, 2096]), -EAGAIN, "one byte too many: none");
    assert.equal(
      yield* writev(process, writer, bytes(PIPE_BUF + 2), [4000, 98]),
      PIPE_BUF - 1,
      "what there is room for",
    );
    yield* read(process, reader, CAPACITY);
    yield* close(process, reader);
    assert.equal(yield* writev(process, writer, data, [1, 1]), -EPIPE);
    assert.equal(yield* writev(process, writer, data, [0, 0]), 0, "nothing, not even an error");
    for (const name of ["posix_preadv", "posix_pwritev"]) {
      assert.equal(yield* process.call(name, writer, VECTORS, 2, 0n), -ESPIPE);
    }
    assert.equal(yield* process.call("posix_pwrite", writer, BUFFER, 2, 0n), -ESPIPE);

    const blocking = yield* pipe(process);
    const much = bytes(3 * 30_000);
    const got: Buffer[] = [];
    const drain = yield* process.thread(function* () {
      for (let left = much.length; left > 0;) {
        const data = yield* read(process, blocking.reader, 20_000, BUFFER);
        assert.ok(typeof data !== "number");
        got.push(data);
        left -= data.length;
      }
    });
    // The pieces lie on each other, so that they fit into the app's memory.
    process.put(0x9000, much.subarray(0, 30_000));
    putVectors(
      process,
      [0, 1, 2].map(() => ({ at: 0x9000, length: 30_000 })),
    );
    assert.equal(yield* process.call("posix_writev", blocking.writer, VECTORS, 3), much.length, "it waits for room");
    yield* process.join(drain);
    const third = much.subarray(0, 30_000);
    assert.deepEqual(Buffer.concat(got), Buffer.concat([third, third, third]));
    assert.equal(yield* writev(process, blocking.reader, data, [1, 1]), -EBADF);
    assert.equal(yield* readv(process, blocking.writer, [1, 1]), -EBADF);
  });
});

test("sockets: a datagram or record of all pieces; a stream as it comes; who waits is woken", () => {
  runApp(kernel, function* (process) {
    for (const type of [SOCK_DGRAM, SOCK_SEQPACKET]) {
      assert.equal(yield* process.call("posix_socketpair", 1, type | O_NONBLOCK, 0, ENDS), 0);
      const [one, other] = [process.get(ENDS, 4).readInt32LE(), process.get(ENDS + 4, 4).readInt32LE()];
      assert.equal(yield* writev(process, one, Buffer.from("abcdefgh"), [3, 5]), 8);
      assert.equal(yield* writev(process, one, Buffer.from("second"), [1, 5]), 6);
      assert.equal((yield* readv(process, other, [2, 2])).toString(), "abcd", "the rest of it is lost");
      assert.equal((yield* readv(process, other, [2, 200])).toString(), "second");
      assert.equal(yield* readv(process, other, [2, 200]), -EAGAIN);
      putVectors(
        process,
        [0, 1, 2].map(() => ({ at: BUFFER, length: 30_000 })),
      );
      assert.equal(yield* process.call("posix_writev", one, VECTORS, 3), -EMSGSIZE);
    }
    const udp = yield* process.socket("udp");
    yield* process.bind(udp, 53);
    yield* process.connect(udp, "127.0.0.1", 53);
    assert.equal(yield* writev(process, udp, Buffer.from("question"), [4, 4]), 8);
    assert.equal((yield* readv(process, udp, [1, 100])).toString(), "question");

    const [here, there] = yield* socketPair(process);
    assert.equal(yield* writev(process, here, Buffer.from("stream"), [2, 2, 2]), 6);
    assert.equal((yield* readv(process, there, [4, 4])).toString(), "stream");
    assert.equal(yield* process.call("posix_fcntl", there, 4, 0), 0);
    let got: unknown;
    const reader = yield* process.thread(function* () {
      got = yield* readv(process, there, [1, 4]);
    });
    yield* process.settle();
    yield* write(process, here, Buffer.from("later"));
    yield* process.join(reader);
    assert.equal(String(got), "later");
    yield* close(process, here);
    assert.deepEqual(yield* readv(process, there, [1, 4]), Buffer.alloc(0));
  });
});

test("a counter of 8 bytes in pieces, and the console", () => {
  const console = runApp(kernel, function* (process) {
    const fd = yield* process.call("posix_eventfd", 0, O_NONBLOCK);
    assert.equal(yield* writev(process, fd, Buffer.from([1, 2, 0, 0, 0, 0, 0, 0]), [3, 5]), 8);
    assert.deepEqual(yield* readv(process, fd, [1, 6, 9]), Buffer.from([1, 2, 0, 0, 0, 0, 0, 0]));
    assert.equal(yield* readv(process, fd, [1, 6]), -EINVAL, "7 bytes are too few");
    assert.equal(yield* writev(process, 1, Buffer.from("one line\n"), [3, 6]), 9);
    const ep = yield* process.call("posix_epoll_create", 0);
    assert.equal(yield* readv(process, ep, [1, 6]), -EINVAL);
  });
  assert.match(console, /one line/);
});

test("arguments that are refused; and what a call takes, it gives back", () => {
  runApp(kernel, function* (process) {
    const { reader, writer } = yield* pipe(process, O_NONBLOCK);
    const zero = yield* process.withPath("posix_open", "/dev/zero", 2);
    for (const [fd, name, ...rest] of [
      [reader, "posix_readv"],
      [writer, "posix_writev"],
      [zero, "posix_readv"],
      [zero, "posix_writev"],
      [zero, "posix_preadv", 0n],
      [zero, "posix_pwritev", 0n],
    ] as const) {
      const call = (which: number, at: number, count: number): Piece<number> =>
        process.call(name, which, at, count, ...rest);
      for (const closed of [-1, 900, 5000]) assert.equal(yield* call(closed, VECTORS, 1), -EBADF);
      for (const count of [UIO_MAXIOV + 1, -1, 0x7fff_ffff]) {
        assert.equal(yield* call(fd, VECTORS, count), -EINVAL, `${name} of ${count}`);
      }
      for (const at of [1, 0x7fff_fff0]) assert.equal(yield* call(fd, at, 2), -EFAULT, name);
      for (const wrong of [
        [0, 8],
        [0x7fff_fff0, 8],
      ] as const) {
        putVectors(process, [
          { at: BUFFER, length: 8 },
          { at: wrong[0], length: wrong[1] },
        ]);
        assert.equal(yield* call(fd, VECTORS, 2), -EFAULT, name);
      }
      putVectors(process, [
        { at: BUFFER, length: 8 },
        { at: BUFFER, length: 0x8000_0000 },
      ]);
      assert.equal(yield* call(fd, VECTORS, 2), -EINVAL, name);
      assert.equal(yield* call(fd, VECTORS, 0), 0, name);
      lay(process, Array<number>(UIO_MAXIOV).fill(0));
      assert.equal(yield* call(fd, VECTORS, UIO_MAXIOV), 0, name);
    }
  });
  runApp(
    kernel,
    function* (process) {
      const before = yield* pipe(process);
      yield* close(process, before.reader, before.writer);
      const free = yield* freeMemory(process);
      const { reader, writer } = yield* pipe(process, O_NONBLOCK);
      assert.equal(yield* writev(process, writer, bytes(6000), [3000, 3000]), 6000);
      assert.equal(Buffer.concat([(yield* readv(process, reader, [3000, 3000])) as Buffer]).length, 6000);
      yield* read(process, reader, 1);
      yield* close(process, reader, writer);
      assert.equal(yield* freeMemory(process), free);
    },
    {},
    SMALL_DOMAIN,
  );
});

for (const seed of [1, 2, 3]) {
  test(`random pieces through a pipe: the same bytes, seed ${seed}`, () => {
    const random = new Random(seed);
    const lengths = (): number[] => Array.from({ length: random.between(1, 8) }, () => random.between(0, 900));
    runApp(kernel, function* (process) {
      const { reader, writer } = yield* pipe(process, O_NONBLOCK);
      let held = Buffer.alloc(0);
      for (let step = 0; step < 500; step++) {
        const pieces = lengths();
        const total = pieces.reduce((sum, length) => sum + length, 0);
        if (random.between(0, 1) === 0) {
          const data = bytes(total, step);
          const result = yield* writev(process, writer, data, pieces);
          if (result === -EAGAIN) assert.ok(CAPACITY - held.length < total);
          else held = Buffer.concat([held, data.subarray(0, result)]);
        } else {
          const result = yield* readv(process, reader, pieces);
          if (typeof result === "number") {
            assert.ok(result === -EAGAIN && held.length === 0);
            continue;
          }
          assert.deepEqual(result, held.subarray(0, Math.min(total, held.length)));
          held = held.subarray(result.length);
        }
      }
    });
  });
}
