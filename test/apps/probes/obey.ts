// Says "ready", and reads from the console
//   <probe> <count>
// which it answers with "done <probe> <count> <ns for all>", or "failed <probe>".
import { CLOCK_MONOTONIC, clockNanoseconds, puts, read, stdin } from "karyon";

const LINE: i32 = 64;
const line = memory.data(64);

/** Does something `count` times; whether all went well. */
export type Probe = (count: i32) => bool;

function command(): string[] {
  let length = 0;
  do {
    const got = read(stdin, line + length, LINE - length);
    if (got <= 0) return [];
    length += got;
  } while (length < LINE && load<u8>(line + length - 1) != 0x0a);
  return String.UTF8.decodeUnsafe(line, length).trim().split(" ");
}

/** Obeys until nothing more comes. */
export function obey(probes: Map<string, Probe>): i32 {
  puts("ready");
  for (let words = command(); words.length == 2; words = command()) {
    const name = words[0];
    const count = <i32>parseInt(words[1]);
    if (!probes.has(name)) {
      puts(`failed ${name}`);
      continue;
    }
    const probe = probes.get(name);
    const start = clockNanoseconds(CLOCK_MONOTONIC);
    const good = probe(count);
    const time = clockNanoseconds(CLOCK_MONOTONIC) - start;
    puts(good ? `done ${name} ${count} ${time}` : `failed ${name}`);
  }
  return 1;
}
