// echo (RFC 862): what comes goes back, until the peer has sent all.
import { read, stdin, stdout, write } from "karyon";

const SIZE: usize = 16384;
const buffer = memory.data(16384, 8);

export function main(_words: string[]): i32 {
  while (true) {
    const length = read(stdin, buffer, SIZE);
    if (length == 0) return 0;
    if (length < 0 || write(stdout, buffer, length) != length) return 1;
  }
}
