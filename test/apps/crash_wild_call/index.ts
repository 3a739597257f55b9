// Calls through a function index that names nothing.
const steps: ((index: u32) => u32)[] = [callWildly];

function callWildly(index: u32): u32 {
  return call_indirect<u32>(index, 1);
}

export function main(args: string[]): i32 {
  return <i32>steps[args.length](<u32>args.length + 0x00badbad);
}
