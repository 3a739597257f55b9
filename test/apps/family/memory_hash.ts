// What the app's memory holds, as one number, and deterministic contents to compare with. Nothing here writes to memory
// while it looks: so a hash before fork() must be the hash after it on both sides, to the last byte.

const PAGE: usize = 4096;
const PRIME: u64 = 0x9e3779b97f4a7c15;

/** A hash of all of the app's memory, whose first page is absent. */
export function memoryHash(): u64 {
  return rangeHash(PAGE, (<usize>memory.size()) << 16);
}

/** A hash of the bytes from `start` to `end`, multiples of 8. */
export function rangeHash(start: usize, end: usize): u64 {
  let hash: u64 = start;
  for (let at = start; at < end; at += 8) hash = rotl((hash ^ load<u64>(at)) * PRIME, 29);
  return hash;
}

/** Well mixed bits of `seed` and `index`: the word that belongs there. */
export function mix(seed: u32, index: u32): u32 {
  let x = (seed ^ (index * 0x9e3779b1)) + 0x7f4a7c15;
  x = (x ^ (x >> 16)) * 0x85ebca6b;
  x = (x ^ (x >> 13)) * 0xc2b2ae35;
  return x ^ (x >> 16);
}
