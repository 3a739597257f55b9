// The ChaCha20 block function (RFC 8439, 2.3): sixteen little-endian words in, sixteen out. Pure.

const ROUNDS: i32 = 10; // double rounds
/** Bytes of a block. */
export const CHACHA20_BLOCK: usize = 64;

/** RFC 8439, 2.1, on the words number a, b, c and d of `block`. */
function quarterRound(block: usize, a: usize, b: usize, c: usize, d: usize): void {
  let va = load<u32>(block + (a << 2));
  let vb = load<u32>(block + (b << 2));
  let vc = load<u32>(block + (c << 2));
  let vd = load<u32>(block + (d << 2));
  va += vb;
  vd = rotl<u32>(vd ^ va, 16);
  vc += vd;
  vb = rotl<u32>(vb ^ vc, 12);
  va += vb;
  vd = rotl<u32>(vd ^ va, 8);
  vc += vd;
  vb = rotl<u32>(vb ^ vc, 7);
  store<u32>(block + (a << 2), va);
  store<u32>(block + (b << 2), vb);
  store<u32>(block + (c << 2), vc);
  store<u32>(block + (d << 2), vd);
}

/** Computes the 64 bytes at `output` from the 64 bytes at `state`: constants, key, counter, nonce. */
export function chacha20Block(state: usize, output: usize): void {
  memory.copy(output, state, CHACHA20_BLOCK);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i: usize = 0; i < 4; i++) quarterRound(output, i, i + 4, i + 8, i + 12);
    for (let i: usize = 0; i < 4; i++) {
      quarterRound(output, i, 4 + ((i + 1) & 3), 8 + ((i + 2) & 3), 12 + ((i + 3) & 3));
    }
  }
  for (let i: usize = 0; i < CHACHA20_BLOCK; i += 4) {
    store<u32>(output + i, load<u32>(output + i) + load<u32>(state + i));
  }
}
