// Breaks a promise it has made.
const steps: ((count: i32) => i32)[] = [checkCount];

function checkCount(count: i32): i32 {
  assert(count > 0, "count is positive");
  return count;
}

export function main(args: string[]): i32 {
  return steps[args.length](args.length);
}
