// Clocks and sleeping.
import { EFAULT, EINTR, EINVAL } from "../../kernel/errno";
import { threadBlockInterruptibly, threadYield } from "../../kernel/thread/scheduler";
import { NEVER, monotonicNow, wallClockNow } from "../../kernel/time/clock";
import { userBuffer } from "../process/user_memory";
import { CLOCK_MONOTONIC, CLOCK_REALTIME } from "./constants";
import { deadlineIn } from "./deadline";
import { TIME_SPEC_SIZE, TimeSpec } from "./layout";

const NANOSECONDS: u64 = 1_000_000_000;

function writeTime(offset: u32, nanoseconds: u64): i32 {
  const bytes = userBuffer(offset, TIME_SPEC_SIZE);
  if (bytes == 0) return -EFAULT;
  changetype<TimeSpec>(bytes).seconds = <i64>(nanoseconds / NANOSECONDS);
  changetype<TimeSpec>(bytes).nanoseconds = <i64>(nanoseconds % NANOSECONDS);
  return 0;
}

export function posix_clock_gettime(clock: i32, time: u32): i32 {
  if (clock == CLOCK_REALTIME) return writeTime(time, wallClockNow());
  return clock == CLOCK_MONOTONIC ? writeTime(time, monotonicNow()) : -EINVAL;
}

export function posix_clock_getres(clock: i32, time: u32): i32 {
  return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC ? writeTime(time, 1) : -EINVAL;
}

export function posix_nanosleep(nanoseconds: i64, remaining: u32): i32 {
  if (nanoseconds < 0) return -EINVAL;
  if (remaining != 0 && userBuffer(remaining, TIME_SPEC_SIZE) == 0) return -EFAULT;
  const deadline = deadlineIn(nanoseconds);
  // Nothing but the deadline or a signal ends it: other wake-ups of the thread mean nothing here.
  while (monotonicNow() < deadline) {
    if (threadBlockInterruptibly(deadline) != -EINTR) continue;
    const now = monotonicNow();
    if (remaining != 0) writeTime(remaining, now < deadline ? deadline - now : 0);
    return -EINTR;
  }
  return 0;
}

/** Sleeps until a signal with a handler comes. */
export function posix_pause(): i32 {
  while (threadBlockInterruptibly(NEVER) != -EINTR);
  return -EINTR;
}

export function posix_sched_yield(): i32 {
  threadYield();
  return 0;
}
