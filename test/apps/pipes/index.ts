// What pipes cost: does what a line on the console says – "trips <n>" sends a byte to another thread and back n times,
// "bytes <n>" writes and reads one n times in one thread, "blocks <n>" 4096 – and answers "done".
import { close, pipe, pthread_create, puts, read, stdin, write } from "karyon";

const BLOCK: usize = 4096;
const buffer = new StaticArray<u8>(<i32>BLOCK);
const there = new StaticArray<i32>(2);
const back = new StaticArray<i32>(2);

function echo(_argument: i32): i32 {
  const byte = new StaticArray<u8>(1);
  const at = changetype<usize>(byte);
  const input = there[0];
  const output = back[1];
  while (read(input, at, 1) == 1 && write(output, at, 1) == 1);
  return close(output);
}

function trips(count: i32): bool {
  const at = changetype<usize>(buffer);
  const output = there[1];
  const input = back[0];
  for (let i = 0; i < count; i++) {
    if (write(output, at, 1) != 1 || read(input, at, 1) != 1) return false;
  }
  return true;
}

function transfers(count: i32, length: usize): bool {
  const ends = new StaticArray<i32>(2);
  if (pipe(ends) != 0) return false;
  const at = changetype<usize>(buffer);
  const input = ends[0];
  const output = ends[1];
  for (let i = 0; i < count; i++) {
    if (write(output, at, length) != <i32>length || read(input, at, length) != <i32>length) return false;
  }
  return close(input) == 0 && close(output) == 0;
}

function order(): string[] {
  let line = "";
  while (!line.endsWith("\n")) {
    const length = read(stdin, changetype<usize>(buffer), BLOCK);
    if (length <= 0) return [];
    line += String.UTF8.decodeUnsafe(changetype<usize>(buffer), length);
  }
  return line.trimEnd().split(" ");
}

export function main(_args: string[]): i32 {
  if (pipe(there) != 0 || pipe(back) != 0 || pthread_create<i32>(echo, 0) < 0) return 1;
  puts("ready");
  while (true) {
    const words = order();
    if (words.length != 2) return 1;
    const count = I32.parseInt(words[1]);
    const done =
      words[0] == "trips" ? trips(count) : words[0] == "bytes" ? transfers(count, 1) : transfers(count, BLOCK);
    puts(done ? "done" : "failed");
  }
}
