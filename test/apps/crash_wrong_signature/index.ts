// Calls a function as if it were another.
const steps: ((index: u32) => u64)[] = [callWrongly];

function target(value: f64): f64 {
  return value * 2;
}

const targets: ((value: f64) => f64)[] = [target];

function callWrongly(index: u32): u64 {
  return call_indirect<u64>(index, <u64>1);
}

export function main(args: string[]): i32 {
  return <i32>steps[args.length](targets[args.length].index);
}
