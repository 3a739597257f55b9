// Bounds under attack and over time: SYN floods, full backlogs, leaks, noise.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Network } from "../../support/network.ts";
import { Random } from "../../support/random.ts";
import { brief, Peer } from "./peer.ts";
import { Errno, Poll, Stack, State } from "./stack.ts";

test("a syn flood holds a bounded number of half-open connections, and a real peer still gets in", async () => {
  const peer = await Peer.create({ pages: 2048 });
  const listener = peer.stack.listen(80, 128);
  const free = peer.stack.call("pagesFreeCount");
  for (let i = 0; i < 5000; i++) peer.send({ flags: "S", sourcePort: 1024 + i, sequence: i });
  assert.equal(peer.stack.call("halfOpenCount"), 256);
  assert.ok(free - peer.stack.call("pagesFreeCount") < 32);
  peer.port = 60_000;
  assert.notEqual(peer.open(listener), 0);
  peer.pass(200_000);
  assert.equal(peer.stack.call("halfOpenCount"), 0);
  assert.equal(peer.stack.call("tableCount"), 1);
});

test("a full backlog takes neither syns nor acks until accept makes room", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80, 2);
  for (const port of [1001, 1002, 1003]) {
    peer.send({ flags: "S", sourcePort: port });
    peer.send({ sequence: 1, ack: 1, sourcePort: port });
  }
  assert.equal(peer.stack.field(listener, "acceptCount"), 2);
  assert.deepEqual(peer.send({ flags: "S", sourcePort: 1004 }), []);
  assert.notEqual(peer.stack.accept(listener), 0);
  assert.equal(brief(peer.send({ flags: "S", sourcePort: 1004 }))[0], "SA 0 1");
  peer.send({ sequence: 1, ack: 1, sourcePort: 1004 });
  assert.equal(peer.stack.field(listener, "acceptCount"), 2);
});

test("closing a listener resets what nobody accepted and forgets half-open connections", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  peer.send({ flags: "S", sourcePort: 1001 });
  peer.send({ sequence: 1, ack: 1, sourcePort: 1001 });
  peer.send({ flags: "S", sourcePort: 1002 });
  peer.stack.close(listener);
  const resets = peer.received();
  assert.deepEqual([resets.length, resets[0]?.flags, resets[0]?.ack], [1, "RA", 1]);
  assert.equal(peer.stack.call("socketCount"), 0);
  assert.equal(peer.stack.call("tableCount"), 0);
  assert.equal(peer.stack.call("halfOpenCount"), 0);
});

test("two listeners cannot share an end, and a closed one frees it", async () => {
  const peer = await Peer.create();
  const first = peer.stack.listen(80);
  assert.throws(() => peer.stack.listen(80), new RegExp(String(Errno.EADDRINUSE)));
  peer.stack.close(first);
  peer.stack.listen(80);
});

test("bind to port 0 and connect choose free ports", async () => {
  const peer = await Peer.create();
  const ports = new Set<number>();
  for (let i = 0; i < 200; i++) {
    const socket = peer.stack.socket();
    assert.equal(peer.stack.call("bind", socket, 0, 0), 0);
    ports.add(peer.stack.call("tcpLocalPort", socket));
  }
  assert.equal(ports.size, 200);
});

test("thousands of connections leave nothing behind", async () => {
  const network = new Network(7, { delay: [50, 150] });
  const server = (await Stack.create(1, { pages: 1024 })).join(network);
  const client = (await Stack.create(2, { pages: 1024 })).join(network);
  const listener = server.listen(80);
  const round = (): void => {
    const sockets = Array.from({ length: 20 }, () => client.connect(server.address, 80));
    const asked = new Set<number>();
    const finished = new Set<number>();
    let children: number[] = [];
    network.run(
      "connections",
      5000,
      () => finished.size === 20,
      () => {
        for (let child = server.accept(listener); child !== 0; child = server.accept(listener)) children.push(child);
        children = children.filter((child) => {
          if (typeof server.readText(child) === "number") return true;
          server.send(child, "answer");
          server.close(child);
          return false;
        });
        for (const socket of sockets) {
          if (finished.has(socket)) continue;
          if (client.poll(socket) & Poll.WRITABLE && !asked.has(socket)) {
            client.send(socket, "request");
            asked.add(socket);
          }
          if (client.readText(socket) === "answer") {
            client.close(socket);
            finished.add(socket);
          }
        }
      },
    );
    network.pass(70_000);
  };
  round();
  const before = [server, client].map((stack) => stack.call("pagesFreeCount"));
  for (let i = 0; i < 100; i++) round();
  for (const [index, stack] of [server, client].entries()) {
    assert.equal(stack.call("pagesFreeCount"), before[index]);
    assert.equal(stack.call("socketCount"), stack === server ? 1 : 0);
    assert.equal(stack.call("tableCount"), 0);
    assert.equal(stack.call("timeWaitCount"), 0);
    assert.equal(stack.call("bufferPagesUsed"), 0);
  }
});

test("noise on every field neither stops the stack nor leaks", async () => {
  const random = new Random(42);
  const peer = await Peer.create({ pages: 1024 });
  const listener = peer.stack.listen(80, 64);
  const flags = ["S", "A", "FA", "R", "PA", "SA", "SF", "AU", "RA", "", "FSRPAU"];
  const pick = (values: readonly number[]): number => values[random.between(0, values.length - 1)] ?? 0;
  for (let i = 0; i < 20_000; i++) {
    const near = random.fraction() < 0.8;
    const options = random.bytes(random.fraction() < 0.3 ? random.between(0, 40) : 0);
    peer.send({
      flags: flags[random.between(0, flags.length - 1)] ?? "A",
      sourcePort: 2000 + random.between(0, 20),
      sequence: near ? random.between(0, 3000) : random.u32(),
      ack: near ? random.between(0, 3) : random.u32(),
      window: pick([0, 1, 100, 65535]),
      text: "x".repeat(pick([0, 0, 1, 10, 1400])),
      urgent: pick([0, 1, 65535]),
      options: options.subarray(0, Math.min(40, options.length)),
    });
    const child = peer.stack.accept(listener);
    if (child !== 0) peer.stack.send(child, "y".repeat(random.between(1, 5000)));
    if (child !== 0 && random.fraction() < 0.5) peer.stack.close(child);
    if (i % 100 === 0) peer.pass(random.between(0, 3000));
  }
  assert.equal(peer.stack.field(listener, "state"), State.LISTEN);
  assert.equal(peer.stack.call("heldFrames"), 0);
  peer.stack.close(listener);
});

test("random bytes as segments are survived", async () => {
  const random = new Random(43);
  const peer = await Peer.create();
  peer.stack.listen(80);
  for (let i = 0; i < 20_000; i++) {
    const frame = peer.frame({ flags: "S" });
    const noise = random.bytes(frame.length - 38);
    frame.set(noise, 38);
    peer.deliver(frame);
  }
  assert.ok(peer.stack.call("halfOpenCount") <= 256);
});
