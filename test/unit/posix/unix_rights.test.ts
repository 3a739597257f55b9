// sendmsg and recvmsg, and descriptors through sockets of AF_UNIX (SCM_RIGHTS), against unix(7) and Linux's ways, on the real kernel under Node.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { Random } from "../../support/random.ts";
import { EBADF, EFAULT, EINVAL, runApp, type Process } from "./machine.ts";
import { EAGAIN, ENOTSOCK, EPIPE, O_NONBLOCK, POLLHUP, events, freeMemory, pipe, read, write } from "./pipes.ts";
import {
  EMSGSIZE,
  ENOTCONN,
  EOPNOTSUPP,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  control,
  named,
  pair,
  receive,
  recvmsg,
  rights,
  send,
  sendmsg,
  socket,
} from "./unix.ts";

const ETOOMANYREFS = 109;
const HEADER = 0x3500;
const SCM_MAX_FD = 253;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

function close(process: Process, ...fds: readonly number[]): Piece<void> {
  return (function* () {
    for (const fd of fds) assert.equal(yield* process.call("posix_close", fd), 0);
  })();
}

test("pieces: gathered and scattered, of streams and of messages", () => {
  runApp(kernel, function* (process) {
    for (const type of [SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM]) {
      const [one, other] = yield* pair(process, type);
      assert.equal(yield* sendmsg(process, one, ["ab", "", "cdef", "g"]), 7);
      const peeked = yield* recvmsg(process, other, [3, 9], 4, MSG_PEEK);
      assert.equal(peeked.pieces[0], "abc");
      const got = yield* recvmsg(process, other, [1, 0, 4, 9]);
      assert.deepEqual([got.result, got.pieces, got.flags, got.controlLength], [7, ["a", "", "bcde", "fg"], 0, 0]);
      assert.equal(yield* sendmsg(process, one, ["too ", "long"]), 8);
      const cut = yield* recvmsg(process, other, [2, 3]);
      assert.deepEqual(cut.pieces, ["to", "o l"]);
      assert.deepEqual([cut.result, cut.flags], [5, type === SOCK_STREAM ? 0 : MSG_TRUNC]);
      assert.equal((yield* recvmsg(process, other, [9], 0, MSG_DONTWAIT)).result, type === SOCK_STREAM ? 3 : -EAGAIN);
      assert.equal(yield* sendmsg(process, one, [], Buffer.alloc(0)), 0);
      yield* close(process, one, other);
    }
  });
});

test("what cannot be sent or received so", () => {
  runApp(kernel, function* (process) {
    const [one, other] = yield* pair(process, SOCK_STREAM);
    const { writer } = yield* pipe(process);
    const bad = (fd: number, at = HEADER, flags = 0): Piece<number> => process.call("posix_sendmsg", fd, at, flags);
    assert.equal(yield* bad(99), -EBADF);
    assert.equal(yield* bad(writer), -ENOTSOCK);
    assert.equal(yield* bad(one, 0x7fff_fff0), -EFAULT);
    assert.equal(yield* sendmsg(process, one, ["x"]), 1);
    assert.equal(yield* bad(one, HEADER, 0x1), -EOPNOTSUPP);
    const fields = process.get(HEADER, 24);
    for (const [offset, value, error] of [
      [8, 1025, EMSGSIZE],
      [4, 0x7fff_fff0, EFAULT],
      [12, 0x7fff_fff0, EFAULT],
    ] as const) {
      const spoilt = Buffer.from(fields);
      spoilt.writeUInt32LE(offset === 12 ? 20 : fields.readUInt32LE(16), 16);
      spoilt.writeUInt32LE(value, offset);
      process.put(HEADER, spoilt);
      assert.equal(yield* bad(one), -error, `${offset}`);
    }
    for (const [controls, error] of [
      [rights([99]), EBADF],
      [control(SOL_SOCKET, 2, new Int32Array(3)), EINVAL], // SCM_CREDENTIALS
      [rights(new Array<number>(SCM_MAX_FD + 1).fill(0)), EINVAL],
      [Buffer.concat([rights([0]), rights([99])]), EBADF],
      [Buffer.from(Uint32Array.of(11, SOL_SOCKET, 1).buffer), EINVAL],
      [Buffer.from(Uint32Array.of(20, SOL_SOCKET, 1).buffer), EINVAL],
    ] as const) {
      assert.equal(yield* sendmsg(process, one, ["x"], controls), -error);
    }
    assert.equal(yield* sendmsg(process, one, ["of another level"], control(6, 1, Int32Array.of(99))), 16);
    assert.equal(yield* receive(process, other), "xof another level");
    const alone = yield* socket(process, SOCK_DGRAM);
    assert.equal(yield* sendmsg(process, alone, ["x"], rights([one])), -ENOTCONN);
    const [first, second] = yield* pair(process, SOCK_DGRAM);
    assert.equal(yield* sendmsg(process, first, ["x".repeat(60_000), "x".repeat(6_000)]), -EMSGSIZE);
    yield* close(process, second);
  });
});

for (const type of [SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM]) {
  test(`type ${type}: descriptors arrive with what they were sent with, and are the same open files`, () => {
    runApp(kernel, function* (process) {
      const [one, other] = yield* pair(process, type);
      const { reader, writer } = yield* pipe(process);
      assert.equal(yield* sendmsg(process, one, ["two of them"], rights([writer, 1])), 11);
      yield* close(process, writer);
      assert.equal(yield* events(process, reader), 0, "one is on its way");
      const got = yield* recvmsg(process, other, [100], 4, MSG_CMSG_CLOEXEC);
      assert.deepEqual([got.pieces, got.flags, got.controlLength], [["two of them"], 0, 20]);
      assert.deepEqual(got.descriptors, [writer, writer + 1], "the lowest free ones");
      assert.equal(yield* process.call("posix_fcntl", writer, 1, 0), 1);
      assert.equal(yield* write(process, writer, Buffer.from("through")), 7);
      assert.equal((yield* read(process, reader, 10)).toString(), "through");
      yield* close(process, ...got.descriptors);
      assert.equal(yield* events(process, reader), POLLHUP, "the last has gone");
      // A socket, and the one it came through.
      assert.equal(yield* sendmsg(process, one, ["itself"], rights([other, one])), 6);
      const more = yield* recvmsg(process, other, [100]);
      assert.equal(more.descriptors.length, 2);
      yield* close(process, one, other);
      const [mine, its] = more.descriptors as [number, number];
      assert.equal(yield* send(process, its, "still"), 5);
      assert.equal(yield* receive(process, mine), "still");
    });
  });
}

test("through a named datagram socket, from who is not connected", () => {
  runApp(kernel, function* (process) {
    const server = yield* named(process, SOCK_DGRAM, "/server");
    const client = yield* socket(process, SOCK_DGRAM);
    const { reader, writer } = yield* pipe(process);
    assert.equal(yield* sendmsg(process, client, ["take"], rights([writer]), { to: "/server" }), 4);
    yield* close(process, writer, client);
    const { descriptors } = yield* recvmsg(process, server, [9]);
    assert.equal(yield* write(process, descriptors[0] ?? -1, Buffer.from("ok")), 2);
    assert.equal((yield* read(process, reader, 9)).toString(), "ok");
  });
});

test("a stream: what comes with descriptors is not run together with what follows, and read() closes them", () => {
  runApp(kernel, function* (process) {
    const [one, other] = yield* pair(process, SOCK_STREAM);
    const { reader, writer } = yield* pipe(process);
    assert.equal(yield* send(process, one, "before "), 7);
    assert.equal(yield* sendmsg(process, one, ["with"], rights([writer])), 4);
    assert.equal(yield* send(process, one, " behind"), 7);
    assert.equal(yield* sendmsg(process, one, ["again"], rights([writer])), 5);
    const first = yield* recvmsg(process, other, [100], 4, MSG_WAITALL | MSG_DONTWAIT);
    assert.deepEqual([first.pieces, first.descriptors.length], [["before with"], 1]);
    const second = yield* recvmsg(process, other, [3, 100]);
    assert.deepEqual([second.pieces, second.descriptors.length], [[" be", "hindagain"], 1]);
    // By their first byte; the others of what they came with bring nothing.
    assert.equal(yield* sendmsg(process, one, ["abc"], rights([writer])), 3);
    const third = yield* recvmsg(process, other, [1]);
    const rest = yield* recvmsg(process, other, [9]);
    assert.deepEqual([third.descriptors.length, rest.pieces, rest.descriptors], [1, ["bc"], []]);
    assert.equal(yield* sendmsg(process, one, ["for read"], rights([writer])), 8);
    assert.equal((yield* read(process, other, 100)).toString(), "for read");
    yield* close(process, writer, ...[first, second, third].flatMap(({ descriptors }) => descriptors));
    assert.equal(yield* events(process, reader), POLLHUP, "read() has closed it");
  });
});

test("no room in the control buffer, or no descriptor: MSG_CTRUNC, and the rest is closed", () => {
  runApp(kernel, function* (process) {
    const [one, other] = yield* pair(process, SOCK_STREAM);
    const { reader, writer } = yield* pipe(process);
    for (const [room, expected] of [
      [1, 1],
      [0, 0],
      [-1, 0],
    ] as const) {
      assert.equal(yield* sendmsg(process, one, ["x"], rights([writer, writer, writer])), 1);
      const got = yield* recvmsg(process, other, [9], room);
      assert.deepEqual([got.result, got.flags, got.descriptors.length], [1, MSG_CTRUNC, expected]);
      assert.equal(got.controlLength, expected === 0 ? 0 : 16);
      yield* close(process, ...got.descriptors);
    }
    assert.equal(yield* sendmsg(process, one, ["x"], rights([writer, writer])), 1);
    const fillers: number[] = [];
    for (let fd = 0; fd >= 0; fd = yield* process.call("posix_dup", 0)) fillers.push(fd);
    yield* close(process, fillers.at(-1) ?? -1);
    const got = yield* recvmsg(process, other, [9]);
    assert.deepEqual([got.flags, got.descriptors], [MSG_CTRUNC, [fillers.at(-1)]]);
    yield* close(process, writer, ...got.descriptors);
    assert.equal(yield* events(process, reader), POLLHUP);
  });
});

test("what nobody receives is closed with the socket, however deep it is", () => {
  runApp(kernel, function* (process) {
    const { reader, writer } = yield* pipe(process);
    const before = yield* freeMemory(process);
    for (const round of [1, 2]) {
      // Each socket is on its way in the next: 400 of them.
      let inner = yield* process.call("posix_dup", writer);
      for (let i = 0; i < 400; i++) {
        const [one, other] = yield* pair(process, SOCK_SEQPACKET);
        assert.equal(yield* sendmsg(process, one, ["x"], rights([inner])), 1);
        yield* close(process, inner, one);
        inner = other;
      }
      assert.equal(yield* events(process, reader), 0);
      yield* close(process, inner);
      if (round === 1) assert.equal(yield* events(process, reader), 0, "one is open still");
    }
    yield* close(process, writer);
    assert.equal(yield* events(process, reader), POLLHUP);
    assert.ok(before - (yield* freeMemory(process)) <= 10n * 4096n);
  });
});

test("limits: 253 in a message, 1024 on their way; what a full peer refuses stays the sender's", () => {
  runApp(kernel, function* (process) {
    const [one, other] = yield* pair(process, SOCK_STREAM);
    const many = new Array<number>(SCM_MAX_FD).fill(1);
    for (let i = 0; i < 4; i++) assert.equal(yield* sendmsg(process, one, ["x"], rights(many)), 1);
    assert.equal(yield* sendmsg(process, one, ["x"], rights(new Array<number>(13).fill(1))), -ETOOMANYREFS);
    assert.equal(yield* sendmsg(process, one, ["x"], rights(new Array<number>(12).fill(1))), 1);
    const { descriptors } = yield* recvmsg(process, other, [9], SCM_MAX_FD);
    assert.equal(descriptors.length, SCM_MAX_FD);
    yield* close(process, one, other, ...descriptors);
    const [full, drain] = yield* pair(process, SOCK_STREAM | O_NONBLOCK);
    const { reader, writer } = yield* pipe(process);
    while ((yield* process.call("posix_write", full, BUFFER, 4096)) > 0);
    assert.equal(yield* sendmsg(process, full, ["x"], rights([writer])), -EAGAIN);
    yield* close(process, writer);
    assert.equal(yield* events(process, reader), POLLHUP, "it is not on its way");
    yield* close(process, drain);
    assert.equal(yield* sendmsg(process, full, ["x"], rights([reader])), -EPIPE);
  });
});

for (const seed of [1, 2, 3, 4]) {
  test(`random streams with descriptors: each arrives with its byte or is closed, seed ${seed}`, () => {
    const random = new Random(seed);
    runApp(kernel, function* (process) {
      const before = yield* freeMemory(process);
      const [one, other] = yield* pair(process, SOCK_STREAM);
      const sent: { at: number; reader: number }[] = [];
      let written = 0;
      let seen = 0;
      const check = function* (count: number, descriptors: readonly number[]): Piece<void> {
        const passed = sent.filter(({ at }) => at >= seen && at < seen + count);
        seen += count;
        assert.ok(descriptors.length <= 1 && passed.length >= descriptors.length);
        const last = passed.at(-1);
        for (const { reader } of passed) {
          const isOpen = descriptors.length === 1 && reader === last?.reader;
          assert.equal(yield* events(process, reader), isOpen ? 0 : POLLHUP);
        }
        if (descriptors[0] === undefined || last === undefined) return;
        assert.equal(yield* write(process, descriptors[0], Buffer.from("it")), 2);
        assert.equal((yield* read(process, last.reader, 9)).toString(), "it");
        yield* close(process, ...descriptors);
      };
      for (let step = 0; step < 300; step++) {
        const text = "x".repeat(random.between(1, 300));
        const action = random.between(0, 5);
        if (action <= 1) {
          if (written - seen < 30_000) written += yield* send(process, one, text);
        } else if (action === 2 && sent.length < 400) {
          const { reader, writer } = yield* pipe(process);
          sent.push({ at: written, reader });
          written += yield* sendmsg(process, one, [text], rights([writer]));
          yield* close(process, writer);
        } else if (action === 3) {
          const got = yield* process.call("posix_recvfrom", other, BUFFER, text.length, MSG_DONTWAIT, 0);
          if (got > 0) yield* check(got, []);
        } else {
          const got = yield* recvmsg(process, other, [text.length, 50], 2, MSG_DONTWAIT);
          if (got.result > 0) yield* check(got.result, got.descriptors);
        }
      }
      yield* close(process, one, other);
      for (const { reader } of sent) {
        assert.equal(yield* events(process, reader), POLLHUP);
        yield* close(process, reader);
      }
      assert.ok(before - (yield* freeMemory(process)) <= 10n * 4096n);
    });
  });
}
