// An app that passes TCP connections to relatives by sendmsg and recvmsg, on the real kernel: as who sends, and as the child that receives. forkd's own code
// is at the other end of its mailbox.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Mailbox, MAILBOX_PAGES, MESSAGE, type Message } from "../../tools/forkd/family/mailbox.ts";
import type { App } from "../../tools/fake-xen/coroutines.ts";
import type { Domain } from "../../tools/fake-xen/domain.ts";
import { Host, type Guest } from "../../tools/fake-xen/host.ts";
import { fakeKernel } from "../support/fake.ts";
import {
  EOPNOTSUPP,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  SOCK_DGRAM,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  pair,
  receive,
  recvmsg,
  rights,
  send,
  sendmsg,
} from "../unit/posix/unix.ts";
import { BUFFER, Calls, type Piece } from "./calls.ts";
import { EVENT, FakeForkd } from "./forkd.ts";
import { GUEST_MAC } from "./peer.ts";
import { fork } from "./process.ts";

const MAILBOX = 180;
const ENDS = 0x3000;
const PORT = 80;
const WAY_POOL = 3;
const [EAGAIN, EMFILE, ETOOMANYREFS] = [11, 24, 109];
const O_NONBLOCK = 0x800;
const F_GETFL = 3;
const FLOW = 40;
/** Of the domain, each with two pages. */
const PIPES = 256;

const kernel = await fakeKernel();

interface Scene {
  readonly calls: Calls;
  readonly host: Host;
  readonly guest: Guest;
  readonly forkd: FakeForkd;
  /** Accepts a connection that a client has made, or will. */
  accept(flags?: number): Piece<number>;
  /** What the process has sent since the last time, about connections. */
  sent(): Message[];
  /** Gives it a message. */
  post(message: Message): void;
  /** Takes away the network device. */
  unplug(): void;
}

/** A client: connects again and again, and says "hello" each time. */
function* client(domain: Domain): App {
  const calls = new Calls(domain);
  yield* calls.sleep(2); // both networks are up by then
  for (let i = 0; i < 8; i++) {
    const fd = yield* calls.socket("tcp");
    yield* calls.connect(fd, "10.0.0.2", PORT);
    calls.put(BUFFER, Buffer.from("hello"));
    yield* calls.call("posix_sendto", fd, BUFFER, 5, 0, 0);
  }
  yield* calls.sleep(3600);
  return 0;
}

function run(body: (scene: Scene) => Piece<void>): void {
  const host = new Host(kernel, 5);
  let failure: unknown;
  let done = false;
  const guest: Guest = host.create({
    commandLine: "ip=10.0.0.2/24 fork=3",
    network: { mac: GUEST_MAC },
    app: function* (domain) {
      const calls = new Calls(domain);
      const mailbox = (): Mailbox => {
        const at = forkd.get(MAILBOX);
        return new Mailbox(domain.memory.bytes.subarray(at, at + MAILBOX_PAGES * 4096));
      };
      try {
        yield* calls.sleep(1);
        const listener = yield* calls.socket("tcp");
        yield* calls.bind(listener, PORT);
        yield* calls.call("posix_listen", listener, 8);
        yield* body({
          calls,
          host,
          guest,
          forkd,
          accept: (flags = 0) => calls.call("posix_accept", listener, 0, flags),
          sent: () => {
            const messages: Message[] = [];
            const box = mailbox();
            for (let next = box.next(); next !== undefined; next = box.next()) {
              messages.push(next);
              box.taken(next);
            }
            const others: readonly number[] = [MESSAGE.flowPage, MESSAGE.listening, MESSAGE.addresses];
            return messages.filter(({ type }) => !others.includes(type));
          },
          unplug: () => {
            const { netback } = guest;
            assert.ok(netback);
            netback.abandon();
            for (const node of [netback.front, netback.back]) host.store.tree.remove(node);
          },
          post: (message) => {
            mailbox().put(message);
            forkd.notify();
          },
        });
        done = true;
      } catch (error) {
        failure = error;
      }
      return 0;
    },
  });
  host.create({ commandLine: "ip=10.0.0.3/24", network: { mac: "00:16:3e:00:00:03" }, app: client });
  const forkd: FakeForkd = new FakeForkd(host, guest);
  forkd.attach();
  host.world.runUntil(() => done || failure !== undefined, 600e9);
  if (failure !== undefined) throw failure;
  assert.ok(done, guest.console);
}

function* close(calls: Calls, ...fds: readonly number[]): Piece<void> {
  for (const fd of fds) assert.equal(yield* calls.call("posix_close", fd), 0);
}

/** How many pipes there is room for. */
function* pipes(calls: Calls): Piece<number> {
  const ends: number[] = [];
  let made = 0;
  for (; (yield* calls.call("posix_pipe", ENDS, 0)) === 0; made++) {
    const both = calls.get(ENDS, 8);
    ends.push(both.readInt32LE(0), both.readInt32LE(4));
  }
  yield* close(calls, ...ends);
  return made;
}

/** Types and addressees of messages. */
function told(messages: readonly Message[]): (readonly [number, number])[] {
  return messages.map(({ type, pid }) => [type, pid] as const);
}

for (const type of [SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM]) {
  test(`type ${type}: the sender keeps a connection until it is taken, whatever it closes, and what else there is`, () => {
    run(function* ({ calls, forkd, accept, sent, post }) {
      const [one, other] = yield* pair(calls, type);
      const connection = yield* accept();
      forkd.answers = [2];
      assert.equal(yield* fork(calls), 2);
      yield* close(calls, other);
      assert.equal(yield* sendmsg(calls, one, ["x"], rights([connection, 1])), -EOPNOTSUPP, "a console does not go");
      assert.equal(yield* sendmsg(calls, one, ["x"], rights([connection])), 1);
      yield* close(calls, connection, one);
      assert.deepEqual(told(sent()), [], "not released");
      assert.equal(yield* pipes(calls), PIPES - 1);
      const payload = Buffer.alloc(FLOW + 4);
      payload.writeUInt32LE(7, FLOW);
      post({ type: MESSAGE.taken, flags: 0, pid: 2, payload });
      yield* calls.sleep(0.01);
      assert.deepEqual(told(sent()), [], "another number");
      payload.writeUInt32LE(1, FLOW);
      post({ type: MESSAGE.taken, flags: 0, pid: 2, payload });
      yield* calls.sleep(0.01);
      assert.deepEqual(told(sent()), [[MESSAGE.release, 0]]);
      assert.equal(yield* pipes(calls), PIPES);
    });
  });
}

for (const type of [SOCK_STREAM, SOCK_DGRAM]) {
  test(`type ${type}: who sends a fifth waits until one has been taken`, () => {
    run(function* ({ calls, host, forkd, accept, post }) {
      const [one, other] = yield* pair(calls, type);
      forkd.answers = [2];
      assert.equal(yield* fork(calls), 2);
      yield* close(calls, other);
      const connection = yield* accept();
      for (let i = 0; i < 4; i++) assert.equal(yield* sendmsg(calls, one, ["x"], rights([connection])), 1);
      const waits = { flags: MSG_DONTWAIT };
      assert.equal(yield* sendmsg(calls, one, ["x"], rights([connection]), waits), -EAGAIN);
      assert.equal(yield* sendmsg(calls, one, ["x"], rights(Array<number>(5).fill(connection))), -ETOOMANYREFS);
      const payload = Buffer.alloc(FLOW + 4);
      payload.writeUInt32LE(2, FLOW);
      const begun = host.world.now;
      host.world.after(3e9, () => post({ type: MESSAGE.taken, flags: 0, pid: 2, payload }));
      assert.equal(yield* sendmsg(calls, one, ["x"], rights([connection])), 1);
      assert.ok(host.world.now - begun >= 3e9);
      assert.equal(yield* sendmsg(calls, one, ["x"], rights([connection]), waits), -EAGAIN);
      assert.equal(yield* send(calls, one, "bytes alone"), 11);
      yield* close(calls, connection, one);
    });
  });
}

test("who could have received it is gone", () => {
  run(function* ({ calls, forkd, accept, sent }) {
    const [one, other] = yield* pair(calls, SOCK_STREAM);
    forkd.answers = [2];
    assert.equal(yield* fork(calls), 2);
    yield* close(calls, other);
    const connection = yield* accept();
    assert.equal(yield* sendmsg(calls, one, ["x"], rights([connection])), 1);
    yield* close(calls, connection, one);
    forkd.tell(EVENT.gone, 2, 0);
    yield* calls.sleep(0.01);
    assert.deepEqual(told(sent()), [[MESSAGE.release, 0]]);
    assert.equal(yield* pipes(calls), PIPES);
  });
});

for (const type of [SOCK_STREAM, SOCK_SEQPACKET, SOCK_DGRAM]) {
  test(`type ${type}: a child receives what its parent has sent and does not have itself`, () => {
    run(function* ({ calls, guest, forkd, accept, sent, unplug }) {
      const [one, other] = yield* pair(calls, type);
      forkd.answers = [2];
      assert.equal(yield* fork(calls), 2);
      const [first, second] = [yield* accept(), yield* accept(O_NONBLOCK)];
      assert.equal(yield* send(calls, one, "before"), 6);
      assert.equal(yield* sendmsg(calls, one, ["two"], rights([first, second])), 3);
      assert.equal(yield* sendmsg(calls, one, ["one"], rights([first])), 3);
      assert.equal(yield* sendmsg(calls, one, ["last"], rights([second])), 4);
      yield* close(calls, first, second);
      assert.equal(yield* pipes(calls), PIPES - 2);
      sent();
      guest.becomeChildAtFork(() => {
        unplug();
        forkd.become(3, WAY_POOL);
      });
      assert.equal(yield* fork(calls), 0);
      forkd.serves();
      yield* close(calls, one);
      let { pieces, descriptors, flags } = yield* recvmsg(calls, other, [100]);
      if (type !== SOCK_STREAM) {
        assert.deepEqual([pieces, descriptors, flags], [["before"], [], 0]);
        ({ pieces, descriptors, flags } = yield* recvmsg(calls, other, [100]));
      }
      assert.deepEqual([pieces, descriptors.length, flags], [[type === SOCK_STREAM ? "beforetwo" : "two"], 2, 0]);
      const modes = [0, 0];
      for (const i of [0, 1])
        modes[i] = (yield* calls.call("posix_fcntl", descriptors[i] ?? -1, F_GETFL, 0)) & O_NONBLOCK;
      assert.deepEqual(modes, [0, O_NONBLOCK]);
      const cut = yield* recvmsg(calls, other, [100], -1);
      assert.deepEqual([cut.pieces, cut.descriptors, cut.flags], [["one"], [], MSG_CTRUNC]);
      assert.equal(yield* receive(calls, other), "last", "a read without room for it");
      const taken = [MESSAGE.taken, 1] as const;
      const expected = [
        [MESSAGE.release, 0], // it inherits them, but not what is on its way
        [MESSAGE.release, 0],
        taken,
        taken,
        taken, // and what it has no room for is one more descriptor of what it has
        taken,
      ];
      assert.deepEqual(told(sent()), expected);
      const [own] = descriptors;
      assert.equal(yield* calls.call("posix_recvfrom", own ?? -1, BUFFER, 9, MSG_DONTWAIT, 0), -EAGAIN);
      assert.deepEqual(told(sent()), [[MESSAGE.claim, 0]]);
      yield* close(calls, ...descriptors, other);
      assert.deepEqual(told(sent()), [
        [MESSAGE.release, 0],
        [MESSAGE.release, 0],
      ]);
    });
  });
}

test("what its own byte comes back with, and where there is no descriptor free", () => {
  run(function* ({ calls, forkd, accept, sent }) {
    const [one, other] = yield* pair(calls, SOCK_STREAM);
    forkd.answers = [2];
    assert.equal(yield* fork(calls), 2);
    const connection = yield* accept();
    assert.equal(yield* sendmsg(calls, one, ["mine"], rights([connection])), 4);
    yield* close(calls, connection);
    const got = yield* recvmsg(calls, other, [9]);
    assert.deepEqual([got.pieces, got.descriptors], [["mine"], [connection]]);
    assert.equal(yield* calls.call("posix_recvfrom", connection, BUFFER, 9, 0, 0), 5);
    assert.equal(yield* sendmsg(calls, one, ["again"], rights([connection])), 5);
    yield* close(calls, connection);
    const filling: number[] = [];
    for (let fd = 0; fd >= 0;) {
      fd = yield* calls.call("posix_dup", one);
      if (fd >= 0) filling.push(fd);
      else assert.equal(fd, -EMFILE);
    }
    const cut = yield* recvmsg(calls, other, [9]);
    assert.deepEqual([cut.pieces, cut.descriptors, cut.flags], [["again"], [], MSG_CTRUNC]);
    assert.deepEqual(told(sent()), [[MESSAGE.release, 0]], "the last reference");
    yield* close(calls, ...filling, one, other);
  });
});
