// Hostile servers: right responses damaged at random, by seed. The message ends where memory ends, so reading one byte too many
// traps; what comes out must be one of the outcomes there are, and never an address that no record carries.
import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "../net/stack.ts";
import { a, cname, pointer, response, soa, type Query } from "./message.ts";
import { EAGAIN, EMSGSIZE, ENODATA, ENOENT, EPROTO, NO_ANSWER, ResolverParts } from "./resolver_parts.ts";

const MESSAGES = 50_000;
const NAME = "www.example.org";
const OUTCOMES = new Set([0, -ENOENT, -ENODATA, -EAGAIN, -EMSGSIZE, -EPROTO, NO_ANSWER]);

type Random = () => number;

function valid(query: Query, random: Random): Buffer {
  const kinds = [
    () => response(query, { answers: [a(pointer(12), "192.0.2.1"), a(NAME, "192.0.2.2")] }),
    () => response(query, { answers: [cname(NAME, "x.example"), cname("x.example", "y"), a("y", "192.0.2.3")] }),
    () => response(query, { code: 3, authority: [soa("example.org", 60)] }),
    () => response(query, { answers: Array.from({ length: random() % 30 }, (_, i) => a(pointer(12), `192.0.2.${i}`)) }),
    () => response(query, { answers: [cname(NAME, pointer(16))], additional: [a(NAME, "203.0.113.1")] }),
  ];
  return (kinds[random() % kinds.length] ?? kinds[0])?.() ?? Buffer.alloc(0);
}

function damage(message: Buffer, random: Random): Buffer {
  let damaged = Buffer.from(message);
  for (let left = random() % 5; left > 0; left--) {
    // The id and the question mostly stay right, so that the damage gets past them.
    const start = [0, 2, 3, 33, 33, 33][random() % 6] ?? 0;
    const span = start === 2 ? 2 : damaged.length - start;
    const at = start + (random() % Math.max(1, span));
    const value = [random() & 255, 0xc0, 0, 0x83, 12][random() % 5] ?? 0;
    if (at < damaged.length) damaged[at] = value;
  }
  if (random() % 6 === 0) damaged = damaged.subarray(0, random() % (damaged.length + 1));
  if (random() % 6 === 0) damaged = Buffer.concat([damaged, Buffer.alloc(random() % 40, random() & 255)]);
  return damaged;
}

for (const seed of [1, 2]) {
  test(`${MESSAGES} damaged responses, seed ${seed}`, async () => {
    const random = seededRandom(seed);
    const parts = await ResolverParts.create(seed);
    const counts = new Map<number, number>();
    const query = parts.ask(NAME);
    assert.ok(query);
    for (let i = 0; i < MESSAGES; i++) {
      const message = damage(valid(query, random), random);
      const { outcome, addresses } = parts.read(message);
      assert.ok(OUTCOMES.has(outcome), `outcome ${outcome} of ${message.toString("hex")}`);
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
      for (const address of addresses)
        assert.ok(message.includes(Buffer.from(address.split(".").map(Number))), address);
      assert.ok((outcome === 0) === addresses.length > 0);
    }
    for (const outcome of OUTCOMES) assert.ok((counts.get(outcome) ?? 0) > 20, `outcome ${outcome} hardly came up`);
  });
}
