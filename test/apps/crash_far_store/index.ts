// Stores at the highest address an app can name plus the largest offset: still in the guard zone, not in the kernel.
const steps: (() => void)[] = [storeFarAway];

function storeFarAway(): void {
  store<u64>(0xfffffff8, 0x12345678, 0x7ffffff0);
}

export function main(args: string[]): i32 {
  steps[args.length]();
  return 0;
}
