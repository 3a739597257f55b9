// Taking signals that are held up (sigprocmask) instead of having handlers run for them: signal.h and sys/signalfd.h.
import { EINTR, EINVAL } from "../../kernel/errno";
import { conclude, errno } from "./errno";
import * as posix from "./posix";
import { sigset_t } from "./sigset";
import { timespec } from "./time";
import { NO_TIME, nanosecondsOf } from "./timeout";
import { siginfo_t } from "./wait";

/** Waits for a signal of `set` and stores its number at `signal`, an i32. Returns 0. */
export function sigwait(set: sigset_t, signal: usize): i32 {
  let result: i32;
  do result = posix.sigtimedwait(changetype<usize>(set), 0, -1);
  while (result == -EINTR);
  if (result < 0) return -result;
  store<i32>(signal, result);
  return 0;
}

/** Waits for a signal of `set`, of which `information` tells. Returns its number, or -1: EINTR (the handler of another has run). */
export function sigwaitinfo(set: sigset_t, information: siginfo_t | null = null): i32 {
  return sigtimedwait(set, information);
}

/** As sigwaitinfo, for `timeout` at most; null: without limit, zero: only looks. EAGAIN when that is over; EINVAL: no time. */
export function sigtimedwait(
  set: sigset_t,
  information: siginfo_t | null = null,
  timeout: timespec | null = null,
): i32 {
  const nanoseconds = nanosecondsOf(timeout);
  if (nanoseconds == NO_TIME) return conclude(errno, -EINVAL);
  const told: usize = information === null ? 0 : changetype<usize>(information);
  return conclude(errno, posix.sigtimedwait(changetype<usize>(set), told, nanoseconds));
}

/** struct signalfd_siginfo: what a read gives of each signal, 128 bytes. */
@unmanaged
@final
export class signalfd_siginfo {
  ssi_signo: u32;
  ssi_errno: i32;
  /** SI_…, CLD_… */
  ssi_code: i32;
  /** Who has sent it, or the child. */
  ssi_pid: u32;
  ssi_uid: u32;
  private fd: i32;
  private tid: u32;
  private band: u32;
  private overrun: u32;
  private trapno: u32;
  /** Of a child: its exit status or signal. */
  ssi_status: i32;
  /** With SI_QUEUE: what sigqueue() was given, as a number and as an address. */
  ssi_int: i32;
  ssi_ptr: u64;
}

/**
 * A descriptor that is readable while a signal of `mask` is pending, and from which signalfd_siginfo are read (`flags`: SFD_NONBLOCK, SFD_CLOEXEC); or
 * with `fd` a descriptor of this kind, which is for `mask` from now on. Signals that are not held up go to their handlers instead.
 * Returns the descriptor, or -1: EBADF, EINVAL (of another kind, other flags).
 */
export function signalfd(fd: i32, mask: sigset_t, flags: i32 = 0): i32 {
  return conclude(errno, posix.signalfd(fd, changetype<usize>(mask), flags));
}
