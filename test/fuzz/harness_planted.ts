// A target with a mistake in it, which the fuzzer must find: a tagged length that is believed.

/** Unused memory. */
const COPY: usize = 0x700000;

export function _start(): void {}

export function fuzzStart(_memoryStart: usize, _memoryEnd: usize): void {}

export function fuzzOne(at: usize, length: u32): void {
  if (length < 4) return;
  if (load<u8>(at) != 0x4b) return;
  if (load<u8>(at + 1) != 0x79) return;
  const count: u32 = load<u8>(at + 2);
  for (let i: u32 = 0; i < count; i++) store<u8>(COPY + i, load<u8>(at + 3 + i));
}
