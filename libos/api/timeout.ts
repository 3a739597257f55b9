// How long a call that is given a timespec may wait. Not for apps.
import { timespec } from "./time";

/** Of such a time the nanoseconds are not 0 … 999 999 999, or it is negative. */
export const NO_TIME: i64 = i64.MIN_VALUE;

/** Nanoseconds; -1 without a time: without limit. */
export function nanosecondsOf(time: timespec | null): i64 {
  if (time === null) return -1;
  if (time.tv_sec < 0 || time.tv_nsec < 0 || time.tv_nsec >= 1_000_000_000) return NO_TIME;
  // 2^31 seconds and more are as good as forever, and their nanoseconds would not fit.
  return min<i64>(time.tv_sec, i32.MAX_VALUE) * 1_000_000_000 + time.tv_nsec;
}
