// Time spans of system calls, made into moments of the monotonic clock.
import { NEVER, monotonicNow } from "../../kernel/time/clock";

/** The moment `nanoseconds` from now; NEVER when they are negative. */
export function deadlineIn(nanoseconds: i64): u64 {
  return nanoseconds < 0 ? NEVER : monotonicNow() + <u64>nanoseconds;
}

/** The moment at which a socket's time-out (ns, 0 = none) ends. */
export function timeoutDeadline(timeout: u64): u64 {
  return timeout == 0 ? NEVER : monotonicNow() + timeout;
}
