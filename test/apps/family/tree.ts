// Families of many shapes: deep, wide, and long after one another.
import {
  CLOCK_MONOTONIC,
  WEXITSTATUS,
  WNOHANG,
  _exit,
  clockNanoseconds,
  fork,
  getpid,
  getppid,
  puts,
  read,
} from "karyon";
import { awaitExit, check, checksForked, endChild, reap, status } from "./check";
import { memoryHash } from "./memory_hash";

const DEPTH = 3;
const path = new StaticArray<i32>(DEPTH + 1);
const line = memory.data(64);
let mine = -1;

function now(): i64 {
  return clockNanoseconds(CLOCK_MONOTONIC);
}

/** Children of children: each has its ancestors' memory, and waits for its own child. */
export function deep(_count: i32): void {
  descend(0);
}

function descend(depth: i32): void {
  path[depth] = getpid();
  if (depth == DEPTH) return;
  const before = memoryHash();
  const pid = fork();
  const after = memoryHash();
  if (pid == 0) {
    checksForked();
    check(`generation ${depth + 1} has its parent's memory`, before == after);
    check("its parent is its parent", getppid() == path[depth]);
    check("it has a pid of its own", getpid() > path[depth]);
    descend(depth + 1);
    endChild();
  }
  check("fork", pid > path[depth]);
  awaitExit(pid);
}

/** `count` children alive at the same time, until the test types a line on the console of each. */
export function wide(count: i32): void {
  const pids = new StaticArray<i32>(count);
  for (let i = 0; i < count; i++) {
    mine = i;
    const pid = fork();
    if (pid == 0) {
      checksForked();
      check("a child has a console of its own", read(0, line, 64) > 0);
      check("a child keeps its value", mine == i);
      endChild();
    }
    check("fork", pid > 1);
    pids[i] = pid;
  }
  let alive = 0;
  for (let i = 0; i < count; i++) if (reap(pids[i], WNOHANG) == 0) alive++;
  check(`all ${count} are alive at the same time`, alive == count);
  puts(`${alive} children wait`);
  for (let i = 0; i < count; i++) awaitExit(pids[i]);
}

/** `count` forks one after another; each child finds the round's value and ends with it. */
export function rounds(count: i32): void {
  const start = now();
  for (let i = 0; i < count; i++) {
    mine = i;
    const pid = fork();
    if (pid == 0) {
      const found = mine;
      mine = -1;
      _exit(found == i ? i & 0x7f : 0x80);
    }
    check(`fork of round ${i}`, pid > 1);
    if (pid < 0) return;
    check(`round ${i}`, reap(pid) == pid && WEXITSTATUS(status()) == (i & 0x7f));
    check("the parent's value is its own", mine == i);
  }
  puts(`${count} forks in ${(now() - start) / 1_000_000} ms`);
}
