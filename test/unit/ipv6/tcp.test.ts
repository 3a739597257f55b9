import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../support/random.ts";
import { Errno, State } from "../tcp/stack.ts";
import { TCP, hex, packetFrame, readFrame, withChecksum, type Packet } from "./frames.ts";
import { Host, PEER, US } from "./host.ts";
import { at, connect6, listen6, pair, transfer } from "./pair.ts";

const ENETUNREACH = 101;

test("a connection carries bytes both ways and ends", async () => {
  const { network, client, server } = await pair(1);
  const listener = listen6(server, 80);
  const socket = connect6(client, US, 80);
  network.pass(100);
  const child = server.accept(listener);
  assert.equal(client.field(socket, "state"), State.ESTABLISHED);
  assert.equal(client.field(socket, "segmentSize"), 1500 - 60 - 12);
  const shown = (pointer: number): string => Buffer.from(server.bytes(pointer, 16)).toString("hex");
  assert.equal(shown(server.call("tcpRemoteAddress", child)), hex(PEER));
  assert.equal(shown(server.call("tcpLocalAddress", child)), hex(US));
  client.send(socket, "request");
  network.pass(100);
  assert.equal(server.readText(child), "request");
  server.send(child, "response");
  server.close(child);
  network.pass(100);
  assert.equal(client.readText(socket), "response");
  assert.equal(client.read(socket), 0);
  client.close(socket);
  network.pass(100);
  assert.equal(client.call("tableCount"), 0);
});

for (const seed of [1, 2, 3]) {
  test(`a megabyte arrives whole under loss, duplication, damage and reordering, seed ${seed}`, async () => {
    const conditions = { loss: 0.02, duplicate: 0.01, corrupt: 0.01, delay: [100, 3000] as const };
    transfer(await pair(seed, conditions), US, new Random(seed).bytes(1_000_000));
  });
}

test("a port that nobody listens on refuses", async () => {
  const { network, client } = await pair(1);
  const socket = connect6(client, US, 81);
  network.pass(100);
  assert.equal(client.error(socket), Errno.ECONNREFUSED);
});

test("a listener of both families takes IPv4 with a mapped address; IPV6_V6ONLY does not", async () => {
  const { network, client, server } = await pair(1);
  const both = listen6(server, 80);
  listen6(server, 81, true);
  const socket = client.connect(server.address, 80);
  const refused = client.connect(server.address, 81);
  network.pass(2_000);
  const child = server.accept(both);
  assert.notEqual(child, 0);
  const remote = Buffer.from(server.bytes(server.call("tcpRemoteAddress", child), 16)).toString("hex");
  assert.equal(remote, "00000000000000000000ffff0a000002");
  assert.equal(client.field(socket, "state"), State.ESTABLISHED);
  assert.equal(client.error(refused), Errno.ECONNREFUSED);
});

test("ports are shared between the families only where addresses do not overlap", async () => {
  const { server } = await pair(1);
  const bind = (ipv6: boolean, address: string, port: number, only6 = false): number => {
    const socket = server.call("tcpSocketCreate", ipv6);
    if (only6) server.call("setOnly6", socket);
    return server.call("tcpBind", socket, at(server, address), port);
  };
  assert.equal(bind(false, "::ffff:0:0", 80), 0);
  assert.equal(bind(true, "::", 80), -Errno.EADDRINUSE);
  assert.equal(bind(true, "::", 80, true), 0);
  assert.equal(bind(true, US, 80), -Errno.EADDRINUSE);
  assert.equal(bind(true, US, 82), 0);
  assert.equal(bind(false, "::ffff:0:0", 82), 0);
});

test("one family does not speak to the other", async () => {
  const { client } = await pair(1);
  const socket = client.call("tcpSocketCreate", true);
  assert.equal(client.call("tcpBind", socket, at(client, PEER), 0), 0);
  assert.equal(client.call("tcpConnect", socket, at(client, "::ffff:a00:1"), 80, client.now), -ENETUNREACH);
});

function segment(flags: number, sequence: number, acknowledgment: number): Packet {
  const header = Buffer.alloc(20);
  header.writeUInt16BE(1234, 0);
  header.writeUInt16BE(80, 2);
  header.writeUInt32BE(sequence, 4);
  header.writeUInt32BE(acknowledgment, 8);
  header[12] = 0x50;
  header[13] = flags;
  header.writeUInt16BE(65535, 14);
  return { source: PEER, destination: US, next: TCP, payload: withChecksum(PEER, US, TCP, header, 16) };
}

// RFC 9293 MUST-15
test("a peer over IPv6 that announces no MSS gets segments of 1220 bytes; ours is what the link takes", async () => {
  const host = await Host.settled();
  host.learn(PEER);
  const listener = listen6(host.stack, 80);
  const [answer] = host.input(segment(2, 100, 0));
  assert.ok(answer?.right);
  assert.deepEqual([...answer.payload.subarray(20, 24)], [2, 4, 0x05, 0xa0]);
  host.input(segment(16, 101, answer.payload.readUInt32BE(4) + 1));
  const child = host.stack.accept(listener);
  assert.equal(host.stack.field(child, "segmentSize"), 1220);
});

// RFC 9293 MUST-57
test("a segment for a group of hosts is dropped silently", async () => {
  const host = await Host.settled();
  host.learn(PEER);
  listen6(host.stack, 80);
  const toAll = { ...segment(2, 100, 0), destination: "ff02::1" };
  assert.deepEqual(
    host.input({ ...toAll, payload: withChecksum(PEER, "ff02::1", TCP, Buffer.from(toAll.payload), 16) }),
    [],
  );
});

test("a path that becomes narrower makes segments smaller at once", async () => {
  const { network, client, server } = await pair(1);
  const listener = listen6(server, 80);
  const socket = connect6(client, US, 80);
  network.pass(100);
  const child = server.accept(listener);
  let narrow = true;
  network.filter = (frame, from) => {
    const read = readFrame(frame);
    if (from !== client || read === null || 40 + read.payload.length <= 1300 || !narrow) return true;
    narrow = false;
    const quoted = packetFrame({ source: PEER, destination: US, next: TCP, payload: read.payload }).subarray(14, 200);
    const body = Buffer.concat([Buffer.from([0, 0, 0x05, 0x14]), quoted]);
    const message = withChecksum(US, PEER, 58, Buffer.concat([Buffer.from([2, 0, 0, 0]), body]), 2);
    const mac = Buffer.from([0x00, 0x16, 0x3e, 0x00, 0x00, 2]);
    client.receive(packetFrame({ source: US, destination: PEER, next: 58, payload: message, mac }), network.now);
    return false;
  };
  client.send(socket, new Uint8Array(20_000));
  network.pass(1_000);
  assert.equal(client.field(socket, "segmentSize"), 1300 - 60 - 12);
  let length = 0;
  for (let part = server.read(child); typeof part !== "number"; part = server.read(child)) length += part.length;
  assert.equal(length, 20_000);
});

// RFC 9293 MUST-48, MUST-49
test("segments and datagrams have the traffic class and the hop limit that were asked for", async () => {
  const host = await Host.settled();
  host.learn(PEER);
  const stream = host.stack.call("tcpSocketCreate", true);
  const datagrams = host.stack.call("udpSocketCreate", true);
  const fields = (): string[] => host.take().map((read) => `${read.trafficClass} ${read.hopLimit} ${read.right}`);
  host.stack.call("ask", stream, 4, 2, 46 << 2, 255 + 1);
  assert.equal(host.stack.call("tcpConnect", stream, host.address(PEER), 80, host.stack.now), -Errno.EINPROGRESS);
  assert.deepEqual(fields(), ["184 255 true"]);
  const send = (size: number): string[] => {
    host.stack.call("udpSendTo", datagrams, host.stack.scratch, size, host.address(PEER), 9, host.stack.now);
    return fields().map((text) => text.replace(/ (true|false)$/, ""));
  };
  assert.deepEqual(send(10), ["0 64"]);
  host.stack.call("askDatagrams", datagrams, 0xff, 0 + 1);
  assert.deepEqual(send(10), ["255 0"]);
  assert.deepEqual(send(2000), ["255 0", "255 0"]);
});
