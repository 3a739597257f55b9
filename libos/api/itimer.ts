// sys/time.h and unistd.h: SIGALRM after a time.
import { ITIMER_REAL } from "../posix/signal_constants";
import { conclude, errno } from "./errno";
import * as posix from "./posix";

/** struct itimerval: after how long again and again, 0 = once, and after how long first, 0 = never. Microseconds are 0 … 999 999. */
@final
export class itimerval {
  constructor(
    public it_interval_sec: i64 = 0,
    public it_interval_usec: i64 = 0,
    public it_value_sec: i64 = 0,
    public it_value_usec: i64 = 0,
  ) {}
}

/** Sets the timer `which`, ITIMER_REAL: SIGALRM. What it was goes to `before`. A child of a fork has none. Returns 0, or -1: EINVAL. */
export function setitimer(which: i32, times: itimerval, before: itimerval | null = null): i32 {
  const told: usize = before === null ? 0 : changetype<usize>(before);
  return conclude(errno, posix.setitimer(which, changetype<usize>(times), told));
}

/** How long until the timer expires, and its interval. Returns 0, or -1: EINVAL. */
export function getitimer(which: i32, times: itimerval): i32 {
  return conclude(errno, posix.getitimer(which, changetype<usize>(times)));
}

/** SIGALRM in so many seconds; 0: never. Returns how many were left of the alarm before, rounded to whole ones but not to 0. */
export function alarm(seconds: u32): u32 {
  const before = new itimerval();
  setitimer(ITIMER_REAL, new itimerval(0, 0, seconds, 0), before);
  const rounded = before.it_value_sec + (before.it_value_usec >= 500_000 ? 1 : 0);
  return <u32>(rounded == 0 && before.it_value_usec != 0 ? 1 : rounded);
}
