// What is the same in parent and child, and what must not be: clocks, random numbers, files, output.
import {
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  O_RDONLY,
  SEEK_CUR,
  SEEK_SET,
  clockNanoseconds,
  close,
  dup,
  fork,
  getpid,
  getrandom,
  lseek,
  open,
  pread,
  puts,
  read,
  usleep,
} from "karyon";
import { awaitExit, check, checksForked, endChild } from "./check";

const LINE = 26;
const RANDOM_BYTES = 16;
const SLEEP_US: u32 = 20_000;
const OUTPUT_LINES = 60;
const bytes = memory.data(64);

/** Reads both clocks many times and checks that neither is ever less than `monotonic` and `wall`, or than it was. */
function checkClocks(when: string, monotonic: i64, wall: i64): void {
  let monotonicBack: i64 = 0;
  let wallBack: i64 = 0;
  for (let i = 0; i < 200; i++) {
    const nextMonotonic = clockNanoseconds(CLOCK_MONOTONIC);
    const nextWall = clockNanoseconds(CLOCK_REALTIME);
    monotonicBack = max(monotonicBack, monotonic - nextMonotonic);
    wallBack = max(wallBack, wall - nextWall);
    monotonic = nextMonotonic;
    wall = nextWall;
  }
  check(`CLOCK_MONOTONIC goes back by ${monotonicBack} ns ${when}`, monotonicBack == 0);
  check(`CLOCK_REALTIME goes back by ${wallBack} ns ${when}`, wallBack == 0);
}

/** Time never goes back over fork, in either; sleeping lasts. */
export function time(count: i32): void {
  for (let round = 0; round < count; round++) {
    const monotonic = clockNanoseconds(CLOCK_MONOTONIC);
    const wall = clockNanoseconds(CLOCK_REALTIME);
    const pid = fork();
    if (pid == 0) checksForked();
    checkClocks(pid == 0 ? "in the child" : "in the parent", monotonic, wall);
    const before = clockNanoseconds(CLOCK_MONOTONIC);
    usleep(SLEEP_US);
    check("sleep lasts", clockNanoseconds(CLOCK_MONOTONIC) - before >= <i64>SLEEP_US * 1000);
    checkClocks("after sleeping", before, wall);
    if (pid == 0) endChild();
    awaitExit(pid);
  }
}

function printRandom(): void {
  getrandom(bytes, RANDOM_BYTES);
  let text = "";
  for (let i = 0; i < RANDOM_BYTES; i++) text += (<u32>load<u8>(bytes + i)).toString(16).padStart(2, "0");
  puts(`random ${getpid()} ${text}`);
}

/** Parent, children and a grandchild print random numbers, for the test to compare. */
export function random(count: i32): void {
  for (let i = 0; i < count; i++) {
    const pid = fork();
    if (pid == 0) {
      checksForked();
      printRandom();
      const grandchild = fork();
      printRandom();
      if (grandchild == 0) endChild();
      awaitExit(grandchild);
      endChild();
    }
    printRandom();
    awaitExit(pid);
  }
}

/** Whether what is read next from `file` is line `number`. */
function readsLine(file: i32, number: i32): bool {
  if (read(file, bytes, LINE) != LINE) return false;
  return String.UTF8.decodeUnsafe(bytes, LINE) == `line ${number.toString().padStart(4, "0")} of four hundred\n`;
}

/** Open files have their positions in the child, and go on there by themselves. */
export function files(_count: i32): void {
  const file = open("/lines.txt", O_RDONLY);
  const second = dup(file);
  check("open, dup", file >= 0 && second >= 0);
  check("line 0", readsLine(file, 0) && readsLine(second, 1));
  const pid = fork();
  if (pid == 0) checksForked();
  check("the position is there after fork", lseek(file, 0, SEEK_CUR) == 2 * LINE);
  check("line 2", readsLine(file, 2));
  check("descriptors that share a position still do", readsLine(second, 3));
  if (pid == 0) {
    check("pread", pread(file, bytes, LINE, 399 * LINE) == LINE && lseek(file, 0, SEEK_CUR) == 4 * LINE);
    check("a file opened before is the file", lseek(file, 100 * LINE, SEEK_SET) == 100 * LINE && readsLine(file, 100));
    check("close", close(file) == 0 && readsLine(second, 101) && close(second) == 0);
    const again = open("/lines.txt", O_RDONLY);
    check("open in the child", again == file && readsLine(again, 0));
    endChild();
  }
  awaitExit(pid);
  check("the child's end leaves the parent's open", readsLine(file, 4) && close(file) == 0 && close(second) == 0);
}

function printLines(what: string): void {
  for (let i = 0; i < OUTPUT_LINES; i++) puts(`output ${what} ${i} ........................................`);
}

/** Each line of output appears once, on the console of the process that wrote it, whatever was under way at the fork. */
export function output(count: i32): void {
  for (let round = 0; round < count; round++) {
    printLines(`before ${round}`);
    const pid = fork();
    printLines(`${pid == 0 ? "child" : "parent"} ${round}`);
    if (pid == 0) {
      checksForked();
      endChild();
    }
    awaitExit(pid);
  }
}
