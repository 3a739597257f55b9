// Stores behind the end of the app's memory, where nothing is mapped.
const steps: (() => void)[] = [storeOutOfBounds];

function storeOutOfBounds(): void {
  store<u32>((<usize>memory.size()) << 16, 0x12345678);
}

export function main(args: string[]): i32 {
  // Through a table, so that the function stays one of its own in the back trace.
  steps[args.length]();
  return 0;
}
