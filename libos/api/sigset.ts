// Sets of signals (signal.h), and which signals are held up.
import { EINVAL } from "../../kernel/errno";
import { conclude, errno } from "./errno";
import * as posix from "./posix";

const SIGNALS: i32 = 31;

/** Signals; empty when it is made. */
@final
export class sigset_t {
  /** 1 << signal. */
  bits: u32 = 0;
}

/** No signal. */
export function sigemptyset(set: sigset_t): i32 {
  set.bits = 0;
  return 0;
}

/** All signals. */
export function sigfillset(set: sigset_t): i32 {
  set.bits = ~1;
  return 0;
}

/** Adds `signal`. Returns 0, or -1: EINVAL (no signal). */
export function sigaddset(set: sigset_t, signal: i32): i32 {
  if (signal < 1 || signal > SIGNALS) return conclude(errno, -EINVAL);
  set.bits |= (1 as u32) << signal;
  return 0;
}

/** Takes `signal` out. Returns 0, or -1: EINVAL. */
export function sigdelset(set: sigset_t, signal: i32): i32 {
  if (signal < 1 || signal > SIGNALS) return conclude(errno, -EINVAL);
  set.bits &= ~((1 as u32) << signal);
  return 0;
}

/** 1 when `signal` is in it, else 0; -1: EINVAL. */
export function sigismember(set: sigset_t, signal: i32): i32 {
  if (signal < 1 || signal > SIGNALS) return conclude(errno, -EINVAL);
  return (set.bits >> signal) & 1;
}

/**
 * Has the calling thread hold up the signals of `set`, too (SIG_BLOCK), no more (SIG_UNBLOCK), or those and no others (SIG_SETMASK); null: no change. What was held up goes to
 * `before`. What comes meanwhile waits, one of each; SIGKILL and SIGSTOP cannot be held up. Returns 0, or -1: EINVAL (no such `how`).
 */
export function sigprocmask(how: i32, set: sigset_t | null, before: sigset_t | null = null): i32 {
  const given: usize = set === null ? 0 : changetype<usize>(set);
  return conclude(errno, posix.sigprocmask(how, given, before === null ? 0 : changetype<usize>(before)));
}

/** sigprocmask(): each thread has a mask, and a new one that of its maker. Returns 0, or an error number. */
export function pthread_sigmask(how: i32, set: sigset_t | null, before: sigset_t | null = null): i32 {
  const given: usize = set === null ? 0 : changetype<usize>(set);
  return -posix.sigprocmask(how, given, before === null ? 0 : changetype<usize>(before));
}

/** The signals that have come, for the process or the calling thread, and are held up by it. */
export function sigpending(set: sigset_t): i32 {
  return conclude(errno, posix.sigpending(changetype<usize>(set)));
}

/** Waits until a handler has run, while `set` and no others are held up. Returns -1 with EINTR. */
export function sigsuspend(set: sigset_t): i32 {
  return conclude(errno, posix.sigsuspend(changetype<usize>(set)));
}
