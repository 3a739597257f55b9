// sys/timerfd.h: a timer as a descriptor, which is readable when it has expired. A read of 8 bytes gives how often it has since the last one (u64).
import { conclude, errno } from "./errno";
import * as posix from "./posix";

/** struct itimerspec: after how long it expires again and again, 0 = once, and how long until it does first, 0 = never. Nanoseconds are 0 … 999 999 999. */
@final
export class itimerspec {
  constructor(
    public it_interval_sec: i64 = 0,
    public it_interval_nsec: i64 = 0,
    public it_value_sec: i64 = 0,
    public it_value_nsec: i64 = 0,
  ) {}
}

/** A timer by CLOCK_MONOTONIC or CLOCK_REALTIME that is not set (`flags`: TFD_NONBLOCK, TFD_CLOEXEC): its descriptor, or -1. */
export function timerfd_create(clockid: i32, flags: i32): i32 {
  return conclude(errno, posix.timerfd_create(clockid, flags));
}

/** Sets it (`flags`: TFD_TIMER_ABSTIME) and forgets expirations that nobody has read; what it was goes to `old_value`. Returns 0, or -1. */
export function timerfd_settime(fd: i32, flags: i32, new_value: itimerspec, old_value: itimerspec | null = null): i32 {
  const before: usize = old_value === null ? 0 : changetype<usize>(old_value);
  return conclude(errno, posix.timerfd_settime(fd, flags, changetype<usize>(new_value), before));
}

/** How long until it expires next, and its interval. Returns 0, or -1. */
export function timerfd_gettime(fd: i32, curr_value: itimerspec): i32 {
  return conclude(errno, posix.timerfd_gettime(fd, changetype<usize>(curr_value)));
}
