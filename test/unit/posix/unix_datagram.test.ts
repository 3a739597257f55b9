// Datagrams and records of AF_UNIX against unix(7), on the real kernel under Node: limits, senders' names, order, errors, what is waited for.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER, type Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { Random } from "../../support/random.ts";
import { EINVAL, runApp, type Process } from "./machine.ts";
import { EAGAIN, O_NONBLOCK, POLLHUP, POLLIN, POLLOUT, SMALL, bytes, events, read, write } from "./pipes.ts";
import {
  ECONNREFUSED,
  ECONNRESET,
  EMSGSIZE,
  ENOENT,
  ENOTCONN,
  EPERM,
  EPIPE,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_TRUNC,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  address,
  connect,
  named,
  option,
  ownName,
  pair,
  peerName,
  receive,
  send,
  socket,
} from "./unix.ts";

const FIONREAD = 0x541b;
const SO_TYPE = 3;
/** What a pipe holds, and the head of a message. */
const LARGEST = 65536 - 8;
const ENOBUFS = 105;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

test("datagrams by name, from whom, and to a peer", () => {
  runApp(kernel, function* (process) {
    const server = yield* named(process, SOCK_DGRAM, "/server");
    const client = yield* named(process, SOCK_DGRAM, "\0client");
    const nameless = yield* socket(process, SOCK_DGRAM);
    assert.equal(yield* events(process, server), POLLOUT);
    assert.equal(yield* send(process, client, "one", "/server"), 3);
    assert.equal(yield* send(process, nameless, "", "/server"), 0);
    assert.equal(yield* send(process, nameless, "three", "/server"), 5);
    assert.equal(yield* events(process, server), POLLIN | POLLOUT);
    assert.equal(yield* process.call("posix_ioctl", server, FIONREAD, SMALL), 0);
    assert.equal(process.get(SMALL, 4).readInt32LE(), 3);
    assert.equal(yield* receive(process, server), "one from \0client");
    assert.equal(yield* receive(process, server), "");
    assert.equal(yield* receive(process, server, 4, MSG_PEEK), "thre");
    assert.equal(yield* receive(process, server, 4, MSG_PEEK | MSG_TRUNC), "thre");
    assert.equal(yield* process.call("posix_recvfrom", server, BUFFER, 2, MSG_TRUNC, 0), 5, "its length, cut");
    assert.equal(yield* receive(process, server, 9, MSG_DONTWAIT), -EAGAIN, "the rest is lost");
    // Connected.
    assert.equal(yield* connect(process, client, "/server"), 0);
    assert.deepEqual(
      [yield* peerName(process, client), yield* peerName(process, server)],
      ["/server", String(-ENOTCONN)],
    );
    assert.equal(yield* write(process, client, Buffer.from("written")), 7);
    assert.equal((yield* read(process, server, 100)).toString(), "written");
    assert.equal(yield* send(process, nameless, "x", "\0client"), -EPERM, "it hears its peer only");
    assert.equal(yield* send(process, server, "to it", "\0client"), 5);
    assert.equal(yield* receive(process, client), "to it from /server");
    assert.equal(yield* connect(process, server, "\0client"), 0);
    assert.equal(yield* send(process, server, "answer"), 6);
    assert.equal(yield* receive(process, client), "answer from /server");
    assert.equal(yield* send(process, nameless, "x", "/server"), -EPERM);
    assert.equal(yield* connect(process, nameless, "/server"), -EPERM);
    // And no more.
    process.put(SMALL, Buffer.alloc(16));
    assert.equal(yield* process.call("posix_connect", server, SMALL), 0);
    assert.equal(yield* send(process, server, "x"), -ENOTCONN);
    assert.equal(yield* send(process, nameless, "x", "/server"), 1);
  });
});

test("to nobody: ENOENT, ECONNREFUSED, ENOTCONN; and a peer that has closed", () => {
  runApp(kernel, function* (process) {
    const fd = yield* socket(process, SOCK_DGRAM);
    assert.equal(yield* send(process, fd, "x"), -ENOTCONN);
    assert.equal(yield* send(process, fd, "x", "/nobody"), -ENOENT);
    assert.equal(yield* send(process, fd, "x", "\0nobody"), -ECONNREFUSED);
    assert.equal(yield* send(process, fd, "x", ""), -EINVAL);
    const server = yield* named(process, SOCK_DGRAM, "/server");
    assert.equal(yield* connect(process, fd, "/server"), 0);
    assert.equal(yield* process.call("posix_close", server), 0);
    assert.equal(yield* events(process, fd), POLLOUT);
    assert.equal(yield* peerName(process, fd), "/server");
    assert.equal(yield* send(process, fd, "x"), -ECONNREFUSED);
    assert.equal(yield* send(process, fd, "x"), -ENOTCONN);
    const [one, other] = yield* pair(process, SOCK_DGRAM);
    assert.equal(yield* send(process, other, "last"), 4);
    assert.equal(yield* process.call("posix_close", other), 0);
    assert.equal(yield* receive(process, one), "last");
    assert.equal(yield* receive(process, one, 9, MSG_DONTWAIT), -EAGAIN, "there is no end");
    assert.equal(yield* send(process, one, "x"), -ECONNREFUSED);
  });
});

test("the largest, one more, and what does not fit now", () => {
  runApp(kernel, function* (process) {
    const [one, other] = yield* pair(process, SOCK_DGRAM);
    assert.equal(yield* option(process, one, SO_TYPE), SOCK_DGRAM);
    const data = bytes(LARGEST, 3);
    assert.equal(yield* write(process, one, data), LARGEST);
    assert.equal(yield* events(process, one), 0);
    assert.equal(yield* send(process, one, "x", undefined, MSG_DONTWAIT), -EAGAIN);
    assert.deepEqual(yield* read(process, other, LARGEST), data);
    assert.equal(yield* process.call("posix_write", one, BUFFER, LARGEST + 1), -EMSGSIZE);
    // A sender waits until there is room, and nothing is out of order.
    const told: number[] = [];
    assert.equal(yield* process.call("posix_write", one, BUFFER, 40_000), 40_000);
    const sender = yield* process.thread(function* () {
      told.push(yield* process.call("posix_write", one, BUFFER, 50_000));
    });
    yield* process.settle();
    assert.equal(told.length, 0);
    assert.equal(yield* process.call("posix_read", other, BUFFER, 65536), 40_000);
    yield* process.join(sender);
    assert.deepEqual(told, [50_000]);
    assert.equal(yield* process.call("posix_read", other, BUFFER, 65536), 50_000);
  });
});

test("without memory a large datagram gets ENOBUFS, a small one goes", () => {
  runApp(
    kernel,
    function* (process) {
      const [one, other] = yield* pair(process, SOCK_DGRAM);
      const holders: number[] = [];
      // What others hold is memory that this one cannot have.
      for (let result = 0; result >= 0;) {
        const [first] = yield* pair(process, SOCK_DGRAM);
        holders.push(first);
        result = yield* process.call("posix_sendto", first, BUFFER, LARGEST, MSG_DONTWAIT, 0);
        assert.ok(result === LARGEST || result === -ENOBUFS, String(result));
      }
      assert.ok(holders.length > 2);
      assert.equal(yield* process.call("posix_sendto", one, BUFFER, LARGEST, 0, 0), -ENOBUFS);
      assert.equal(yield* process.call("posix_sendto", one, BUFFER, 4000, 0, 0), 4000);
      assert.equal(yield* process.call("posix_read", other, BUFFER, 65536), 4000);
    },
    {},
    4,
  );
});

test("shutdown of datagrams: EPIPE, an end, and who waits hears of it", () => {
  runApp(kernel, function* (process) {
    const [one, other] = yield* pair(process, SOCK_DGRAM);
    const told: unknown[] = [];
    const reader = yield* process.thread(function* () {
      told.push(yield* receive(process, other));
    });
    yield* process.settle();
    assert.equal(yield* process.call("posix_shutdown", other, SHUT_RD), 0);
    yield* process.join(reader);
    assert.deepEqual(told, [""]);
    assert.equal(yield* send(process, one, "x"), -EPIPE);
    assert.equal(yield* events(process, other), POLLIN | POLLOUT);
    assert.equal(yield* process.call("posix_shutdown", one, SHUT_WR), 0);
    assert.equal(yield* send(process, one, "x"), -EPIPE);
    assert.equal(yield* send(process, other, "back"), 4);
    assert.equal(yield* process.call("posix_shutdown", one, SHUT_RDWR), 0);
    assert.equal(yield* receive(process, one), "back", "what was there can be read");
    assert.equal(yield* receive(process, one), "");
    assert.equal(yield* events(process, one), POLLIN | POLLOUT | POLLHUP);
  });
});

test("records: bounds, the end, ECONNRESET and EPIPE", () => {
  runApp(kernel, function* (process) {
    const [one, other] = yield* pair(process, SOCK_SEQPACKET);
    assert.equal(yield* send(process, one, "first"), 5);
    assert.equal(yield* send(process, one, "second"), 6);
    assert.equal(yield* receive(process, other, 3), "fir");
    assert.equal(yield* receive(process, other), "second");
    assert.equal(yield* receive(process, other, 9, MSG_DONTWAIT), -EAGAIN);
    assert.equal(yield* send(process, one, "third"), 5);
    assert.equal(yield* process.call("posix_shutdown", one, SHUT_WR), 0);
    assert.equal(yield* receive(process, other), "third");
    assert.equal(yield* receive(process, other), "");
    assert.equal(yield* send(process, one, "x"), -EPIPE);
    assert.equal(yield* send(process, other, "unread"), 6);
    assert.equal(yield* process.call("posix_close", one), 0);
    assert.equal(yield* receive(process, other), -ECONNRESET);
    assert.equal(yield* receive(process, other), "");
    assert.equal(yield* send(process, other, "x"), -EPIPE);
    const alone = yield* socket(process, SOCK_SEQPACKET | O_NONBLOCK);
    assert.equal(yield* receive(process, alone), -ENOTCONN);
    assert.equal(yield* send(process, alone, "x"), -ENOTCONN);
  });
});

/** What of `size` bytes the `index`-th datagram of `sender` is. */
function datagram(sender: number, index: number, size: number): Buffer {
  const data = bytes(size, sender * 1000 + index);
  data.writeUInt16LE(sender, 0);
  data.writeUInt16LE(index, 2);
  return data;
}

for (const seed of [1, 2, 3]) {
  test(`three senders at once: every datagram whole, each sender's in order, seed ${seed}`, () => {
    const random = new Random(seed);
    const each = 60;
    runApp(kernel, function* (process: Process) {
      const server = yield* named(process, SOCK_DGRAM, "/server");
      const sizes = [1, 2, 3].map(() => Array.from({ length: each }, () => random.between(4, 20_000)));
      const senders = [];
      for (const sender of [0, 1, 2]) {
        const fd = yield* named(process, SOCK_DGRAM, `/client${sender}`);
        senders.push(
          yield* process.thread(function* (): Piece<void> {
            for (let i = 0; i < each; i++) {
              const data = datagram(sender, i, sizes[sender]?.[i] ?? 0);
              process.put(BUFFER + sender * 20_000, data);
              const to = address(process, "/server", 0x3a00 + sender * 128);
              const result = yield* process.call("posix_sendto", fd, BUFFER + sender * 20_000, data.length, 0, to);
              assert.equal(result, data.length);
            }
          }),
        );
      }
      const next = [0, 0, 0];
      for (let i = 0; i < 3 * each; i++) {
        const at = BUFFER + 60_000;
        const from = address(process, "x", 0x3c00);
        const length = yield* process.call("posix_recvfrom", server, at, 20_000, 0, from);
        const data = process.get(at, length);
        const sender = data.readUInt16LE(0);
        assert.deepEqual(data, datagram(sender, next[sender] ?? -1, sizes[sender]?.[next[sender] ?? -1] ?? 0));
        assert.equal(process.get(from + 2, 8).toString(), `/client${sender}`);
        next[sender] = (next[sender] ?? 0) + 1;
        if (random.between(0, 9) === 0) yield* process.settle();
      }
      yield* process.join(...senders);
      assert.equal(yield* ownName(process, server), "/server");
    });
  });
}
