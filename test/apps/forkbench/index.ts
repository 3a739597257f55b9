// Forks on command, for `npm run bench -- fork`. Prints "ready", then obeys lines on its console:
//   heap <MiB>             takes that much memory and writes to each page of it
//   fork <n> <ms> stay     n forks, at least ms apart; the children stay
//   fork <n> <ms> exit     the same, but each child ends and is waited for
//   round <n> <ms>         n times fork, _exit, wait; tells nothing of each: for counting instructions
//   keep <n> <ms>          the same, but the children stay
//   rest <n> <ms>          the same without the forks
// and answers each with "done <what went well>". Times are CLOCK_MONOTONIC in ns, which goes on across a fork:
//   parent <pid> <call> <return> stages …     a fork as its parent saw it
//   child <pid> <return> stages …             as the child saw it, on the child's console
// with the numbers of fork_stats().
import {
  CLOCK_MONOTONIC,
  _exit,
  clockNanoseconds,
  errno,
  fork,
  fork_stats,
  getpid,
  puts,
  read,
  sleep,
  usleep,
  waitpid,
} from "karyon";

const LONG = 100_000; // seconds; whoever measures ends what stays
const PAGE: usize = 4096;
const LINE: usize = 64;
const line = memory.data(64);
const statusWord = memory.data(4, 4);

const heap = new Array<StaticArray<u8>>();

const times = new StaticArray<u64>(32);

function stages(): string {
  return fork_stats(times) == times.length ? "stages " + times.join(" ") : "";
}

function command(): string[] {
  let length: usize = 0;
  while (length < LINE) {
    const got = read(0, line + length, LINE - length);
    if (got <= 0) return ["end"];
    length += got;
    if (load<u8>(line + length - 1) == 10) break;
  }
  return String.UTF8.decodeUnsafe(line, length - 1)
    .trim()
    .split(" ");
}

function number(text: string): i32 {
  return <i32>parseInt(text);
}

function takeHeap(mebibytes: i32): i32 {
  for (let i = 0; i < mebibytes; i++) {
    const block = new StaticArray<u8>(1 << 20);
    for (let at: usize = 0; at < 1 << 20; at += PAGE) store<u8>(changetype<usize>(block) + at, <u8>(i | 1));
    heap.push(block);
  }
  return heap.length;
}

function child(stays: bool): void {
  const returned = clockNanoseconds(CLOCK_MONOTONIC);
  puts(`child ${getpid()} ${returned} ${stages()}`);
  if (stays) sleep(LONG);
  _exit(0);
}

function forks(count: i32, pause: i32, stay: bool): i32 {
  let good = 0;
  for (let i = 0; i < count; i++) {
    usleep(pause * 1000);
    const called = clockNanoseconds(CLOCK_MONOTONIC);
    const pid = fork();
    if (pid == 0) child(stay);
    const returned = clockNanoseconds(CLOCK_MONOTONIC);
    const failure = errno;
    if (pid < 0) {
      puts(`failed ${failure}`);
      continue;
    }
    puts(`parent ${pid} ${called} ${returned} ${stages()}`);
    if (stay || ended(pid)) good += 1;
  }
  return good;
}

function rounds(count: i32, pause: i32): i32 {
  let good = 0;
  for (let i = 0; i < count; i++) {
    usleep(pause * 1000);
    const pid = fork();
    if (pid == 0) _exit(0);
    if (pid > 0 && ended(pid)) good += 1;
  }
  return good;
}

function keeps(count: i32, pause: i32): i32 {
  let good = 0;
  for (let i = 0; i < count; i++) {
    usleep(pause * 1000);
    const pid = fork();
    if (pid == 0) {
      sleep(LONG);
      _exit(0);
    }
    if (pid > 0) good += 1;
  }
  return good;
}

function rests(count: i32, pause: i32): i32 {
  for (let i = 0; i < count; i++) usleep(pause * 1000);
  return count;
}

function ended(pid: i32): bool {
  return waitpid(pid, statusWord) == pid && load<i32>(statusWord) == 0;
}

export function main(_args: string[]): i32 {
  puts("ready");
  for (;;) {
    const words = command();
    const name = words[0];
    if (name == "end") return 0;
    let done = -1;
    if (name == "heap") done = takeHeap(number(words[1]));
    else if (name == "fork") done = forks(number(words[1]), number(words[2]), words[3] == "stay");
    else if (name == "round") done = rounds(number(words[1]), number(words[2]));
    else if (name == "keep") done = keeps(number(words[1]), number(words[2]));
    else if (name == "rest") done = rests(number(words[1]), number(words[2]));
    puts(`done ${done}`);
  }
  return 0;
}
