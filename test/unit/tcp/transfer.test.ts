// Two stacks on a bad network: everything sent arrives, once, in order, for many seeds.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { Network, type Conditions } from "../../support/network.ts";
import { Random } from "../../support/random.ts";
import { Errno, OFFLOADS, Stack, State, type StackOptions } from "./stack.ts";

/** One direction of a connection: what one side still has to send, and what the other side got. */
class Direction {
  #sent = 0;
  #hash = createHash("sha256");
  received = 0;
  ended = false;

  constructor(
    readonly from: Stack,
    readonly fromSocket: () => number,
    readonly to: Stack,
    readonly toSocket: () => number,
    readonly data: Uint8Array,
  ) {}

  step(random: Random): void {
    const source = this.fromSocket();
    while (source !== 0 && this.#sent < this.data.length) {
      const size = random.between(1, 60000);
      const taken = this.from.send(source, this.data.subarray(this.#sent, this.#sent + size));
      if (taken === -Errno.EAGAIN) break;
      assert.ok(taken > 0, `send: ${taken}`);
      this.#sent += taken;
      if (this.#sent === this.data.length) assert.equal(this.from.shutdown(source), 0);
    }
    const target = this.toSocket();
    while (target !== 0 && !this.ended) {
      const part = this.to.read(target, random.between(1, 65536));
      if (part === 0) this.ended = true;
      if (part === -Errno.EAGAIN) break;
      if (typeof part === "number") {
        assert.equal(part, 0, `receive: ${part}`);
        break;
      }
      this.#hash.update(part);
      this.received += part.length;
    }
  }

  verify(): void {
    assert.equal(this.received, this.data.length);
    assert.equal(this.#hash.digest("hex"), createHash("sha256").update(this.data).digest("hex"));
  }
}

interface Case {
  readonly name: string;
  readonly conditions: Conditions;
  readonly client?: StackOptions;
  readonly server?: StackOptions;
  readonly bytes: number;
  readonly seeds: readonly number[];
  readonly limitMilliseconds: number;
}

async function transfer(c: Case, seed: number): Promise<void> {
  const name = `tcp ${c.name} seed ${seed}`;
  const network = new Network(seed, c.conditions);
  const random = new Random(seed + 1000);
  const server = (await Stack.create(1, { seed, ...c.server })).join(network);
  const client = (await Stack.create(2, { seed, ...c.client })).join(network);
  const free = [server.call("pagesFreeCount"), client.call("pagesFreeCount")];
  const listener = server.listen(80);
  const source = client.connect(server.address, 80);
  let child = 0;
  const up = new Direction(
    client,
    () => source,
    server,
    () => child,
    random.bytes(c.bytes),
  );
  const down = new Direction(
    server,
    () => child,
    client,
    () => source,
    random.bytes(c.bytes),
  );
  network.run(
    name,
    c.limitMilliseconds,
    () => up.ended && down.ended,
    () => {
      if (child === 0) child = server.accept(listener);
      up.step(random);
      down.step(random);
    },
  );
  try {
    up.verify();
    down.verify();
    server.close(child);
    client.close(source);
    server.close(listener);
    network.conditions = {};
    network.pass(120_000);
    for (const [index, stack] of [server, client].entries()) {
      assert.equal(stack.call("socketCount"), 0);
      assert.equal(stack.call("tableCount"), 0);
      assert.equal(stack.call("bufferPagesUsed"), 0);
      assert.equal(stack.call("rangeListCount"), 0);
      assert.equal(stack.call("retransmissionLogCount"), 0);
      assert.equal(stack.call("heldFrames"), 0);
      const missing = (free[index] ?? 0) - stack.call("pagesFreeCount");
      assert.ok(missing >= 0 && missing <= 7, `${missing} pages missing`); // one page per slab stays
    }
  } catch (error) {
    throw network.failure(name, error);
  }
}

const range = (count: number): number[] => Array.from({ length: count }, (_unused, index) => index + 1);

const cases: readonly Case[] = [
  { name: "clean network", conditions: {}, bytes: 4_000_000, seeds: [1], limitMilliseconds: 60_000 },
  {
    name: "segmentation offload",
    conditions: { delay: [50, 60] },
    client: { features: OFFLOADS },
    server: { features: OFFLOADS },
    bytes: 4_000_000,
    seeds: [1],
    limitMilliseconds: 60_000,
  },
  {
    name: "loss",
    conditions: { loss: 0.03, delay: [1000, 1200] },
    bytes: 500_000,
    seeds: range(8),
    limitMilliseconds: 600_000,
  },
  {
    name: "reordering",
    conditions: { delay: [100, 3000] },
    bytes: 500_000,
    seeds: range(4),
    limitMilliseconds: 600_000,
  },
  {
    name: "all evils",
    conditions: { loss: 0.02, duplicate: 0.02, corrupt: 0.01, delay: [500, 5000] },
    client: { features: OFFLOADS },
    bytes: 300_000,
    seeds: range(12),
    limitMilliseconds: 900_000,
  },
  {
    name: "heavy loss",
    conditions: { loss: 0.25, delay: [500, 1500] },
    bytes: 40_000,
    seeds: range(6),
    limitMilliseconds: 3_600_000,
  },
  {
    name: "little memory",
    conditions: { loss: 0.01, delay: [200, 2000] },
    client: { bufferPages: 6 },
    server: { bufferPages: 6 },
    bytes: 200_000,
    seeds: range(4),
    limitMilliseconds: 900_000,
  },
  {
    name: "small packets",
    conditions: { loss: 0.02, delay: [200, 900] },
    client: { mtu: 576 },
    bytes: 200_000,
    seeds: range(3),
    limitMilliseconds: 900_000,
  },
];

for (const c of cases) {
  for (const seed of c.seeds) {
    test(`both ways, ${c.name}, seed ${seed}`, () => transfer(c, seed));
  }
}

test("a clean transfer is not acknowledged segment by segment", async () => {
  const network = new Network(1, { delay: [100, 100] });
  const server = (await Stack.create(1)).join(network);
  const client = (await Stack.create(2)).join(network);
  const listener = server.listen(80);
  const source = client.connect(server.address, 80);
  let child = 0;
  network.run("connect", 1000, () => (child = server.accept(listener)) !== 0);
  const before = network.sent;
  const data = new Uint8Array(1_000_000);
  const direction = new Direction(
    client,
    () => source,
    server,
    () => child,
    data,
  );
  const random = new Random(1);
  network.run(
    "one way",
    60_000,
    () => direction.ended,
    () => direction.step(random),
  );
  const segments = Math.ceil(data.length / 1448);
  assert.ok(network.sent - before < segments * 1.6, `${network.sent - before} frames for ${segments} segments`);
  network.pass(100);
  assert.equal(client.field(source, "state"), State.FIN_WAIT_2);
});
