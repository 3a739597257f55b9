// How new inputs are made of old ones: a few random changes each, of the kinds that parsers get wrong.

/** A generator of numbers in [0, 2^32). */
export type Random = () => number;

/** A seeded generator (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
}

/** Values at the edges of what fields hold. */
const EDGES = [0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 192, 254, 255, 0x7fff, 0x8000, 0xfffe, 0xffff];
const BLOCK_MAXIMUM = 64;
const CHANGES_MAXIMUM = 6;

type Change = (input: Buffer, random: Random, other: Buffer) => Buffer;

function within(random: Random, length: number): number {
  return length === 0 ? 0 : random() % length;
}

function splice(input: Buffer, start: number, end: number, inserted: Uint8Array): Buffer {
  return Buffer.concat([input.subarray(0, start), inserted, input.subarray(end)]);
}

/** A piece of `from`, short ones more often. */
function piece(from: Buffer, random: Random): Buffer {
  const start = within(random, from.length);
  return from.subarray(start, start + 1 + within(random, random() % 4 === 0 ? from.length : BLOCK_MAXIMUM));
}

const CHANGES: readonly Change[] = [
  (input, random) => {
    const at = within(random, input.length);
    input[at] = (input[at] ?? 0) ^ (1 << (random() & 7));
    return input;
  },
  (input, random) => {
    input[within(random, input.length)] = random() & 255;
    return input;
  },
  (input, random) => {
    const at = within(random, input.length);
    input[at] = (input[at] ?? 0) + (random() % 17) - 8;
    return input;
  },
  (input, random) => {
    input[within(random, input.length)] = EDGES[random() % EDGES.length] ?? 0;
    return input;
  },
  (input, random) => {
    const value = EDGES[random() % EDGES.length] ?? 0;
    const at = within(random, input.length - 1);
    if (at + 2 > input.length || at < 0) return input;
    if (random() % 4 === 0) input.writeUInt16LE(value & 0xffff, at);
    else input.writeUInt16BE(value & 0xffff, at);
    return input;
  },
  (input, random) => {
    const start = within(random, input.length);
    return splice(input, start, start + 1 + within(random, BLOCK_MAXIMUM), Buffer.alloc(0));
  },
  (input, random) => splice(input, within(random, input.length), within(random, input.length), Buffer.alloc(0)),
  (input, random) => {
    const at = within(random, input.length + 1);
    return splice(input, at, at, Buffer.alloc(1 + within(random, BLOCK_MAXIMUM), random() & 255));
  },
  (input, random) => {
    const at = within(random, input.length + 1);
    return splice(input, at, at, piece(input, random));
  },
  (input, random, other) => {
    const at = within(random, input.length + 1);
    return splice(input, at, at, piece(other, random));
  },
  (input, random, other) => {
    const block = piece(other, random);
    const at = within(random, input.length);
    return splice(input, at, at + block.length, block);
  },
  (input, random, other) => Buffer.concat([input, other.subarray(Math.min(other.length, random() % 2))]),
];

/** A new input made of one of the corpus and pieces of others, at most `maximum` bytes. */
export function mutate(corpus: readonly Buffer[], random: Random, maximum: number): Buffer {
  const pick = (): Buffer => corpus[within(random, corpus.length)] ?? Buffer.alloc(0);
  let input: Buffer = Buffer.from(pick());
  for (let left = 1 + within(random, CHANGES_MAXIMUM); left > 0; left--) {
    if (input.length === 0) input = Buffer.from([random() & 255]);
    input = CHANGES[within(random, CHANGES.length)]?.(input, random, pick()) ?? input;
  }
  return input.subarray(0, maximum);
}
