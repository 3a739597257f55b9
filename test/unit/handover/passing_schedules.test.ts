// Random schedules: a connection goes from process to process by descriptors, used or not, while both ends send over a network that loses and reorders,
// and forkd begins anew now and then. Everything arrives, once and in order, and nothing is left behind.
// KARYON_PASSING_SCHEDULES=1000 runs so many.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Random } from "../../support/random.ts";
import type { Process } from "./process.ts";
import { Scene } from "./passing_scene.ts";

const COUNT = Number(process.env["KARYON_PASSING_SCHEDULES"] ?? 12);
const STEPS = 60;
const LONG = 60_000;
const PATIENCE = 2000;

/** What one end sends and what comes of it. */
class Way {
  readonly text: Uint8Array;
  sent = 0;
  readonly received: Buffer[] = [];

  constructor(random: Random) {
    this.text = random.bytes(random.between(0, LONG));
  }

  send(stack: Process | Scene["client"], socket: number, most: number): void {
    const part = this.text.subarray(this.sent, this.sent + most);
    const taken = part.length === 0 ? 0 : stack.send(socket, part);
    if (taken > 0) this.sent += taken;
  }

  receive(stack: Process | Scene["client"], socket: number): void {
    const part = stack.read(socket);
    if (typeof part !== "number") this.received.push(Buffer.from(part));
  }

  get isWhole(): boolean {
    return this.received.reduce((sum, { length }) => sum + length, 0) >= this.text.length;
  }
}

async function run(seed: number): Promise<void> {
  const random = new Random(seed);
  const delay = random.between(10, 5000);
  const conditions = {
    delay: [delay, 2 * delay],
    loss: random.fraction() * 0.05,
    reorder: random.fraction() * 0.1,
  } as const;
  const scene = await Scene.start(3, seed, { ...conditions, late: 2 * delay });
  for (const process of scene.children) {
    process.call("mayWrite", process.pid);
    scene.share();
  }
  const index = scene.connect();
  const far = scene.far[index] ?? 0;
  const [there, back] = [new Way(random), new Way(random)];
  let holder = scene.parent;
  let fd = scene.near[index] ?? -1;
  for (let step = 0; step < PATIENCE && (step < STEPS || !there.isWhole || !back.isWhole); step++) {
    there.send(scene.client, far, random.between(1, 5000));
    back.receive(scene.client, far);
    const uses = random.between(0, 3);
    const socket = holder.call("socketOf", fd);
    if (uses === 1 || step >= STEPS) there.receive(holder, socket);
    if (uses === 2 || step >= STEPS) back.send(holder, socket, random.between(1, 5000));
    scene.share();
    if (step < STEPS && random.fraction() < 0.5) {
      if (holder.call("passSend", fd, 1, 1) === 1) {
        assert.equal(holder.call("descriptorClose", fd), 0);
        scene.share();
        scene.pass(random.between(0, 3));
        holder = scene.processes[random.between(1, 3)] ?? holder;
        ({ fd } = scene.take(holder));
      }
    }
    if (random.fraction() < 0.05) scene.family.restart();
    scene.pass(random.between(0, 20));
  }
  assert.deepEqual(Buffer.concat(there.received), Buffer.from(there.text));
  assert.deepEqual(Buffer.concat(back.received), Buffer.from(back.text));
  assert.ok(scene.family.moved > 1, `${scene.family.moved} moves`);
  assert.equal(holder.call("descriptorClose", fd), 0);
  scene.pass(500);
  scene.client.close(far);
  scene.assertClean();
}

test(`${COUNT} random schedules`, async () => {
  for (let seed = 1; seed <= COUNT; seed++) {
    try {
      await run(seed);
    } catch (error) {
      throw new Error(`schedule ${seed}`, { cause: error });
    }
  }
});
