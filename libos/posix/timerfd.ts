// timerfd (timerfd_create(2)): a clock's expirations as something to read. When it expired and how often is counted from the clock when
// somebody asks; the kernel's timer is there only to wake who waits, once for each time it is set or read, as on Linux.
// A time of CLOCK_REALTIME is counted from what that clock says when it is set: nothing here sets that clock afterwards.
// Invariant: the kernel's timer is pending exactly while the time that is set lies ahead.
import { EAGAIN, EBADF, EFAULT, EINVAL, ENOMEM } from "../../kernel/errno";
import { SLAB_SIZE, Slab, slabInit } from "../../kernel/memory/slab";
import { WaitQueue, waitInterruptibly, wakeAll } from "../../kernel/thread/wait_queue";
import { NEVER, monotonicNow, wallClockNow } from "../../kernel/time/clock";
import { TIMER_SIZE, Timer, timerCancel, timerInit, timerSet } from "../../kernel/time/timer";
import { READABLE } from "../net/poll_events";
import { descriptorFile, descriptorOpen } from "../process/descriptors";
import { KIND_TIMER, NO_FILE, OpenFile } from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { CLOCK_MONOTONIC, CLOCK_REALTIME, O_RDWR, TFD_CLOEXEC, TFD_NONBLOCK, TFD_TIMER_ABSTIME } from "./constants";
import { TIMER_TIMES_SIZE, TimerTimes } from "./layout";

const NANOSECONDS: i64 = 1_000_000_000;
/** Times from here on, in seconds, are as good as this one: their nanoseconds would not fit. */
const SECONDS_MAX: i64 = 4_000_000_000;
const WORD: u32 = 8;

/** At its beginning is a Timer. */
const WAITERS: usize = TIMER_SIZE;
const CLOCK: usize = WAITERS + 8;
const DUE: usize = CLOCK + 8;
const INTERVAL: usize = DUE + 8;
const TIMER_FILE_SIZE: usize = INTERVAL + 8;

@unmanaged
@final
class TimerFile {
  get timer(): Timer {
    return changetype<Timer>(this);
  }

  get waiters(): WaitQueue {
    return changetype<WaitQueue>(changetype<usize>(this) + WAITERS);
  }

  /** CLOCK_MONOTONIC or CLOCK_REALTIME. */
  get clock(): i32 {
    return load<i32>(changetype<usize>(this), CLOCK);
  }

  set clock(clock: i32) {
    store<i32>(changetype<usize>(this), clock, CLOCK);
  }

  /** Whether a time is set that nobody has read. */
  get armed(): bool {
    return load<bool>(changetype<usize>(this), CLOCK + 4);
  }

  set armed(armed: bool) {
    store<bool>(changetype<usize>(this), armed, CLOCK + 4);
  }

  /** While armed: when it expires, or has expired first; monotonic ns, less than 0 before the domain began. */
  get due(): i64 {
    return load<i64>(changetype<usize>(this), DUE);
  }

  set due(moment: i64) {
    store<i64>(changetype<usize>(this), moment, DUE);
  }

  /** ns; 0 = it expires once. */
  get interval(): i64 {
    return load<i64>(changetype<usize>(this), INTERVAL);
  }

  set interval(nanoseconds: i64) {
    store<i64>(changetype<usize>(this), nanoseconds, INTERVAL);
  }
}

const slab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
let initialised = false;

function timerOf(file: OpenFile): TimerFile {
  return changetype<TimerFile>(file.object);
}

function now(): i64 {
  return <i64>monotonicNow();
}

export function posix_timerfd_create(clock: i32, flags: i32): i32 {
  if ((flags & ~(TFD_NONBLOCK | TFD_CLOEXEC)) != 0) return -EINVAL;
  if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME) return -EINVAL;
  if (!initialised) {
    slabInit(slab, <u32>TIMER_FILE_SIZE);
    initialised = true;
  }
  const timer = changetype<TimerFile>(slab.alloc());
  if (changetype<usize>(timer) == 0) return -ENOMEM;
  timerInit(timer.timer, wakeAll.index, changetype<usize>(timer.waiters));
  timer.clock = clock;
  const mode = O_RDWR | (flags & TFD_NONBLOCK);
  const fd = descriptorOpen(KIND_TIMER, changetype<usize>(timer), mode, (flags & TFD_CLOEXEC) != 0);
  if (fd < 0) slab.free(changetype<usize>(timer));
  return fd;
}

/** The error for a call on `file` as a timer; 0 for a timer. */
function timerError(file: OpenFile): i32 {
  if (file == NO_FILE) return -EBADF;
  return file.kind == KIND_TIMER ? 0 : -EINVAL;
}

function isTime(seconds: i64, nanoseconds: i64): bool {
  return seconds >= 0 && <u64>nanoseconds < <u64>NANOSECONDS;
}

function inNanoseconds(seconds: i64, nanoseconds: i64): i64 {
  return min(seconds, SECONDS_MAX) * NANOSECONDS + nanoseconds;
}

export function posix_timerfd_settime(fd: i32, flags: i32, times: u32, before: u32): i32 {
  const given = userBuffer(times, TIMER_TIMES_SIZE);
  if (given == 0) return -EFAULT;
  const wanted = changetype<TimerTimes>(given);
  if ((flags & ~TFD_TIMER_ABSTIME) != 0) return -EINVAL;
  if (!isTime(wanted.seconds, wanted.nanoseconds)) return -EINVAL;
  if (!isTime(wanted.intervalSeconds, wanted.intervalNanoseconds)) return -EINVAL;
  const file = descriptorFile(fd);
  const error = timerError(file);
  if (error != 0) return error;
  const old: usize = before == 0 ? 0 : userBuffer(before, TIMER_TIMES_SIZE);
  if (before != 0 && old == 0) return -EFAULT;
  const first = inNanoseconds(wanted.seconds, wanted.nanoseconds);
  const interval = inNanoseconds(wanted.intervalSeconds, wanted.intervalNanoseconds);
  const timer = timerOf(file);
  if (old != 0) tell(timer, changetype<TimerTimes>(old));
  arm(timer, first, interval, (flags & TFD_TIMER_ABSTIME) != 0);
  return 0;
}

/** Lets it expire `first` ns from now, or at `first` of its clock, or never: 0. */
function arm(timer: TimerFile, first: i64, interval: i64, isAbsolute: bool): void {
  timer.interval = interval;
  timer.armed = first != 0;
  let from: i64 = 0;
  if (!isAbsolute) from = now();
  else if (timer.clock == CLOCK_REALTIME) from = now() - <i64>wallClockNow();
  timer.due = from + first;
  wakeLater(timer);
}

/** Sets the kernel's timer if there is a time to wait for; one that has passed wakes at once. */
function wakeLater(timer: TimerFile): void {
  if (hasExpired(timer)) {
    timerCancel(timer.timer);
    wakeAll(timer.waiters);
  } else timerSet(timer.timer, timer.armed ? <u64>timer.due : NEVER);
}

/** Writes the interval and how long it is until it expires next; 0 when it does not. */
function tell(timer: TimerFile, times: TimerTimes): void {
  let left: i64 = 0;
  if (timer.armed) {
    left = timer.due - now();
    if (left <= 0) left = timer.interval == 0 ? 0 : timer.interval - (-left % timer.interval);
  }
  times.intervalSeconds = timer.interval / NANOSECONDS;
  times.intervalNanoseconds = timer.interval % NANOSECONDS;
  times.seconds = left / NANOSECONDS;
  times.nanoseconds = left % NANOSECONDS;
}

export function posix_timerfd_gettime(fd: i32, times: u32): i32 {
  const file = descriptorFile(fd);
  const error = timerError(file);
  if (error != 0) return error;
  const target = userBuffer(times, TIMER_TIMES_SIZE);
  if (target == 0) return -EFAULT;
  tell(timerOf(file), changetype<TimerTimes>(target));
  return 0;
}

function hasExpired(timer: TimerFile): bool {
  return timer.armed && now() >= timer.due;
}

/** Export, by libos/optional/with_timerfd.ts. */
export function timerRead(file: OpenFile, target: usize, count: u32): i32 {
  if (count < WORD) return -EINVAL;
  const timer = timerOf(file);
  while (!hasExpired(timer)) {
    if (file.nonBlocking) return -EAGAIN;
    const waited = waitInterruptibly(timer.waiters, NEVER);
    if (waited != 0) return waited;
  }
  let expirations: i64 = 1;
  if (timer.interval == 0) timer.armed = false;
  else {
    expirations += (now() - timer.due) / timer.interval;
    timer.due += expirations * timer.interval;
  }
  wakeLater(timer);
  store<i64>(target, expirations);
  return WORD;
}

/** Export, by libos/optional/with_timerfd.ts. */
export function timerEvents(file: OpenFile): u32 {
  return hasExpired(timerOf(file)) ? READABLE : 0;
}

/** Export, by libos/optional/with_timerfd.ts. */
export function timerQueue(file: OpenFile): WaitQueue {
  return timerOf(file).waiters;
}

/** Export, by libos/optional/with_timerfd.ts. */
export function timerClose(file: OpenFile): void {
  timerCancel(timerOf(file).timer);
  slab.free(file.object);
}
