// Numbers that look random and are the same in every run.

/** A source of integers: each call gives one of 0 … limit - 1 (mulberry32). */
export function randomSource(seed: number): (limit: number) => number {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return (limit) => Math.floor(((next() * 2 ** 21 + (next() >>> 11)) / 2 ** 53) * limit);
}
