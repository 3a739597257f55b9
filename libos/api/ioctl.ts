// sys/ioctl.h: FIONREAD and FIONBIO, and for TCP sockets SIOCOUTQ and SIOCOUTQNSD (libos/posix/constants.ts).
import { conclude, errno } from "./errno";
import * as posix from "./posix";

/**
 * Does what `request` says; the i32 at `value` is its argument or its result. FIONREAD is for sockets, pipes and files, FIONBIO for all. Returns 0, or -1: ENOTTY
 * (no such request, or not for what this is), EINVAL (a socket that listens), EBADF, EFAULT.
 */
export function ioctl(fd: i32, request: u32, value: usize): i32 {
  return conclude(errno, posix.ioctl(fd, request, value));
}
