// The random number generator: ChaCha20 (RFC 8439) with fast key erasure: each refill makes a block, of which the first
// half becomes the next key and the rest is handed out. Seeded from the processor's generator, the time stamp counter
// and Xen's clocks; stirred at resume, so that copies of a saved domain go different ways.
import { rdrand, rdtsc } from "./boot";
import { CHACHA20_BLOCK, chacha20Block } from "./chacha20";
import { monotonicNow, wallClockNow } from "./time/clock";

const KEY: usize = 32;

const state = memory.data(64, 16); // the input block: constants, key, counter, nonce
const block = memory.data(64, 16); // the last output block
let used: usize = 64; // bytes of the block that are spent

function refill(): void {
  chacha20Block(state, block);
  memory.copy(state + 16, block, KEY);
  memory.fill(block, 0, KEY);
  store<u64>(state, load<u64>(state, 48) + 1, 48);
  used = KEY;
}

/** Mixes fresh entropy into the key: at boot, and whenever the domain may have become two. */
export function randomStir(): void {
  store<u32>(state, 0x61707865);
  store<u32>(state, 0x3320646e, 4);
  store<u32>(state, 0x79622d32, 8);
  store<u32>(state, 0x6b206574, 12);
  for (let i: usize = 0; i < KEY; i += 8) {
    const at = state + 16 + i;
    const clock = i == 0 ? wallClockNow() : i == 8 ? monotonicNow() : rdtsc() * 0x9e3779b97f4a7c15;
    store<u64>(at, load<u64>(at) ^ rdrand() ^ clock);
  }
  store<u64>(state, load<u64>(state, 56) ^ rdtsc(), 56);
  refill();
  refill();
}

/** Fills `count` bytes at `target`. */
export function randomFill(target: usize, count: usize): void {
  for (let i: usize = 0; i < count; i++) {
    if (used == CHACHA20_BLOCK) refill();
    store<u8>(target + i, load<u8>(block + used));
    store<u8>(block + used, 0);
    used += 1;
  }
}

/** 32 random bits. */
export function randomU32(): u32 {
  return <u32>randomU64();
}

/** 64 random bits. */
export function randomU64(): u64 {
  used = (used + 7) & ~7;
  if (used > CHACHA20_BLOCK - 8) refill();
  const value = load<u64>(block + used);
  store<u64>(block + used, 0);
  used += 8;
  return value;
}
