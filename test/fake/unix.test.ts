// Sockets of AF_UNIX of an app that may fork: their pipes are shared ones. As one process sees them, as a parent, and as a child.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeKernel } from "../support/fake.ts";
import {
  ECONNREFUSED,
  ECONNRESET,
  EMSGSIZE,
  ENOENT,
  EOPNOTSUPP,
  EPIPE,
  MSG_DONTWAIT,
  SHUT_RD,
  SHUT_WR,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  accept,
  connect,
  connected,
  named,
  pair,
  receive,
  recvmsg,
  rights,
  send,
  sendmsg,
  socket,
} from "../unit/posix/unix.ts";
import { BUFFER, type Calls, type Piece } from "./calls.ts";
import { EVENT } from "./forkd.ts";
import { fork, runProcess, type Scene } from "./process.ts";

const [EAGAIN, ENDS, SMALL] = [11, 0x3000, 0x3100];
const O_NONBLOCK = 0x800;
const [POLLIN, POLLOUT, POLLHUP] = [1, 4, 16];
/** What a shared pipe holds, but for the head of a message. */
const LARGEST = 7168 - 8;
const WAY_POOL = 3;

const kernel = await fakeKernel();

function run(body: (scene: Scene) => Piece<void>): void {
  runProcess(kernel, body);
}

function* events(calls: Calls, fd: number): Piece<number> {
  calls.put(SMALL, Buffer.from([fd, 0, 0, 0, POLLIN | POLLOUT, 0, 0, 0]));
  yield* calls.call("posix_poll", SMALL, 1, 0n);
  return calls.get(SMALL + 6, 2).readUInt16LE();
}

function* close(calls: Calls, ...fds: readonly number[]): Piece<void> {
  for (const fd of fds) assert.equal(yield* calls.call("posix_close", fd), 0);
}

test("within one process they are as others, but for how much they hold", () => {
  run(function* ({ calls }) {
    const [one, other] = yield* pair(calls, SOCK_DGRAM);
    assert.equal(yield* calls.call("posix_write", one, BUFFER, LARGEST + 1), -EMSGSIZE);
    assert.equal(yield* calls.call("posix_write", one, BUFFER, LARGEST), LARGEST);
    assert.equal(yield* events(calls, one), 0);
    assert.equal(yield* send(calls, one, "x", undefined, MSG_DONTWAIT), -EAGAIN);
    assert.equal(yield* calls.call("posix_read", other, BUFFER, 8000), LARGEST);
    assert.equal(yield* events(calls, one), POLLOUT);
    assert.equal(yield* send(calls, one, ""), 0);
    assert.equal(yield* send(calls, one, "text"), 4);
    assert.equal(yield* receive(calls, other), "");
    assert.equal(yield* receive(calls, other), "text");
    assert.equal(yield* receive(calls, other, 9, MSG_DONTWAIT), -EAGAIN);
    yield* close(calls, other);
    assert.equal(yield* send(calls, one, "x"), -ECONNREFUSED);

    const listener = yield* named(calls, SOCK_SEQPACKET, "/server");
    const [client, server] = yield* connected(calls, listener, SOCK_SEQPACKET, "/server");
    assert.equal(yield* send(calls, client, "first"), 5);
    assert.equal(yield* send(calls, client, "second"), 6);
    assert.equal(yield* receive(calls, server, 2), "fi");
    assert.equal(yield* receive(calls, server), "second");
    assert.equal(yield* send(calls, client, "unread"), 6);
    yield* close(calls, server);
    assert.equal(yield* receive(calls, client), -ECONNRESET);
    assert.equal(yield* receive(calls, client), "");
    assert.equal(yield* send(calls, client, "x"), -EPIPE);
    const [left, right] = yield* pair(calls, SOCK_STREAM);
    assert.equal(yield* send(calls, left, "never read"), 10);
    assert.equal(yield* calls.call("posix_recvfrom", right, BUFFER, 5, 2, 0), 5, "MSG_PEEK");
    for (const how of [SHUT_RD, SHUT_WR]) assert.equal(yield* calls.call("posix_shutdown", right, how), 0);
    assert.equal(yield* receive(calls, left), "", "no reset");
  });
});

test("who waits for a datagram, or for room for one, is woken", () => {
  run(function* ({ calls, host, forkd }) {
    const [one, other] = yield* pair(calls, SOCK_DGRAM);
    forkd.answers = [2];
    assert.equal(yield* fork(calls), 2);
    // The child's ends make no end of datagrams, nor does its death.
    host.world.after(1e9, () => forkd.tell(EVENT.gone, 2, 0));
    calls.put(SMALL, Buffer.from([other, 0, 0, 0, POLLIN, 0, 0, 0]));
    assert.equal(yield* calls.call("posix_poll", SMALL, 1, 2_000_000_000n), 0);
    assert.equal(yield* receive(calls, other, 9, MSG_DONTWAIT), -EAGAIN);
    assert.equal(yield* send(calls, one, "text"), 4);
    assert.equal(yield* events(calls, other), POLLIN | POLLOUT);
    assert.equal(yield* receive(calls, other), "text");
  });
});

test("what a relative may have written over a message leads nowhere", () => {
  run(function* ({ calls, guest }) {
    const [one, other] = yield* pair(calls, SOCK_DGRAM);
    const { bytes } = guest.domain.memory;
    for (const [length, nameLength] of [
      [7, 0],
      [0xffff_ffff, 0],
      [7, 0xffff_ffff],
      [7, 109],
      [8, 0],
      [0, 8],
      [0xffff_fff0, 16],
      [7168, 0],
      [0, 0],
      [3, 4],
    ] as const) {
      const payload = Buffer.from("forgery");
      assert.equal(yield* send(calls, one, "forgery"), 7);
      const at = Buffer.from(bytes.buffer).indexOf(Buffer.concat([Buffer.from(Uint32Array.of(7, 0).buffer), payload]));
      assert.ok(at > 0);
      bytes.set(Buffer.from(Uint32Array.of(length, nameLength).buffer), at);
      const fits = length + nameLength <= 7 && nameLength <= 108;
      const got = yield* receive(calls, other, 100, MSG_DONTWAIT);
      if (fits) assert.ok(typeof got === "string" && got.length <= 7 + " from ".length, String(got));
      else assert.equal(got, -EAGAIN);
      bytes.fill(0, at, at + 15);
      while (typeof (yield* receive(calls, other, 100, MSG_DONTWAIT)) === "string");
    }
    assert.equal(yield* send(calls, one, "text"), 4);
    assert.equal(yield* receive(calls, other), "text");
  });
});

test("descriptors go to this process only: not while a child has the other end", () => {
  run(function* ({ calls, forkd }) {
    const [one, other] = yield* pair(calls, SOCK_STREAM);
    assert.equal(yield* calls.call("posix_pipe", ENDS, 0), 0);
    const ends = calls.get(ENDS, 8);
    const [reader, writer] = [ends.readInt32LE(0), ends.readInt32LE(4)];
    assert.equal(yield* send(calls, one, "before "), 7);
    assert.equal(yield* sendmsg(calls, one, ["with"], rights([writer])), 4);
    assert.equal(yield* send(calls, one, " behind"), 7);
    forkd.answers = [2];
    assert.equal(yield* fork(calls), 2);
    assert.equal(yield* sendmsg(calls, one, ["x"], rights([writer])), -EOPNOTSUPP);
    // What is on its way was inherited, as descriptors are.
    const got = yield* recvmsg(calls, other, [100]);
    assert.deepEqual([got.pieces, got.descriptors.length], [["before with"], 1]);
    forkd.tell(EVENT.gone, 2, 0);
    yield* calls.sleep(0.01);
    assert.equal(yield* sendmsg(calls, one, ["again"], rights([writer])), 5);
    const more = yield* recvmsg(calls, other, [7, 100]);
    assert.deepEqual([more.pieces, more.descriptors.length], [[" behind", "again"], 1]);
    yield* close(calls, writer, ...got.descriptors, ...more.descriptors);
    assert.equal(yield* events(calls, reader), POLLHUP);
    forkd.answers = [3];
    assert.equal(yield* fork(calls), 3);
    yield* close(calls, other);
    assert.equal(yield* sendmsg(calls, one, ["x"], rights([reader])), -EOPNOTSUPP, "the child reads it");
    forkd.tell(EVENT.gone, 3, 0);
    yield* calls.sleep(0.01);
    assert.equal(yield* sendmsg(calls, one, ["x"], rights([reader])), -EPIPE);
  });
});

test("a child: connections go on, names are its own, what nobody has accepted is the parent's", () => {
  run(function* ({ calls, guest, forkd }) {
    const listener = yield* named(calls, SOCK_STREAM | O_NONBLOCK, "/server");
    const [client, server] = yield* connected(calls, listener, SOCK_STREAM, "/server");
    const waiting = yield* socket(calls, SOCK_STREAM);
    assert.equal(yield* connect(calls, waiting, "/server"), 0);
    const [one, other] = yield* pair(calls, SOCK_DGRAM);
    assert.equal(yield* send(calls, client, "from before"), 11);
    assert.equal(yield* send(calls, one, "this, too"), 9);
    guest.becomeChildAtFork(() => forkd.become(2, WAY_POOL));
    assert.equal(yield* fork(calls), 0);
    assert.equal(yield* receive(calls, server), "from before");
    assert.equal(yield* receive(calls, other), "this, too");
    assert.equal(yield* send(calls, server, "answer"), 6);
    assert.equal(yield* receive(calls, client), "answer from /server");
    assert.equal((yield* accept(calls, listener))[0], -EAGAIN);
    assert.equal(yield* events(calls, listener), 0);
    assert.equal(yield* receive(calls, waiting, 9, MSG_DONTWAIT), -EAGAIN, "the parent has its other end");
    const again = yield* socket(calls, SOCK_STREAM);
    assert.equal(yield* connect(calls, again, "/server"), 0);
    const [accepted] = yield* accept(calls, listener);
    assert.equal(yield* send(calls, again, "here"), 4);
    assert.equal(yield* receive(calls, accepted), "here");
    yield* close(calls, listener);
    assert.equal(yield* connect(calls, yield* socket(calls, SOCK_STREAM), "/server"), -ENOENT);
  });
});
