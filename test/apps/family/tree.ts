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
  usleep,
} from "karyon";
import { awaitExit, check, checksForked, endChild, reap, status } from "./check";
import { memoryHash } from "./memory_hash";

const DEPTH = 3;
/** 64 KiB of values. */
const KEPT = 16384;
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

/**
 * A process whose parent has ended shares that one's frames, which only it still uses, and hands them on to a child of its own.
 * The first waits for both, which are its children by then.
 */
export function orphaned(_count: i32): void {
  const kept = new StaticArray<i32>(KEPT);
  const pid = fork();
  if (pid == 0) {
    checksForked();
    for (let i = 0; i < KEPT; i++) kept[i] = i * 3 + 1; // frames of the one that will end
    const heir = fork();
    check("fork", heir >= 0);
    if (heir == 0) inherit(kept);
    endChild();
  }
  check("fork", pid > 1);
  awaitExit(pid);
  const heir = reap(-1);
  check(`the orphan ends well, not with ${status()}`, heir > pid && status() == 0);
}

/** In the orphan: waits for its parent's end, and forks. */
function inherit(kept: StaticArray<i32>): void {
  checksForked();
  for (let i = 0; i < 500 && getppid() != 1; i++) usleep(20_000);
  check("its parent has ended", getppid() == 1);
  usleep(200_000); // for the domain, too
  const before = memoryHash();
  const pid = fork();
  const after = memoryHash();
  if (pid == 0) {
    checksForked();
    check("the orphan's child has its memory", before == after);
    let wrong = 0;
    for (let i = 0; i < KEPT; i++) if (kept[i] != i * 3 + 1) wrong++;
    check(`${wrong} values of one that has ended are wrong`, wrong == 0);
    endChild();
  }
  check("an orphan forks", pid > 1);
  awaitExit(pid);
  endChild();
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
