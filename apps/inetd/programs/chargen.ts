// chargen (RFC 864): lines of printable characters, each beginning one character later than the one before; as many as the argument says, or until the peer goes.
import { stdout, write } from "karyon";

const FIRST: u32 = 0x21;
const CHARACTERS: u32 = 94;
const LINE: u32 = 72;

const line = memory.data(74, 8);

export function main(words: string[]): i32 {
  const most = words.length == 0 ? i32.MAX_VALUE : <i32>parseInt(words[0]);
  for (let number = 0; number < most; number++) {
    for (let i: u32 = 0; i < LINE; i++) store<u8>(line + i, <u8>(FIRST + ((<u32>number + i) % CHARACTERS)));
    store<u16>(line + LINE, 0x0a0d);
    if (write(stdout, line, LINE + 2) != LINE + 2) return 1;
  }
  return 0;
}
