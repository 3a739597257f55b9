// Monotonic milliseconds, read once in a turn of a process's loop.
import { CLOCK_MONOTONIC, clock_gettime, timespec } from "karyon";

const time = new timespec();
let milliseconds: u64 = 0;

/** Reads the clock. */
export function updateClock(): u64 {
  clock_gettime(CLOCK_MONOTONIC, time);
  milliseconds = <u64>time.tv_sec * 1000 + <u64>time.tv_nsec / 1_000_000;
  return milliseconds;
}

/** As of the last update. */
export function now(): u64 {
  return milliseconds;
}
