// fork() while the rest of the process works: other threads compute, timers fire, children end.
import {
  CLOCK_MONOTONIC,
  WNOHANG,
  clockNanoseconds,
  fork,
  pthread_create,
  pthread_join,
  pthread_self,
  sched_yield,
  usleep,
} from "karyon";
import { check, checksForked, endChild, reap, status } from "./check";
import { mix } from "./memory_hash";

const COMPUTING = 2;
const SLEEPING = 3;
const WORDS = 2048;
const TICK_US: u32 = 2000;
const PATIENCE: i64 = 10_000_000_000;

/** Each computing thread owns one row; a row is consistent whenever another thread runs. */
const rows = new StaticArray<StaticArray<u32>>(COMPUTING);
const steps = new StaticArray<u32>(COMPUTING);
const ticks = new StaticArray<u32>(SLEEPING);
let stop = false;

function now(): i64 {
  return clockNanoseconds(CLOCK_MONOTONIC);
}

function compute(which: i32): i32 {
  const row = rows[which];
  while (!stop) {
    const step = steps[which] + 1;
    for (let i = 0; i < WORDS; i++) row[i] = mix(step, i);
    steps[which] = step;
    sched_yield();
  }
  return 0;
}

/** Whether every row is what its number of steps makes of it. */
function consistent(): bool {
  for (let which = 0; which < COMPUTING; which++) {
    if (steps[which] == 0) continue;
    for (let i = 0; i < WORDS; i++) if (rows[which][i] != mix(steps[which], i)) return false;
  }
  return true;
}

function tick(which: i32): i32 {
  let early = 0;
  while (!stop) {
    const before = now();
    usleep(TICK_US);
    if (now() - before < <i64>TICK_US * 1000) early++;
    ticks[which]++;
  }
  return early;
}

function sum(counts: StaticArray<u32>): u32 {
  let total: u32 = 0;
  for (let i = 0; i < counts.length; i++) total += counts[i];
  return total;
}

/** Whether the threads work within a bounded time. */
function goOn(): bool {
  const stepsBefore = sum(steps);
  const ticksBefore = sum(ticks);
  const deadline = now() + PATIENCE;
  while (now() < deadline) {
    usleep(5000);
    if (sum(steps) > stepsBefore && sum(ticks) > ticksBefore) return true;
  }
  return false;
}

/** What a child finds: the other threads' memory at rest and consistent, and no other thread. */
function child(index: i32): void {
  checksForked();
  check("the threads' memory is consistent in the child", consistent());
  const stepsBefore = sum(steps);
  const ticksBefore = sum(ticks);
  usleep(index * 3000);
  sched_yield();
  check("no other thread runs in the child", sum(steps) == stepsBefore && sum(ticks) == ticksBefore);
  check("the thread that forked is here", pthread_self() == 1);
  endChild();
}

/** `count` forks while threads compute and sleep, and while earlier children end and are waited for. */
export function busy(count: i32): void {
  const threads = new StaticArray<i32>(COMPUTING + SLEEPING);
  const joined = memory.data(4, 4);
  stop = false;
  for (let i = 0; i < COMPUTING; i++) {
    rows[i] = new StaticArray<u32>(WORDS);
    threads[i] = pthread_create<i32>(compute, i);
  }
  for (let i = 0; i < SLEEPING; i++) threads[COMPUTING + i] = pthread_create<i32>(tick, i);
  usleep(10_000);
  let found = 0;
  let born = 0;
  for (let i = 0; i < count; i++) {
    const pid = fork();
    if (pid == 0) child(i);
    check("fork", pid > 1);
    if (pid > 1) born++;
    while (reap(-1, WNOHANG) > 0) {
      found++;
      check("a child passes", status() == 0);
    }
    check("the parent's threads go on", goOn());
  }
  while (found < born && reap(-1) > 0) {
    found++;
    check("a child passes", status() == 0);
  }
  check("each child is found once", found == born && reap(-1) == -1);
  stop = true;
  for (let i = 0; i < threads.length; i++) {
    check("join", pthread_join(threads[i], joined) == 0);
    check("nobody wakes too early", load<i32>(joined) == 0);
  }
  check("memory is consistent at the end", consistent());
}
