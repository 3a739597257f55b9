// sys/select.h: waiting until one of many descriptors is ready, with sets of bits.
import { EINVAL } from "../../kernel/errno";
import { FD_SETSIZE } from "../posix/constants";
import { conclude, errno, setErrno } from "./errno";
import * as posix from "./posix";
import { sigset_t } from "./sigset";
import { timespec, timeval } from "./time";
import { NO_TIME, nanosecondsOf } from "./timeout";

/** A set of descriptors 0 … FD_SETSIZE - 1. */
@final
export class fd_set {
  readonly bits: StaticArray<u64> = new StaticArray<u64>(<i32>(FD_SETSIZE / 64));

  /** Makes this set equal to `other`: select changes its sets, so a server keeps a master copy. */
  copyFrom(other: fd_set): void {
    memory.copy(changetype<usize>(this.bits), changetype<usize>(other.bits), FD_SETSIZE / 8);
  }
}

/** Empties the set. */
export function FD_ZERO(set: fd_set): void {
  memory.fill(changetype<usize>(set.bits), 0, FD_SETSIZE / 8);
}

function bitOf(fd: i32): u64 {
  return (1 as u64) << (fd & 63);
}

/** Puts `fd` into the set; one that does not fit in is ignored. */
export function FD_SET(fd: i32, set: fd_set): void {
  if (<u32>fd < FD_SETSIZE) set.bits[fd >> 6] |= bitOf(fd);
}

/** Takes `fd` out of the set. */
export function FD_CLR(fd: i32, set: fd_set): void {
  if (<u32>fd < FD_SETSIZE) set.bits[fd >> 6] &= ~bitOf(fd);
}

/** Whether `fd` is in the set. */
export function FD_ISSET(fd: i32, set: fd_set): bool {
  return <u32>fd < FD_SETSIZE && (set.bits[fd >> 6] & bitOf(fd)) != 0;
}

function bitsOf(set: fd_set | null): usize {
  return set === null ? 0 : changetype<usize>(set.bits);
}

/**
 * Waits until one of the descriptors below `nfds` in the sets is ready to read, to write, or has an exceptional
 * condition; `timeout` null = without limit, zero = only looks. The sets are left with the ready ones. Returns how many
 * those are, 0 on time-out, -1 on error (the sets are then unchanged).
 */
export function select(
  nfds: i32,
  readfds: fd_set | null,
  writefds: fd_set | null,
  exceptfds: fd_set | null,
  timeout: timeval | null = null,
): i32 {
  let nanoseconds: i64 = -1;
  if (timeout !== null) {
    if (timeout.tv_sec < 0 || timeout.tv_usec < 0 || timeout.tv_usec >= 1_000_000) {
      setErrno(EINVAL);
      return -1;
    }
    // 2^31 seconds and more are as good as forever, and their nanoseconds would not fit.
    nanoseconds = min<i64>(timeout.tv_sec, i32.MAX_VALUE) * 1_000_000_000 + timeout.tv_usec * 1_000;
  }
  return conclude(errno, posix.select(nfds, bitsOf(readfds), bitsOf(writefds), bitsOf(exceptfds), nanoseconds));
}

/** select(), whose time is a timespec, while the signals of `mask` and no others are held up (null: no change), as ppoll(). */
export function pselect(
  nfds: i32,
  readfds: fd_set | null,
  writefds: fd_set | null,
  exceptfds: fd_set | null,
  timeout: timespec | null = null,
  mask: sigset_t | null = null,
): i32 {
  const nanoseconds = nanosecondsOf(timeout);
  if (nanoseconds == NO_TIME) return conclude(errno, -EINVAL);
  const set: usize = mask === null ? 0 : changetype<usize>(mask);
  return conclude(errno, posix.pselect(nfds, bitsOf(readfds), bitsOf(writefds), bitsOf(exceptfds), nanoseconds, set));
}
