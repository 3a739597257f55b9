// posix_fallocate (fcntl.h): room for a file's contents before they are written.
import { errno, keep } from "./errno";
import * as posix from "./posix";

/**
 * Sees to it that bytes `offset` … `offset + length` of the open file `fd` are there, zero where there were none, and that writing to them does not fail for want of
 * room. Returns 0, or an error number: EBADF (also for O_APPEND), EINVAL, EFBIG, ENODEV, ENOSPC, ESPIPE, ENOMEM, EIO.
 */
export function posix_fallocate(fd: i32, offset: i64, length: i64): i32 {
  return keep(errno, -posix.fallocate(fd, offset, length));
}
