// Random schedules: a connection whose near end goes through the processes of a family while a random network loses and reorders its segments,
// all from one seed. Everything sent arrives, once and in order, whoever sends and reads it; nothing hangs; nothing is left behind.
// KARYON_HANDOVER_SCHEDULES=10000 runs so many, and KARYON_HANDOVER_SCHEDULE=<seed> the one alone.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { Network, type Conditions } from "../../support/network.ts";
import { Random } from "../../support/random.ts";
import {
  CHECKSUM_OFFLOAD_TX,
  Errno,
  GSO_TCPV4,
  SCATTER_GATHER,
  Stack,
  State,
  type StackOptions,
} from "../tcp/stack.ts";
import { Family } from "./family.ts";
import type { Process } from "./process.ts";

const COUNT = Number(process.env["KARYON_HANDOVER_SCHEDULES"] ?? 120);
const ONLY = process.env["KARYON_HANDOVER_SCHEDULE"];
const PORT = 80;
const INHERITED = 11;
const ENOMEM = 12;

function conditions(random: Random): Conditions {
  const chance = (probability: number, value: number): number => (random.fraction() < probability ? value : 0);
  const delay = random.between(10, 20_000);
  return {
    delay: [delay, delay + random.between(0, 1) * random.between(0, 2 * delay)],
    loss: chance(0.5, random.fraction() * 0.1),
    duplicate: chance(0.3, random.fraction() * 0.1),
    corrupt: chance(0.2, random.fraction() * 0.03),
    reorder: chance(0.4, random.fraction() * 0.2),
    late: random.between(10, 3 * delay),
    ...(random.fraction() < 0.4
      ? { bandwidth: random.between(1, 200) * 1e6, queue: random.between(5, 200) * 1500 }
      : {}),
  };
}

function options(random: Random, seed: number): StackOptions {
  return {
    seed,
    pages: 1024,
    bufferPages: random.fraction() < 0.15 ? random.between(6, 20) : 0,
    features:
      [0, GSO_TCPV4 | CHECKSUM_OFFLOAD_TX, GSO_TCPV4 | CHECKSUM_OFFLOAD_TX | SCATTER_GATHER][random.between(0, 2)] ?? 0,
    mtu: random.fraction() < 0.2 ? random.between(576, 1500) : 1500,
  };
}

/** What one end of the connection has to send and has received, whichever process does it. */
class End {
  readonly text: Uint8Array;
  readonly #hash = createHash("sha256");
  sent = 0;
  received = 0;
  ended = false;
  finished = false;
  failed = 0;

  constructor(random: Random) {
    this.text = random.bytes(random.between(0, random.fraction() < 0.3 ? 150_000 : 15_000));
  }

  /** The process that uses the connection now sends and reads as it can. */
  step(stack: Stack, socket: number, random: Random): void {
    if (this.failed !== 0) return;
    if (random.fraction() < 0.5) this.#read(stack, socket, random);
    this.#send(stack, socket, random);
    this.#read(stack, socket, random);
  }

  #send(stack: Stack, socket: number, random: Random): void {
    while (this.sent < this.text.length) {
      const part = this.text.subarray(this.sent, this.sent + random.between(1, 20_000));
      const taken = stack.send(socket, part, random.fraction() < 0.2);
      if (taken < 0) return this.#fails(taken);
      this.sent += taken;
    }
    if (this.finished) return;
    const result = stack.shutdown(socket);
    if (result < 0) return this.#fails(result);
    this.finished = true;
  }

  #read(stack: Stack, socket: number, random: Random): void {
    while (!this.ended) {
      if (random.fraction() < 0.2) return; // it reads slowly
      const part = stack.read(socket, random.between(1, 30_000));
      if (part === 0) this.ended = true;
      else if (typeof part === "number") return this.#fails(part);
      else {
        this.#hash.update(part);
        this.received += part.length;
      }
    }
  }

  #fails(result: number): void {
    if (result !== -Errno.EAGAIN && result !== -ENOMEM) this.failed = -result;
  }

  get done(): boolean {
    return (this.ended && this.finished) || this.failed !== 0;
  }

  verify(sender: End): void {
    assert.equal(this.failed, 0);
    assert.equal(this.received, sender.text.length);
    assert.equal(this.#hash.digest("hex"), createHash("sha256").update(sender.text).digest("hex"));
  }
}

/** The family's side: who uses the connection, and who holds it besides. */
class Near {
  readonly idle: Process[] = [];
  #forks: number;
  /** forkd begins anew now and then. */
  readonly #restarts: boolean;

  constructor(
    readonly family: Family,
    readonly socket: number,
    public user: Process,
    readonly random: Random,
  ) {
    this.#forks = random.between(1, 4);
    this.#restarts = random.fraction() < 0.2;
  }

  /** Perhaps something happens to the processes. */
  step(): void {
    const roll = this.random.fraction();
    if (this.#restarts && roll > 0.98) this.family.restart();
    if (roll < 0.1 && this.#forks > 0) this.#fork();
    else if (roll < 0.2) this.#drop();
  }

  #fork(): void {
    this.#forks -= 1;
    const child = this.family.fork(this.user);
    if (this.random.fraction() < 0.5) {
      this.idle.push(this.user); // the child claims it
      this.user = child;
      if (this.random.fraction() < 0.3) this.#drop();
      return;
    }
    this.idle.push(child);
    if (this.random.fraction() < 0.5) return; // the child never uses it
    this.user.close(this.socket); // the child gets what is released
    this.idle.splice(this.idle.indexOf(child), 1);
    this.user = child;
  }

  /** One that does not use it closes it, or ends without a word. */
  #drop(): void {
    const process = this.idle[this.random.between(0, this.idle.length - 1)];
    if (process === undefined) return;
    const sharing = process.call("sharingOf", this.socket);
    const plain = process.field(this.socket, "state") === INHERITED && (sharing & 32) === 0;
    this.idle.splice(this.idle.indexOf(process), 1);
    if (plain && process !== this.family.first && this.random.fraction() < 0.3) this.family.end(process);
    else process.close(this.socket);
  }

  close(): void {
    for (const process of [...this.idle, this.user]) process.close(this.socket);
    this.idle.length = 0;
  }
}

/** Nothing of the connection is left. */
function checkEmpty(stack: Stack, sockets: number): void {
  assert.equal(stack.call("socketCount"), sockets, "sockets");
  for (const count of ["tableCount", "bufferPagesUsed", "rangeListCount", "retransmissionLogCount", "heldFrames"]) {
    assert.equal(stack.call(count), 0, count);
  }
}

/** Runs one; how many hand-overs there were. */
async function schedule(seed: number): Promise<number> {
  const name = `handover schedule ${seed}`;
  const random = new Random(seed);
  const network = new Network(seed, conditions(random));
  const delay = random.between(10, 3000);
  const family = await Family.create(network, 1, options(random, seed), [delay, delay * random.between(1, 5)]);
  const client = (await Stack.create(2, options(random, seed))).join(network);
  const listener = family.first.listen(PORT);
  const far = client.socket();
  const ends = { near: new End(random), far: new End(random) };
  /** Bytes after which the far end breaks the connection off. */
  const cut = random.fraction() < 0.1 ? random.between(0, 100_000) : Infinity;
  if (random.fraction() < 0.5) client.call("tcpSetNoDelay", far, true, client.now);
  if (random.fraction() < 0.3) family.first.call("tcpSetReceiveLimit", listener, random.between(4096, 100_000));
  client.connect(family.first.address, PORT, far);
  let near: Near | undefined;
  let broken = false;
  const step = (): void => {
    if (near === undefined) {
      const socket = family.first.accept(listener);
      if (socket === 0) return;
      near = new Near(family, socket, family.first, random);
    }
    near.step();
    ends.near.step(near.user, near.socket, random);
    if (client.field(far, "state") < State.ESTABLISHED) return;
    ends.far.step(client, far, random);
    if (ends.far.received <= cut || broken || ends.far.done) return;
    broken = true;
    client.call("tcpAbort", far, client.now);
  };
  network.run(name, 7_200_000, () => ends.near.done && (ends.far.done || broken), step);
  try {
    // Of a connection that is over and read to its end nothing is left to hand over: not even the end.
    const over = ends.near.failed === Errno.ECONNRESET && ends.near.finished;
    if (over) assert.ok(broken || ends.near.received === ends.far.text.length, "the rest is lost");
    else if (!broken) ends.near.verify(ends.far);
    if (!broken) ends.far.verify(ends.near);
    near?.close();
    client.close(far);
    network.conditions = {};
    network.pass(200_000);
    for (const { process } of family.members) {
      checkEmpty(process, 1);
      assert.equal(process.call("unfinished"), 0);
    }
    checkEmpty(client, 0);
    assert.ok(family.ownership.idle);
  } catch (error) {
    throw network.failure(name, error);
  }
  return family.moved;
}

test(`${COUNT} random schedules of hand-overs: nothing hangs, nothing leaks, no byte is wrong`, async () => {
  if (ONLY !== undefined) {
    await schedule(Number(ONLY));
    return;
  }
  let moved = 0;
  for (let seed = 1; seed <= COUNT; seed++) {
    try {
      moved += await schedule(seed);
    } catch (error) {
      throw new Error(`schedule ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
  assert.ok(moved > COUNT / 2, `${moved} hand-overs`);
});
