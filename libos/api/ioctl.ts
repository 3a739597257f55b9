// sys/ioctl.h, for sockets: FIONREAD, SIOCOUTQ, SIOCOUTQNSD, FIONBIO (libos/posix/constants.ts).
import { conclude, errno } from "./errno";
import * as posix from "./posix";

/** Does what `request` says; the i32 at `value` is its argument or its result. 0, or -1. */
export function ioctl(fd: i32, request: u32, value: usize): i32 {
  return conclude(errno, posix.ioctl(fd, request, value));
}
