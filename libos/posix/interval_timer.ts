// The interval timer of setitimer(2) and alarm(2): SIGALRM in real time, once or again and again. Those that count processor time are not there.
// Invariant: the kernel's timer is pending exactly while `due` is not NEVER.
import { EFAULT, EINVAL } from "../../kernel/errno";
import { NEVER, monotonicNow } from "../../kernel/time/clock";
import { TIMER_SIZE, Timer, timerCancel, timerInit, timerSet } from "../../kernel/time/timer";
import { signalRaise } from "../process/signals";
import { userBuffer } from "../process/user_memory";
import { intervalExpired as expired } from "../optional/with_setitimer";
import { INTERVAL_TIMES_SIZE, IntervalTimes } from "./layout";
import { ITIMER_REAL, SIGALRM, SI_KERNEL } from "./signal_constants";

const MICROSECONDS: i64 = 1_000_000;
const NANOSECONDS: u64 = 1000;
/** Times from here on, in seconds, are as good as this one: their nanoseconds would not fit. */
const SECONDS_MAX: i64 = 4_000_000_000;

const timer = changetype<Timer>(memory.data(TIMER_SIZE, 8));
let initialised = false;
let due: u64 = NEVER;
/** ns; 0 = once. */
let interval: u64 = 0;

function onTimer(_argument: usize): void {
  expired();
}

function arm(moment: u64): void {
  due = moment;
  if (!initialised) timerInit(timer, onTimer.index, 0);
  initialised = true;
  if (moment == NEVER) timerCancel(timer);
  else timerSet(timer, moment);
}

/** Export, by libos/optional/with_setitimer.ts. Expirations that were missed are one signal, as signals do not count. */
export function intervalExpired(): void {
  const now = monotonicNow();
  arm(interval == 0 ? NEVER : now + interval - ((now - due) % interval));
  signalRaise(SIGALRM, SI_KERNEL, 0, 0);
}

/** Export, by libos/optional/with_setitimer.ts. */
export function intervalForked(): void {
  interval = 0;
  if (initialised) arm(NEVER);
}

function isTime(seconds: i64, microseconds: i64): bool {
  return seconds >= 0 && microseconds >= 0 && microseconds < MICROSECONDS;
}

function nanosecondsOf(seconds: i64, microseconds: i64): u64 {
  return <u64>(min(seconds, SECONDS_MAX) * MICROSECONDS + microseconds) * NANOSECONDS;
}

function tell(times: IntervalTimes, now: u64): void {
  // A time that is over has not been noticed yet: as little is left as can be said.
  const left = due == NEVER ? 0 : max(due > now ? (due - now) / NANOSECONDS : 0, 1);
  times.intervalSeconds = <i64>(interval / NANOSECONDS) / MICROSECONDS;
  times.intervalMicroseconds = <i64>(interval / NANOSECONDS) % MICROSECONDS;
  times.seconds = <i64>left / MICROSECONDS;
  times.microseconds = <i64>left % MICROSECONDS;
}

export function posix_setitimer(which: i32, times: u32, before: u32): i32 {
  const given = userBuffer(times, INTERVAL_TIMES_SIZE);
  const told = before == 0 ? 0 : userBuffer(before, INTERVAL_TIMES_SIZE);
  if (given == 0 || (before != 0 && told == 0)) return -EFAULT;
  const wanted = changetype<IntervalTimes>(given);
  if (which != ITIMER_REAL) return -EINVAL;
  if (!isTime(wanted.seconds, wanted.microseconds)) return -EINVAL;
  if (!isTime(wanted.intervalSeconds, wanted.intervalMicroseconds)) return -EINVAL;
  const now = monotonicNow();
  const first = nanosecondsOf(wanted.seconds, wanted.microseconds);
  const again = nanosecondsOf(wanted.intervalSeconds, wanted.intervalMicroseconds);
  if (told != 0) tell(changetype<IntervalTimes>(told), now);
  interval = again;
  arm(first == 0 ? NEVER : now + first);
  return 0;
}

export function posix_getitimer(which: i32, times: u32): i32 {
  const told = userBuffer(times, INTERVAL_TIMES_SIZE);
  if (told == 0) return -EFAULT;
  if (which != ITIMER_REAL) return -EINVAL;
  tell(changetype<IntervalTimes>(told), monotonicNow());
  return 0;
}
