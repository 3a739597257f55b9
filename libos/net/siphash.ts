// SipHash-2-4 (Aumasson, Bernstein 2012) of 64-bit words: a keyed function whose outputs tell nothing about the key, as
// RFC 6528 asks for. siphashBegin(), siphashWord() for each word, siphashEnd(); one hash at a time.

function rotateLeft(value: u64, bits: u64): u64 {
  return rotl<u64>(value, bits);
}

let v0: u64 = 0;
let v1: u64 = 0;
let v2: u64 = 0;
let v3: u64 = 0;
let words: u64 = 0;

function round(): void {
  v0 += v1;
  v1 = rotateLeft(v1, 13) ^ v0;
  v0 = rotateLeft(v0, 32);
  v2 += v3;
  v3 = rotateLeft(v3, 16) ^ v2;
  v0 += v3;
  v3 = rotateLeft(v3, 21) ^ v0;
  v2 += v1;
  v1 = rotateLeft(v1, 17) ^ v2;
  v2 = rotateLeft(v2, 32);
}

function compress(word: u64): void {
  v3 ^= word;
  round();
  round();
  v0 ^= word;
}

/** Begins a hash under the 128-bit key. */
export function siphashBegin(key0: u64, key1: u64): void {
  v0 = key0 ^ 0x736f6d6570736575;
  v1 = key1 ^ 0x646f72616e646f6d;
  v2 = key0 ^ 0x6c7967656e657261;
  v3 = key1 ^ 0x7465646279746573;
  words = 0;
}

/** Takes the next word, as eight little-endian bytes. */
export function siphashWord(word: u64): void {
  compress(word);
  words += 1;
}

/** The hash of the words. */
export function siphashEnd(): u64 {
  compress(words << 59); // the number of bytes modulo 256, in the last word's highest byte
  v2 ^= 0xff;
  round();
  round();
  round();
  round();
  return v0 ^ v1 ^ v2 ^ v3;
}
