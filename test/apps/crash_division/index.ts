// Divides by zero.
const steps: ((divisor: i32) => i32)[] = [divide];

function divide(divisor: i32): i32 {
  return 1 / divisor;
}

export function main(args: string[]): i32 {
  return steps[args.length](args.length);
}
