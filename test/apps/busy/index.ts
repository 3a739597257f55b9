// Computes for ever without a system call: the kernel has to get the processor by itself.
import { puts } from "karyon";

let sink: u64 = 1;

export function main(_args: string[]): i32 {
  puts("computing");
  while (sink != 0) sink = sink * 6364136223846793005 + 1442695040888963407;
  return 1;
}
