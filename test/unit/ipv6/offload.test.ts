// What IPv6 leaves to the device – checksums, segmentation, text where it lies – and the flow label by which it knows connections.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../support/random.ts";
import { CHECKSUM_OFFLOAD_TX_IPV6, GSO_TCPV6, OFFLOADS, OFFLOADS_IPV6 } from "../tcp/stack.ts";
import { TCP } from "./frames.ts";
import { US } from "./host.ts";
import { connect6, listen6, pair, transfer, type Pair } from "./pair.ts";

const DATA = new Random(1).bytes(1_000_000);

/** The flow label of an IPv6 frame. */
function flowLabel(frame: Uint8Array): number {
  return Buffer.from(frame).readUInt32BE(14) & 0xfffff;
}

/** The frames of TCP over IPv6 that `sender` sends from now on. */
function sentBy({ network, client, server }: Pair, sender: "client" | "server"): Uint8Array[] {
  const frames: Uint8Array[] = [];
  network.filter = (frame, from) => {
    if (from === (sender === "client" ? client : server) && frame[20] === TCP) frames.push(frame);
    return true;
  };
  return frames;
}

test("large frames leave with their text where it lies", async () => {
  const both = await pair(1, { delay: [50, 60] }, OFFLOADS_IPV6);
  const frames = sentBy(both, "client");
  transfer(both, US, DATA);
  const attached = both.client.call("attachedFrames");
  assert.ok(attached >= 10 && attached <= 100, `${attached} frames`);
  assert.ok(frames.length > 690, `${frames.length} segments`);
  assert.ok(frames.every(({ length }) => length <= 1514));
});

for (const seed of [1, 2, 3]) {
  test(`every byte arrives under loss, duplication, damage and reordering, seed ${seed}`, async () => {
    const conditions = { loss: 0.02, duplicate: 0.01, corrupt: 0.01, delay: [100, 3000] as const };
    transfer(await pair(seed, conditions, OFFLOADS_IPV6), US, new Random(seed).bytes(1_000_000));
  });
}

test("a device that offloads IPv4 only, or no segmentation of IPv6, gets frames as it can send them", async () => {
  for (const features of [OFFLOADS, OFFLOADS | CHECKSUM_OFFLOAD_TX_IPV6]) {
    const both = await pair(1, {}, features);
    const frames = sentBy(both, "client");
    transfer(both, US, DATA.subarray(0, 100_000));
    assert.equal(both.client.call("attachedFrames"), 0);
    assert.ok(frames.every(({ length }) => length <= 1514));
  }
  assert.notEqual(OFFLOADS_IPV6 & GSO_TCPV6, 0);
});

test("all packets of a connection have one flow label, and others another one", async () => {
  const labels = new Set<number>();
  for (let connection = 0; connection < 20; connection++) {
    const both = await pair(connection, {}, OFFLOADS_IPV6);
    listen6(both.server, 80);
    const frames = sentBy(both, "client");
    const socket = connect6(both.client, US, 80);
    both.network.pass(100);
    both.client.send(socket, DATA.subarray(0, 10_000));
    both.network.pass(1_000);
    const [label = 0, ...others] = new Set(frames.map(flowLabel));
    assert.deepEqual(others, []);
    assert.notEqual(label, 0);
    assert.ok(frames.length > 5);
    labels.add(label);
  }
  assert.ok(labels.size >= 19, `${labels.size} labels`);
});

test("two connections of one pair of hosts have two labels", async () => {
  const both = await pair(1);
  listen6(both.server, 80);
  const frames = sentBy(both, "client");
  for (let i = 0; i < 10; i++) connect6(both.client, US, 80);
  both.network.pass(1_000);
  assert.ok(new Set(frames.map(flowLabel)).size >= 9);
});
