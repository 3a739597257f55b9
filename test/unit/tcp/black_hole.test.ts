// A path that drops large packets without a word: smaller ones are tried, kept for ten minutes, and given up when they
// were not the cause.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Network } from "../../support/network.ts";
import { Errno, OFFLOADS, Stack } from "./stack.ts";

const ETHERNET_HEADER = 14;
const PORT = 80;

class Path {
  readonly network = new Network(1, { delay: [5000, 5000] });
  /** Larger IP packets vanish. */
  mtu = 1500;
  largest = 0;
  server!: Stack;
  client!: Stack;
  child = 0;
  source = 0;

  static async open(features = 0): Promise<Path> {
    const path = new Path();
    path.network.filter = (frame) => {
      const size = frame.length - ETHERNET_HEADER;
      path.largest = Math.max(path.largest, size);
      return size <= path.mtu;
    };
    path.server = (await Stack.create(1)).join(path.network);
    path.client = (await Stack.create(2, { features })).join(path.network);
    const listener = path.server.listen(PORT);
    path.source = path.client.connect(path.server.address, PORT);
    path.network.run("connect", 10_000, () => (path.child = path.server.accept(listener)) !== 0);
    return path;
  }

  /** Sends `bytes` and waits until all have come; ms that it took. */
  transfer(bytes: number): number {
    const began = this.network.now;
    let [sent, received] = [0, 0];
    this.largest = 0;
    this.network.run(
      "black hole",
      120_000,
      () => received === bytes,
      () => {
        while (sent < bytes) {
          const taken = this.client.send(this.source, new Uint8Array(Math.min(65_536, bytes - sent)));
          if (taken === -Errno.EAGAIN) break;
          assert.ok(taken > 0, `send: ${taken}`);
          sent += taken;
        }
        for (let part = this.server.read(this.child); typeof part !== "number"; part = this.server.read(this.child)) {
          received += part.length;
        }
      },
    );
    return Number(this.network.now - began) / 1e6;
  }
}

for (const features of [0, OFFLOADS]) {
  test(`a path that drops more than 1280 bytes silently is found out, features ${features}`, async () => {
    const path = await Path.open(features);
    path.mtu = 1280;
    assert.ok(path.transfer(1_000_000) < 5000, "three time-outs, then it flows");
    path.transfer(100_000);
    assert.equal(path.largest, 1280);
  });
}

test("a still narrower one too", async () => {
  const path = await Path.open();
  path.mtu = 600;
  assert.ok(path.transfer(100_000) < 30_000);
  path.transfer(100_000);
  assert.equal(path.largest, 552);
});

test("one packet that is too large for the path is enough", async () => {
  const path = await Path.open();
  path.mtu = 600;
  assert.ok(path.transfer(900) < 30_000);
});

test("a new connection knows what an earlier one has found", async () => {
  const path = await Path.open();
  path.mtu = 1280;
  path.transfer(10_000);
  const listener = path.server.listen(PORT + 1);
  path.source = path.client.connect(path.server.address, PORT + 1);
  path.network.run("connect", 10_000, () => (path.child = path.server.accept(listener)) !== 0);
  assert.ok(path.transfer(100_000) < 1000);
});

test("after ten minutes large packets are tried again", async () => {
  const path = await Path.open();
  path.mtu = 1280;
  path.transfer(10_000);
  path.mtu = 1500;
  path.network.pass(11 * 60_000);
  path.transfer(100_000);
  assert.equal(path.largest, 1500);
});

test("an outage that smaller packets do not end was none of their size", async () => {
  const path = await Path.open();
  path.mtu = 0;
  for (let sent = 0; sent < 10_000; sent += 1000) path.client.send(path.source, new Uint8Array(1000));
  path.network.pass(90_000);
  path.mtu = 1500;
  let received = 0;
  path.network.run(
    "after the outage",
    120_000,
    () => received === 10_000,
    () => {
      const part = path.server.read(path.child);
      if (typeof part !== "number") received += part.length;
    },
  );
  path.transfer(100_000);
  assert.equal(path.largest, 1500);
});

test("time-outs of small segments say nothing about the path", async () => {
  const path = await Path.open();
  path.mtu = 0;
  path.client.send(path.source, new Uint8Array(500));
  path.network.pass(10_000);
  path.mtu = 1500;
  path.network.pass(20_000);
  path.server.read(path.child);
  path.transfer(100_000);
  assert.equal(path.largest, 1500);
});
