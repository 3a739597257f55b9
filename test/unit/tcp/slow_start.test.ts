// The end of slow start: by delay where a queue builds up (HyStart++, RFC 9406), not before.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Network, type Conditions } from "../../support/network.ts";
import { Errno, Stack } from "./stack.ts";

const NO_THRESHOLD = 1 << 28;

interface Outcome {
  readonly threshold: number;
  readonly window: number;
  readonly dropped: number;
}

/** Sends `bytes` over a path of `conditions`. */
async function send(conditions: Conditions, bytes: number): Promise<Outcome> {
  const network = new Network(1, conditions);
  const server = (await Stack.create(1)).join(network);
  const client = (await Stack.create(2)).join(network);
  const listener = server.listen(80);
  const source = client.connect(server.address, 80);
  let [child, sent, received] = [0, 0, 0];
  network.run("connect", 10_000, () => (child = server.accept(listener)) !== 0);
  network.run(
    "slow start",
    60_000,
    () => received === bytes,
    () => {
      while (sent < bytes) {
        const taken = client.send(source, new Uint8Array(Math.min(65_536, bytes - sent)));
        if (taken === -Errno.EAGAIN) break;
        sent += taken;
      }
      for (let part = server.read(child); typeof part !== "number"; part = server.read(child)) received += part.length;
    },
  );
  const threshold = client.field(source, "slowStartThreshold");
  return { threshold, window: client.field(source, "congestionWindow"), dropped: network.dropped };
}

const SLOW = { bandwidth: 20e6, delay: [20_000, 20_000] as const }; // 100 kB are on their way

test("a queue that builds up ends slow start before it overflows", async () => {
  const { threshold, dropped } = await send({ ...SLOW, queue: 1_500_000 }, 4_000_000);
  assert.equal(dropped, 0);
  assert.ok(threshold > 100_000 && threshold < 1_000_000, `${threshold}`);
});

test("a path without a queue is not taken for one with", async () => {
  const { threshold, window } = await send({ bandwidth: 1e9, delay: [20_000, 20_000] }, 2_000_000);
  assert.equal(threshold, NO_THRESHOLD);
  assert.ok(window > 400_000, `${window}`);
});

test("round trips that vary by less than a threshold do not end slow start", async () => {
  const { threshold } = await send({ delay: [20_000, 21_000] }, 500_000);
  assert.equal(threshold, NO_THRESHOLD);
});
