// Executes itself so often as its argument says, and then the worker. Each time it finds memory and global variables as a program that begins does, and
// uses more memory than the domain has for two of it.
import { errno, execve, puts } from "karyon";

const MUCH: i32 = 5 << 20;

let begun = 0;
let text = "first";
const table: i32[] = [1, 2, 3];
const place = memory.data(65536, 8);

function isNew(): bool {
  if (begun != 0 || text != "first" || table.length != 3 || table[2] != 3) return false;
  for (let at = place; at < place + 65536; at += 8) if (load<u64>(at) != 0) return false;
  return memory.size() < 16;
}

function use(): bool {
  begun = 1;
  text = "used";
  table.push(4);
  memory.fill(place, 0xff, 65536);
  const much = heap.alloc(MUCH);
  memory.fill(much, 0x55, MUCH);
  return load<u64>(much + MUCH - 8) == 0x5555_5555_5555_5555;
}

export function main(words: string[]): i32 {
  if (!isNew()) {
    puts(`FAILED: the program finds what another has left, ${memory.size()} pages`);
    return 1;
  }
  if (!use()) return 2;
  const left = <i32>parseInt(words[0]);
  if (left > 0) execve("/bin/chain", ["chain", (left - 1).toString()], ["LEFT=" + left.toString()]);
  else execve("/bin/worker", ["last", "name", "last"], []);
  puts(`FAILED: execve, error ${errno}`);
  return 3;
}
