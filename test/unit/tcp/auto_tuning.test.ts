// Buffers that grow by themselves: far enough to fill a long path, no further than it needs, within the memory there is,
// and without ever taking back a window.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Network, type Conditions } from "../../support/network.ts";
import { established, MSS } from "./sender.ts";
import { mssOption, Peer } from "./peer.ts";
import { Errno, Stack } from "./stack.ts";

const PAGE = 4096;
const LONG_FAT: Conditions = { bandwidth: 100e6, queue: 1_250_000, delay: [50_000, 50_000] };

interface Transfer {
  readonly client: Stack;
  readonly server: Stack;
  readonly source: number;
  readonly child: number;
  readonly megabits: number;
}

interface Settings {
  readonly conditions: Conditions;
  readonly bytes: number;
  readonly receiveLimit?: number;
  readonly sendLimit?: number;
  readonly pages?: number;
  /** Bytes that the reader takes each millisecond. */
  readonly reads?: number;
  /** Called for every frame. */
  readonly watch?: (frame: Uint8Array, from: number) => void;
}

/** `bytes` from a client to a server whose buffers are as they come unless `settings` says so. */
async function transfer(settings: Settings): Promise<Transfer> {
  const { conditions, bytes, receiveLimit, sendLimit, pages = 8192, reads = 65_536 } = settings;
  const network = new Network(1, conditions);
  network.filter = (frame, from) => {
    settings.watch?.(frame, from.host);
    return true;
  };
  const server = (await Stack.create(1, { pages })).join(network);
  const client = (await Stack.create(2, { pages })).join(network);
  const listener = server.listen(80);
  const source = client.socket();
  if (receiveLimit !== undefined) server.call("tcpSetReceiveLimit", listener, receiveLimit);
  if (sendLimit !== undefined) client.call("tcpSetSendLimit", source, sendLimit);
  client.connect(server.address, 80, source);
  let child = 0;
  network.run("connect", 10_000, () => (child = server.accept(listener)) !== 0);
  const started = network.now;
  const chunk = new Uint8Array(65_536);
  let [sent, received] = [0, 0];
  while (received < bytes) {
    assert.ok(network.now - started < 600_000_000_000n, "the transfer ends");
    while (sent < bytes) {
      const taken = client.send(source, chunk.subarray(0, Math.min(chunk.length, bytes - sent)));
      if (taken === -Errno.EAGAIN) break;
      sent += taken;
    }
    network.pass(1);
    const part = server.read(child, reads);
    if (typeof part !== "number") received += part.length;
  }
  return { client, server, source, child, megabits: (bytes * 8e3) / Number(network.now - started) };
}

test("a path of 100 Mbit/s and 100 ms fills", async () => {
  const { client, server, source, child, megabits } = await transfer({ conditions: LONG_FAT, bytes: 40_000_000 });
  assert.ok(megabits > 75, `${megabits} Mbit/s`); // with slow start in it: what stands afterwards is the whole path
  assert.ok(server.field(child, "receiveLimit") >= 2 * 1_250_000);
  assert.ok(client.field(source, "sendLimit") >= 1_250_000);
});

test("SO_RCVBUF and SO_SNDBUF stay as they are set", async () => {
  const receiver = await transfer({ conditions: LONG_FAT, bytes: 2_000_000, receiveLimit: 100_000 });
  assert.equal(receiver.server.field(receiver.child, "receiveLimit"), 100_000);
  assert.ok(receiver.megabits < 8, `${receiver.megabits} Mbit/s`); // a window each round trip
  const sender = await transfer({ conditions: LONG_FAT, bytes: 2_000_000, sendLimit: 100_000 });
  assert.equal(sender.client.field(sender.source, "sendLimit"), 100_000);
  assert.ok(sender.megabits < 8, `${sender.megabits} Mbit/s`);
});

test("a short path keeps small buffers", async () => {
  const conditions = { bandwidth: 10e6, queue: 30_000, delay: [10_000, 10_000] as const }; // 25 kB and a queue
  const { client, server, source, child } = await transfer({ conditions, bytes: 4_000_000 });
  assert.ok(server.field(child, "receiveLimit") <= 131_072, `${server.field(child, "receiveLimit")}`);
  assert.equal(client.field(source, "sendLimit"), 262_144);
});

test("a reader who is slower than the path gets no larger window", async () => {
  const { server, child } = await transfer({ conditions: LONG_FAT, bytes: 2_000_000, reads: 300 });
  assert.ok(server.field(child, "receiveLimit") <= 131_072, `${server.field(child, "receiveLimit")}`);
});

test("the memory that is there bounds what a buffer grows to", async () => {
  const { server, child } = await transfer({ conditions: LONG_FAT, bytes: 10_000_000, pages: 1024 });
  // Of 4 MiB half is for buffers, and of that no connection gets more than half.
  assert.ok(server.field(child, "receiveLimit") <= 1 << 20);
  assert.ok(server.field(child, "receiveLimit") >= 1 << 19);
});

// RFC 9293 SHLD-14
test("the right edge of a window that grows never goes left", async () => {
  let [scale, edge, seen] = [0, -1, 0];
  const watch = (frame: Uint8Array, from: number): void => {
    if (from !== 1 || frame[12] !== 8 || frame[13] !== 0) return;
    const view = new DataView(frame.buffer, frame.byteOffset);
    if (((frame[47] ?? 0) & 2) !== 0) {
      assert.equal(frame[59], 3, "window scale");
      scale = frame[61] ?? 0;
      return;
    }
    const right = (view.getUint32(42) + (view.getUint16(48) << scale)) >>> 0;
    if (edge >= 0) assert.ok(((right - edge) | 0) >= 0, `${edge} … ${right}`);
    edge = right;
    seen += 1;
  };
  const conditions = { ...LONG_FAT, loss: 0.001 };
  await transfer({ conditions, bytes: 10_000_000, reads: 5000, watch });
  assert.ok(seen > 1000);
});

test("many connections that nobody reads hold no more than their share of memory, and all arrives afterwards", async () => {
  const bytes = 100_000;
  const network = new Network(3, { delay: [1000, 1000], bandwidth: 1e9 });
  const server = (await Stack.create(1, { pages: 2048, bufferPages: 400 })).join(network);
  const client = (await Stack.create(2, { pages: 8192 })).join(network);
  const listener = server.listen(80, 100);
  const sources = Array.from({ length: 60 }, () => client.connect(server.address, 80));
  const left = new Map(sources.map((source) => [source, bytes]));
  const children: number[] = [];
  const chunk = new Uint8Array(bytes);
  const write = (): void => {
    const child = server.accept(listener);
    if (child !== 0) children.push(child);
    for (const [source, count] of left) {
      const taken = client.send(source, chunk.subarray(0, count));
      if (taken > 0) left.set(source, count - taken);
      if (taken === count) left.delete(source);
    }
    assert.ok(server.call("bufferPagesUsed") <= 400);
  };
  network.run("fill", 10_000, () => children.length === sources.length && left.size === 0, write);
  network.pass(30_000);
  assert.ok(server.call("bufferPagesUsed") > 200, "the test fills the memory");
  let received = 0;
  network.run(
    "drain",
    600_000,
    () => received === bytes * sources.length,
    () => {
      for (const child of children) {
        const part = server.read(child);
        if (typeof part !== "number") received += part.length;
      }
    },
  );
});

test("segments smaller than the grain of the window do not move it on for ever", async () => {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  peer.stack.call("tcpSetReceiveLimit", listener, 16 * PAGE);
  const child = peer.open(listener, { options: Uint8Array.from([...mssOption(MSS), 1, 3, 3, 7]) });
  for (let sequence = 1; sequence < 48 * PAGE; sequence += 10) peer.send({ sequence, ack: 1, text: "ten octets" });
  assert.equal(peer.stack.field(child, "receiveCapacity"), 32 * PAGE);
});

test("a writer who found no room is told when there is", async () => {
  const { peer, child } = await established();
  peer.stack.call("tcpSetSendLimit", child, PAGE);
  assert.equal(peer.stack.send(child, new Uint8Array(2 * PAGE)), PAGE);
  assert.equal(peer.stack.field(child, "wantsRoom"), 1);
  peer.received();
  peer.send({ sequence: 1, ack: 1 + 1000 });
  assert.equal(peer.stack.field(child, "wantsRoom"), 1, "not for less than a third");
  peer.send({ sequence: 1, ack: 1 + 2000 });
  assert.equal(peer.stack.field(child, "wantsRoom"), 0);
});
