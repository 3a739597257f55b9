// Random schedules: two stacks, a network with random evils, a random conversation, all from one seed. Everything sent
// arrives, once and in order; nothing hangs; nothing is left behind. KARYON_TCP_SCHEDULES=10000 runs so many, and
// KARYON_TCP_SCHEDULE=<seed> the one alone.
import assert from "node:assert/strict";
import { createHash, type Hash } from "node:crypto";
import { test } from "node:test";
import { Network, type Conditions } from "../../support/network.ts";
import { Random } from "../../support/random.ts";
import { CHECKSUM_OFFLOAD_TX, Errno, GSO_TCPV4, Stack, type StackOptions } from "./stack.ts";

const COUNT = Number(process.env["KARYON_TCP_SCHEDULES"] ?? 300);
const ONLY = process.env["KARYON_TCP_SCHEDULE"];
const PORT = 80;
/** Seeds beyond those of every run that have found something: a lost retransmission that was due twice. */
const FOUND = [5001];

function conditions(random: Random): Conditions {
  const chance = (probability: number, value: number): number => (random.fraction() < probability ? value : 0);
  const delay = random.between(10, 30_000);
  return {
    delay: [delay, delay + random.between(0, 1) * random.between(0, 2 * delay)],
    loss: chance(0.6, random.fraction() * 0.15),
    duplicate: chance(0.3, random.fraction() * 0.1),
    corrupt: chance(0.3, random.fraction() * 0.05),
    reorder: chance(0.4, random.fraction() * 0.2),
    late: random.between(10, 3 * delay),
    ...(random.fraction() < 0.5
      ? { bandwidth: random.between(1, 200) * 1e6, queue: random.between(5, 200) * 1500 }
      : {}),
  };
}

function stackOptions(random: Random, seed: number): StackOptions {
  return {
    seed,
    pages: 1024,
    bufferPages: random.fraction() < 0.2 ? random.between(4, 16) : 0,
    features: random.fraction() < 0.5 ? GSO_TCPV4 | CHECKSUM_OFFLOAD_TX : 0,
    mtu: random.fraction() < 0.2 ? random.between(576, 1500) : 1500,
  };
}

const ETHERNET_HEADER = 14;

/** What a path lets through without a word about the rest: for most, everything. */
function silentMtu(random: Random): number {
  const chance = random.fraction();
  if (chance < 0.05) return random.between(576, 1280);
  return chance < 0.15 ? random.between(1280, 1500) : Infinity;
}

/** Options of the two sockets, drawn apart from the rest so that seeds keep their networks. */
function setOptions(random: Random, stack: Stack, socket: number): void {
  const limits = [random.between(4096, 300_000), random.between(4096, 300_000)] as const;
  if (random.fraction() < 0.5) stack.call("tcpSetReceiveLimit", socket, limits[0]); // else it grows by itself
  if (random.fraction() < 0.5) stack.call("tcpSetSendLimit", socket, limits[1]);
  if (random.fraction() < 0.2) stack.call("tcpSetCork", socket, true, stack.now);
  if (random.fraction() < 0.2) stack.call("tcpSetQuickAck", socket, true, stack.now);
  if (random.fraction() < 0.2) stack.call("tcpSetSegmentMaximum", socket, random.between(88, 1500));
}

/** One side of a connection: sends its text in pieces, checks what it gets, and closes. */
class Side {
  readonly #text: Uint8Array;
  readonly #hash: Hash = createHash("sha256");
  #sent = 0;
  received = 0;
  ended = false;
  socket = 0;

  constructor(
    readonly stack: Stack,
    random: Random,
  ) {
    this.#text = random.bytes(random.between(0, random.fraction() < 0.3 ? 200_000 : 20_000));
  }

  step(random: Random): void {
    if (this.socket === 0) return;
    while (this.#sent < this.#text.length) {
      const part = this.#text.subarray(this.#sent, this.#sent + random.between(1, 20_000));
      const taken = this.stack.send(this.socket, part, random.fraction() < 0.2);
      if (taken === -Errno.EAGAIN) break;
      assert.ok(taken > 0, `send: ${taken}`);
      this.#sent += taken;
      if (this.#sent === this.#text.length) this.stack.shutdown(this.socket);
    }
    while (!this.ended) {
      const part = this.stack.read(this.socket, random.between(1, 30_000));
      if (part === -Errno.EAGAIN) return;
      if (typeof part === "number") assert.equal(part, 0, `receive: ${part}`);
      this.ended = part === 0;
      if (typeof part === "number") return;
      this.#hash.update(part);
      this.received += part.length;
    }
  }

  /** Of a side with nothing to send: its end goes out as soon as the connection stands. */
  opened(): void {
    if (this.#text.length === 0) this.stack.shutdown(this.socket);
  }

  verify(sender: Side): void {
    assert.equal(this.received, sender.#text.length);
    assert.equal(this.#hash.digest("hex"), createHash("sha256").update(sender.#text).digest("hex"));
  }
}

/** Nothing of the connection is left. */
function checkEmpty(stack: Stack, free: number): void {
  for (const count of ["socketCount", "tableCount", "bufferPagesUsed", "rangeListCount", "retransmissionLogCount"]) {
    assert.equal(stack.call(count), 0, count);
  }
  assert.equal(stack.call("heldFrames"), 0);
  const missing = free - stack.call("pagesFreeCount");
  assert.ok(missing >= 0 && missing <= 7, `${missing} pages missing`); // one page per slab stays
}

async function schedule(seed: number): Promise<void> {
  const name = `tcp schedule ${seed}`;
  const random = new Random(seed);
  const options = new Random(seed ^ 0x5eed);
  const evils = conditions(random);
  const network = new Network(seed, evils);
  // Where much is lost besides, a black hole may be taken for an outage until the connection times out.
  const mtu = (evils.loss ?? 0) < 0.02 ? silentMtu(options) : Infinity;
  network.filter = (frame) => frame.length - ETHERNET_HEADER <= mtu;
  const server = (await Stack.create(1, stackOptions(random, seed))).join(network);
  const client = (await Stack.create(2, stackOptions(random, seed))).join(network);
  const free = [server, client].map((stack) => stack.call("pagesFreeCount"));
  const listener = server.listen(PORT);
  const up = new Side(client, random);
  const down = new Side(server, random);
  up.socket = client.socket();
  for (const socket of [up.socket, listener]) {
    const stack = socket === listener ? server : client;
    stack.call("tcpSetCongestionControl", socket, random.between(0, 1));
    setOptions(options, stack, socket);
    stack.call("tcpSetNoDelay", socket, random.fraction() < 0.5, stack.now);
  }
  client.connect(server.address, PORT, up.socket);
  let opened = false;
  network.run(
    name,
    7_200_000,
    () => up.ended && down.ended,
    () => {
      if (down.socket === 0) {
        down.socket = server.accept(listener);
        if (down.socket !== 0) down.opened();
      }
      if (!opened && client.poll(up.socket) !== 0) {
        opened = true;
        up.opened();
      }
      if (opened) up.step(random);
      down.step(random);
    },
  );
  try {
    up.verify(down);
    down.verify(up);
    server.close(down.socket);
    client.close(up.socket);
    server.close(listener);
    network.conditions = {};
    network.pass(200_000);
    checkEmpty(server, free[0] ?? 0);
    checkEmpty(client, free[1] ?? 0);
  } catch (error) {
    throw network.failure(name, error);
  }
}

test(`${COUNT} random schedules: nothing hangs, nothing leaks, no byte is wrong`, async () => {
  if (ONLY !== undefined) return schedule(Number(ONLY));
  const seeds = Array.from({ length: COUNT }, (_unused, index) => index + 1);
  for (const seed of [...seeds, ...FOUND]) {
    try {
      await schedule(seed);
    } catch (error) {
      throw new Error(`schedule ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }
});
