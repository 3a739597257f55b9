// sys/eventfd.h: a number of 64 bits as a descriptor, by which threads tell each other that there is something.
import { EINVAL } from "../../kernel/errno";
import { conclude, errno } from "./errno";
import * as posix from "./posix";

const word = memory.data(8, 8);

/**
 * A descriptor with a counter that begins at `initval` (`flags`: EFD_SEMAPHORE, EFD_NONBLOCK, EFD_CLOEXEC), or -1. It is readable while the
 * counter is not 0. The child of a fork gets a counter of its own.
 */
export function eventfd(initval: u32, flags: i32): i32 {
  return conclude(errno, posix.eventfd(initval, flags));
}

/** Waits until the counter is not 0, stores it at `value`, a u64, and makes it 0; with EFD_SEMAPHORE stores 1 and takes 1 off. Returns 0, or -1. */
export function eventfd_read(fd: i32, value: usize): i32 {
  const length = posix.read(fd, value, 8);
  return conclude(errno, length == 8 || length < 0 ? min(length, 0) : -EINVAL);
}

/** Adds `value` to the counter; waits while the sum does not fit. Returns 0, or -1. */
export function eventfd_write(fd: i32, value: u64): i32 {
  store<u64>(word, value);
  const length = posix.write(fd, word, 8);
  return conclude(errno, length == 8 || length < 0 ? min(length, 0) : -EINVAL);
}
