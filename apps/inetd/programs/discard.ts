// discard (RFC 863): what comes is thrown away.
import { read, stdin } from "karyon";

const SIZE: usize = 16384;
const buffer = memory.data(16384, 8);

export function main(_words: string[]): i32 {
  while (true) {
    const length = read(stdin, buffer, SIZE);
    if (length <= 0) return length == 0 ? 0 : 1;
  }
}
