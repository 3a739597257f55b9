// Declares more static data than its domain has memory: must be told so instead of crashing.
const data = memory.data(12_000_000);

export function main(_args: string[]): i32 {
  store<u8>(data + 11_999_999, 1);
  return 0;
}
