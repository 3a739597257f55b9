// Named sockets of AF_UNIX against unix(7), on the real kernel under Node: names, connections, errors, and what is waited for.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { BUFFER } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { EBADF, EFAULT, EINVAL, EMFILE, runApp } from "./machine.ts";
import {
  EAGAIN,
  O_CLOEXEC,
  O_NONBLOCK,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  SMALL,
  events,
  freeMemory,
  write,
} from "./pipes.ts";
import {
  AF_UNIX,
  EADDRINUSE,
  ECONNREFUSED,
  ECONNRESET,
  EISCONN,
  ENOENT,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
  EPROTOTYPE,
  SHUT_RD,
  SHUT_WR,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOL_SOCKET,
  accept,
  address,
  bind,
  connect,
  connected,
  named,
  option,
  ownName,
  pair,
  peerName,
  receive,
  send,
  socket,
} from "./unix.ts";

const [SO_TYPE, SO_ERROR, SO_PEERCRED, SO_ACCEPTCONN, SO_DOMAIN] = [3, 4, 17, 30, 39];
const SO_RCVTIMEO = 20;
const FIONREAD = 0x541b;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

for (const type of [SOCK_STREAM, SOCK_SEQPACKET]) {
  test(`type ${type}: a connection by name, with both names, credentials and options`, () => {
    runApp(kernel, function* (process) {
      const listener = yield* named(process, type, "/run/server");
      assert.equal(yield* option(process, listener, SO_ACCEPTCONN), 1);
      assert.equal(yield* events(process, listener), 0);
      const client = yield* socket(process, type);
      assert.equal(yield* events(process, client), POLLOUT | POLLHUP);
      assert.equal(yield* process.call("posix_getsockopt", client, SOL_SOCKET, SO_PEERCRED, SMALL, 12), 12);
      assert.deepEqual(process.get(SMALL, 12), Buffer.from(Int32Array.of(0, -1, -1).buffer));
      assert.equal(yield* peerName(process, client), String(-ENOTCONN));
      assert.equal(yield* connect(process, client, "/run/server"), 0);
      assert.equal(yield* events(process, listener), POLLIN);
      assert.equal(yield* send(process, client, "early"), 5);
      const [server, from] = yield* accept(process, listener, O_NONBLOCK | O_CLOEXEC);
      assert.equal(from, "");
      assert.equal(yield* process.call("posix_fcntl", server, 3, 0), 2 | O_NONBLOCK);
      assert.equal(yield* process.call("posix_fcntl", server, 1, 0), 1);
      assert.equal(yield* receive(process, server), "early");
      assert.deepEqual([yield* ownName(process, client), yield* peerName(process, client)], ["", "/run/server"]);
      assert.deepEqual([yield* ownName(process, server), yield* peerName(process, server)], ["/run/server", ""]);
      for (const fd of [client, server]) {
        assert.equal(yield* process.call("posix_getsockopt", fd, SOL_SOCKET, SO_PEERCRED, SMALL, 12), 12);
        assert.deepEqual(process.get(SMALL, 12), Buffer.from(Int32Array.of(1, 0, 0).buffer));
        assert.equal(yield* option(process, fd, SO_ACCEPTCONN), 0);
        assert.equal(yield* option(process, fd, SO_TYPE), type);
        assert.equal(yield* option(process, fd, SO_DOMAIN), AF_UNIX);
      }
      // One that has a name of its own.
      const other = yield* socket(process, type);
      assert.equal(yield* bind(process, other, "\0abstract"), 0);
      assert.equal(yield* connect(process, other, "/run/server"), 0);
      assert.equal((yield* accept(process, listener))[1], "\0abstract");
      assert.equal(yield* ownName(process, other), "\0abstract");
      assert.equal(yield* connect(process, other, "/run/server"), -EISCONN);
      assert.equal(yield* connect(process, listener, "/run/server"), -EINVAL);
    });
  });
}

test("names: what is one, what is taken, and when it is free again", () => {
  runApp(kernel, function* (process) {
    const one = yield* socket(process, SOCK_STREAM);
    const other = yield* socket(process, SOCK_STREAM);
    const datagrams = yield* socket(process, SOCK_DGRAM);
    assert.equal(yield* bind(process, one, "/a\0ignored"), 0);
    assert.equal(yield* ownName(process, one), "/a");
    assert.equal(yield* bind(process, one, "/b"), -EINVAL, "it has one");
    assert.equal(yield* bind(process, other, "/a"), -EADDRINUSE);
    assert.equal(yield* bind(process, datagrams, "/a"), -EADDRINUSE, "a path is one for all types");
    assert.equal(yield* bind(process, other, "\0a\0b"), 0, "every byte of an abstract name counts");
    assert.equal(yield* bind(process, datagrams, "\0a\0b"), 0, "which is another for each type");
    const third = yield* socket(process, SOCK_STREAM);
    assert.equal(yield* bind(process, third, "\0a\0b"), -EADDRINUSE);
    assert.equal(yield* process.call("posix_close", one), 0);
    assert.equal(yield* bind(process, third, "/a"), 0, "it went with its socket");
    const long = "x".repeat(108);
    const fourth = yield* socket(process, SOCK_STREAM);
    assert.equal(yield* bind(process, fourth, long), 0);
    assert.equal(yield* ownName(process, fourth), long);
    const automatic = yield* socket(process, SOCK_STREAM);
    assert.equal(yield* bind(process, automatic, ""), 0);
    assert.equal(yield* ownName(process, automatic), "\x0000001");
    assert.equal(yield* bind(process, automatic, ""), 0, "as on Linux, once more is none");
    // What is no address.
    const fifth = yield* socket(process, SOCK_STREAM);
    const at = address(process, "/c");
    process.put(at + 110, Buffer.from([109, 0]));
    assert.equal(yield* process.call("posix_bind", fifth, at), -EINVAL);
    process.put(at, Buffer.from([2, 0]));
    assert.equal(yield* process.call("posix_bind", fifth, at), -EINVAL);
    assert.equal(yield* process.call("posix_bind", fifth, 0x7fff_fff0), -EFAULT);
    assert.equal(yield* process.call("posix_bind", 99, at), -EBADF);
  });
});

test("connect and listen: why not", () => {
  runApp(kernel, function* (process) {
    const listener = yield* named(process, SOCK_STREAM, "/server");
    const bound = yield* socket(process, SOCK_STREAM);
    assert.equal(yield* process.call("posix_listen", bound, 1), -EINVAL, "it has no name");
    assert.equal(yield* bind(process, bound, "/deaf"), 0);
    const datagrams = yield* named(process, SOCK_DGRAM, "/datagrams");
    assert.equal(yield* process.call("posix_listen", datagrams, 1), -EOPNOTSUPP);
    assert.equal((yield* accept(process, datagrams))[0], -EOPNOTSUPP);
    assert.equal((yield* accept(process, bound))[0], -EINVAL);
    const client = yield* socket(process, SOCK_STREAM);
    assert.equal(yield* connect(process, client, "/nobody"), -ENOENT);
    assert.equal(yield* connect(process, client, "\0nobody"), -ECONNREFUSED);
    assert.equal(yield* connect(process, client, "/deaf"), -ECONNREFUSED);
    assert.equal(yield* connect(process, client, "/datagrams"), -EPROTOTYPE);
    assert.equal(yield* connect(process, datagrams, "/server"), -EPROTOTYPE);
    assert.equal(yield* connect(process, client, ""), -EINVAL);
    assert.equal(yield* send(process, client, "x"), -ENOTCONN);
    assert.equal(yield* send(process, client, "x", "/server"), -EOPNOTSUPP);
    assert.equal(yield* receive(process, client), -EINVAL);
    assert.equal(yield* receive(process, listener), -EINVAL);
    assert.equal(yield* process.call("posix_socket", AF_UNIX, 4, 0), -94);
    assert.equal(yield* process.call("posix_socket", AF_UNIX, SOCK_STREAM, 6), -93);
    assert.equal(yield* process.call("posix_shutdown", listener, SHUT_RD), 0);
    assert.equal(yield* connect(process, client, "/server"), -ECONNREFUSED);
    assert.equal((yield* accept(process, listener))[0], -EINVAL);
    assert.equal(yield* events(process, listener), POLLIN);
  });
});

test("the backlog: one more than it says waits, then connect does", () => {
  runApp(kernel, function* (process) {
    const listener = yield* named(process, SOCK_STREAM, "/server", 1);
    const clients: number[] = [];
    for (let i = 0; i < 2; i++) {
      clients.push(yield* socket(process, SOCK_STREAM));
      assert.equal(yield* connect(process, clients[i] ?? -1, "/server"), 0);
      assert.equal(yield* send(process, clients[i] ?? -1, String(i)), 1);
    }
    const hasty = yield* socket(process, SOCK_STREAM | O_NONBLOCK);
    assert.equal(yield* connect(process, hasty, "/server"), -EAGAIN);
    const told: number[] = [];
    const patient = yield* socket(process, SOCK_STREAM);
    const thread = yield* process.thread(function* () {
      told.push(yield* connect(process, patient, "/server"));
      told.push(yield* send(process, patient, "2"));
    });
    yield* process.settle();
    assert.equal(told.length, 0);
    for (const text of ["0", "1"]) {
      const [fd] = yield* accept(process, listener);
      assert.equal(yield* receive(process, fd), text, "in their order");
    }
    yield* process.join(thread);
    assert.deepEqual(told, [0, 1]);
    assert.equal(yield* receive(process, (yield* accept(process, listener))[0]), "2");
    // Who waits for a listener that is closed hears that there is none.
    for (const fd of [hasty, yield* socket(process, SOCK_STREAM)])
      assert.equal(yield* connect(process, fd, "/server"), 0);
    const late = yield* socket(process, SOCK_STREAM);
    const other = yield* process.thread(function* () {
      told.push(yield* connect(process, late, "/server"));
    });
    yield* process.settle();
    assert.equal(yield* process.call("posix_close", listener), 0);
    yield* process.join(other);
    assert.equal(told.at(-1), -ENOENT);
    assert.equal(yield* receive(process, hasty), -ECONNRESET);
    assert.equal(yield* receive(process, hasty), "");
  });
});

test("accept and poll wait for a connection, and for a time", () => {
  runApp(kernel, function* (process) {
    const listener = yield* named(process, SOCK_STREAM, "\0server");
    const told: number[] = [];
    const accepting = yield* process.thread(function* () {
      told.push(Math.sign((yield* accept(process, listener))[0]));
    });
    const polling = yield* process.thread(function* () {
      process.put(SMALL, Buffer.from([listener, 0, 0, 0, POLLIN, 0, 0, 0]));
      told.push(yield* process.call("posix_poll", SMALL, 1, -1n));
    });
    yield* process.settle();
    assert.equal(told.length, 0);
    const client = yield* socket(process, SOCK_STREAM);
    assert.equal(yield* connect(process, client, "\0server"), 0);
    yield* process.join(accepting);
    const second = yield* socket(process, SOCK_STREAM);
    assert.equal(yield* connect(process, second, "\0server"), 0);
    yield* process.join(polling);
    assert.deepEqual(told, [1, 1]);
    assert.ok((yield* accept(process, listener))[0] > 0);
    process.put(SMALL, Buffer.alloc(16));
    process.put(SMALL + 8, Buffer.from(BigInt64Array.of(20_000n).buffer));
    assert.equal(yield* process.call("posix_setsockopt", listener, SOL_SOCKET, SO_RCVTIMEO, SMALL, 16), 0);
    const begin = process.now();
    assert.equal((yield* accept(process, listener))[0], -EAGAIN);
    assert.ok(process.now() - begin >= 20e6 && process.now() - begin < 30e6);
    assert.equal(yield* process.call("posix_fcntl", listener, 4, O_NONBLOCK), 0);
    assert.equal((yield* accept(process, listener))[0], -EAGAIN);
  });
});

test("a peer that closes with something unread: ECONNRESET, once; else the end", () => {
  runApp(kernel, function* (process) {
    const listener = yield* named(process, SOCK_STREAM, "/server");
    const [client, server] = yield* connected(process, listener, SOCK_STREAM, "/server");
    assert.equal(yield* send(process, client, "unread"), 6);
    assert.equal(yield* process.call("posix_ioctl", server, FIONREAD, SMALL), 0);
    assert.equal(process.get(SMALL, 4).readInt32LE(), 6);
    assert.equal(yield* send(process, server, "last words"), 10);
    assert.equal(yield* process.call("posix_close", server), 0);
    assert.equal(yield* events(process, client), POLLIN | POLLOUT | POLLHUP | POLLERR);
    assert.equal(yield* send(process, client, "x"), -EPIPE);
    assert.equal(yield* receive(process, client), "last words from /server");
    assert.equal(yield* receive(process, client), -ECONNRESET);
    assert.equal(yield* receive(process, client), "");
    assert.equal(yield* events(process, client), POLLIN | POLLOUT | POLLHUP);
    const [one, other] = yield* connected(process, listener, SOCK_STREAM, "/server");
    assert.equal(yield* send(process, one, "unread"), 6);
    assert.equal(yield* process.call("posix_close", other), 0);
    assert.equal(yield* option(process, one, SO_ERROR), ECONNRESET);
    assert.equal(yield* option(process, one, SO_ERROR), 0);
    const [mine, polite] = yield* connected(process, listener, SOCK_STREAM, "/server");
    assert.equal(yield* send(process, mine, "never read"), 10);
    assert.equal(yield* process.call("posix_shutdown", polite, SHUT_RD), 0);
    assert.equal(yield* process.call("posix_shutdown", polite, SHUT_WR), 0);
    assert.equal(yield* receive(process, mine), "");
  });
});

test("without memory or descriptors nothing is left behind", () => {
  runApp(
    kernel,
    function* (process) {
      const listener = yield* named(process, SOCK_STREAM, "/server", 4096);
      yield* process.call("posix_close", (yield* connected(process, listener, SOCK_STREAM, "/server"))[0]);
      yield* process.call("posix_close", 5);
      const before = yield* freeMemory(process);
      const clients: number[] = [];
      let result = 0;
      while (result === 0) {
        const fd = yield* socket(process, SOCK_STREAM);
        assert.ok(fd > 0);
        clients.push(fd);
        result = yield* connect(process, fd, "/server");
      }
      assert.equal(result, -23, "ENFILE");
      for (const fd of clients) assert.equal(yield* process.call("posix_close", fd), 0);
      for (let i = 1; i < clients.length; i++) {
        const [fd] = yield* accept(process, listener);
        assert.equal(yield* process.call("posix_close", fd), 0);
      }
      assert.ok(before - (yield* freeMemory(process)) <= 4096n * 3n, "but for a page of each slab");
      assert.equal(yield* write(process, listener, Buffer.from("x")), -ENOTCONN);
    },
    {},
    4,
  );
  runApp(kernel, function* (process) {
    const listener = yield* named(process, SOCK_STREAM, "/server");
    const client = yield* socket(process, SOCK_STREAM);
    assert.equal(yield* connect(process, client, "/server"), 0);
    let last = 0;
    for (let fd = 0; fd >= 0; fd = yield* process.call("posix_dup", 0)) last = fd;
    assert.equal((yield* accept(process, listener))[0], -EMFILE);
    assert.equal(yield* socket(process, SOCK_STREAM), -EMFILE);
    assert.equal(yield* process.call("posix_close", last), 0);
    assert.equal((yield* accept(process, listener))[0], last, "it waits still");
  });
});

test("poll of more sockets than places fit into a page", () => {
  runApp(kernel, function* (process) {
    const count = 200;
    const entries = Buffer.alloc(8 * 2 * count);
    const pairs: (readonly [number, number])[] = [];
    for (let i = 0; i < count; i++) {
      const ends = yield* pair(process, SOCK_STREAM);
      pairs.push(ends);
      ends.forEach((fd, side) => {
        entries.writeInt32LE(fd, 16 * i + 8 * side);
        entries.writeInt16LE(POLLIN, 16 * i + 8 * side + 4);
      });
    }
    const free = yield* freeMemory(process);
    let found = 0;
    const poller = yield* process.thread(function* () {
      process.put(BUFFER + 0x8000, entries);
      found = yield* process.call("posix_poll", BUFFER + 0x8000, 2 * count, -1n);
    });
    yield* process.settle();
    assert.equal(found, 0);
    assert.equal(yield* write(process, pairs[count - 1]?.[0] ?? -1, Buffer.from("x")), 1);
    yield* process.join(poller);
    assert.equal(found, 1);
    assert.equal(process.get(BUFFER + 0x8000 + 16 * count - 2, 2).readUInt16LE(), POLLIN);
    assert.ok((yield* freeMemory(process)) >= free - 65536n);
    for (const fd of pairs.flat()) assert.equal(yield* process.call("posix_close", fd), 0);
  });
});
