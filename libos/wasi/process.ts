// The process as such, its clocks and random numbers.
import { log } from "../../kernel/log";
import { randomFill } from "../../kernel/random";
import { threadYield } from "../../kernel/thread/scheduler";
import { monotonicNow, wallClockNow } from "../../kernel/time/clock";
import { posix_exit_group } from "../posix/process";
import { userBuffer } from "../process/user_memory";
import { tellLongWord } from "./answer";
import { WASI_FAULT, WASI_INVAL, WASI_NOTSUP, WASI_SUCCESS } from "./errno";

export const CLOCK_REALTIME: u32 = 0;
export const CLOCK_MONOTONIC: u32 = 1;
const CLOCK_THREAD_CPUTIME: u32 = 3;

/** 0 for a clock that can be asked: the clocks of processor time are not kept. */
export function clockError(clock: u32): u32 {
  if (clock <= CLOCK_MONOTONIC) return WASI_SUCCESS;
  return clock <= CLOCK_THREAD_CPUTIME ? WASI_NOTSUP : WASI_INVAL;
}

/** The time by such a clock, ns. */
export function clockNow(clock: u32): u64 {
  return clock == CLOCK_REALTIME ? wallClockNow() : monotonicNow();
}

export function wasi_clock_res_get(clock: u32, resolution: u32): u32 {
  const error = clockError(clock);
  return error != 0 ? error : tellLongWord(resolution, 1);
}

export function wasi_clock_time_get(clock: u32, _precision: u64, time: u32): u32 {
  const error = clockError(clock);
  return error != 0 ? error : tellLongWord(time, clockNow(clock));
}

export function wasi_random_get(buffer: u32, length: u32): u32 {
  const bytes = userBuffer(buffer, length);
  if (bytes == 0) return WASI_FAULT;
  randomFill(bytes, length);
  return WASI_SUCCESS;
}

export function wasi_sched_yield(): u32 {
  threadYield();
  return WASI_SUCCESS;
}

export function wasi_proc_exit(status: u32): void {
  posix_exit_group(status);
}

/** What a shell tells of a process that abort() has ended. */
const ABORTED: i32 = 128 + 6;

/** Export: ends the program for an exception of WebAssembly that nothing catches. A longjmp() is one, too (boot/exceptions.h). */
export function wasiUncaught(): void {
  log("app").text("uncaught exception, or longjmp() to a function that has returned").end();
  posix_exit_group(ABORTED);
}

/** WASI has no signals, and later versions of it have no such function. */
export function wasi_proc_raise(_signal: u32): u32 {
  return WASI_NOTSUP;
}
