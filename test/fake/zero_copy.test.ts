// Large text goes out of the transport's own memory: what the back end finds there, when, and for how long.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { App } from "../../tools/fake-xen/coroutines.ts";
import type { Domain } from "../../tools/fake-xen/domain.ts";
import { Host, type Guest } from "../../tools/fake-xen/host.ts";
import { fakeKernel } from "../support/fake.ts";
import { BUFFER, Calls } from "./calls.ts";
import { GUEST_MAC } from "./peer.ts";

const kernel = await fakeKernel();

const MESSAGE = 60_000;
const SENDER_MAC = "00:16:3e:00:00:03";

/** What the collector has got: each connection's bytes, of which all must be the same. */
interface Received {
  readonly value: number;
  readonly length: number;
}

/** Accepts one connection after the other and reads it to its end. */
function* collector(domain: Domain, done: (received: Received) => void): App {
  const calls = new Calls(domain);
  const listener = yield* calls.socket("tcp");
  yield* calls.bind(listener, 80);
  yield* calls.call("posix_listen", listener, 8);
  for (;;) {
    const fd = yield* calls.call("posix_accept", listener, 0, 0);
    let value = -1;
    let length = 0;
    for (;;) {
      const count = yield* calls.call("posix_recvfrom", fd, BUFFER, 65536, 0, 0);
      if (count <= 0) break;
      const bytes = calls.get(BUFFER, count);
      if (value < 0) value = bytes[0] ?? -1;
      const byte = value;
      assert.ok(bytes.every((found) => found === byte));
      length += count;
    }
    yield* calls.call("posix_close", fd);
    done({ value, length });
  }
}

/** Opens `rounds` connections, one after the other, and sends `length` bytes of the round's number on each. */
function* sender(domain: Domain, rounds: number, length: number, begin: () => boolean): App {
  const calls = new Calls(domain);
  yield* calls.sleep(2); // both networks are up by then
  for (let round = 0; round < rounds; round++) {
    while (!begin()) yield* calls.sleep(0.1);
    const fd = yield* calls.socket("tcp");
    const connected = yield* calls.connect(fd, "10.0.0.2", 80);
    if (connected < 0) return -connected;
    calls.put(BUFFER, Buffer.alloc(MESSAGE, round));
    for (let left = length; left > 0;) {
      const sent = yield* calls.call("posix_sendto", fd, BUFFER, Math.min(left, MESSAGE), 0, 0);
      if (sent < 0) return -sent;
      left -= sent;
    }
    yield* calls.call("posix_close", fd);
  }
  yield* calls.sleep(3600);
  return 0;
}

interface Scene {
  readonly host: Host;
  readonly sending: Guest;
  readonly received: Received[];
  /** How many connections the sender may begin. */
  allow: number;
  /** Waits until `count` connections have been received. */
  await(count: number): void;
  /** Waits until `count` more bytes have been on the wire. */
  awaitSent(count: number): void;
}

function scene(rounds: number, length = MESSAGE, memory = 16): Scene {
  const host = new Host(kernel, 3);
  const received: Received[] = [];
  host.create({
    commandLine: "ip=10.0.0.2/24",
    network: { mac: GUEST_MAC },
    app: (domain) => collector(domain, (one) => void received.push(one)),
  });
  let begun = 0;
  const sending = host.create({
    memory,
    commandLine: "ip=10.0.0.3/24",
    network: { mac: SENDER_MAC },
    app: (domain) => sender(domain, rounds, length, () => begun < made.allow && ++begun > 0),
  });
  const made: Scene = {
    ...{ host, sending, received, allow: rounds },
    await: (count) => host.world.runUntil(() => received.length >= count, 600e9),
    awaitSent: (count) => {
      let seen = host.hub.capture.length;
      let left = count;
      host.world.runUntil(() => {
        for (; seen < host.hub.capture.length; seen++) left -= host.hub.capture[seen]!.data.length;
        return left <= 0;
      });
    },
  };
  return made;
}

test("a page that an unanswered frame refers to is not used for anything else", () => {
  const s = scene(40);
  s.allow = 1;
  s.sending.awaitConsole("connected to domain 0");
  const netback = s.sending.netback!;
  const held = netback.holdTransmitted();
  s.await(1);
  const first = [...held].filter(({ live }) => live.length > 0);
  assert.ok(first.reduce((sum, { live }) => sum + live.length, 0) > MESSAGE / 2);
  s.allow = 3; // acknowledged, closed and forgotten: only the back end still refers to the text of the first
  s.await(3);
  for (const { live, taken } of first) assert.deepEqual(live, taken);
  netback.answerTransmitted();
  s.allow = 40;
  s.await(40);
  assert.deepEqual(
    s.received,
    Array.from({ length: 40 }, (_, value) => ({ value, length: MESSAGE })),
  );
});

test("no grant is made or ended while text flows", () => {
  const s = scene(2, 4_000_000);
  s.allow = 1;
  s.await(1);
  s.allow = 2;
  s.awaitSent(1_000_000);
  const table = s.sending.domain.grants.snapshot();
  s.awaitSent(2_000_000);
  assert.deepEqual(s.sending.domain.grants.snapshot(), table);
  s.await(2);
  assert.deepEqual(s.received[1], { value: 1, length: 4_000_000 });
});

test("a guest of four MiB sends large frames too", () => {
  const s = scene(3, 1_000_000, 4);
  s.await(3);
  assert.ok(s.host.hub.capture.some((frame) => frame.data.length > 20_000));
});

test("is restored with text under way, which arrives", () => {
  const s = scene(1, 2_000_000);
  s.awaitSent(500_000);
  s.sending.saveAndRestore({ mac: SENDER_MAC });
  s.await(1);
  assert.deepEqual(s.received, [{ value: 0, length: 2_000_000 }]);
});

test("a back end that restarts with text under way gets it again", () => {
  const s = scene(1, 2_000_000);
  s.awaitSent(500_000);
  s.sending.netback!.holdTransmitted();
  s.host.world.pass(50e6);
  s.sending.netback!.kill();
  s.host.world.pass(100e6);
  s.sending.netback!.start();
  s.await(1);
  assert.deepEqual(s.received, [{ value: 0, length: 2_000_000 }]);
});
