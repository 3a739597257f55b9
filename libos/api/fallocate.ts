// posix_fallocate (fcntl.h): room for a file's contents before they are written.
import { EBADF, EFBIG, EINVAL, ENODEV, ESPIPE } from "../../kernel/errno";
import { F_GETFL, O_ACCMODE, O_APPEND, O_RDONLY } from "../posix/constants";
import * as posix from "./posix";
import { S_ISFIFO, S_ISREG, Stat } from "./stat";

/** No block of a file system is smaller. */
const STEP: i64 = 1024;

const byte = memory.data(1);

/**
 * Sees to it that bytes `offset` … `offset + length` of the open file `fd` are there, zero where there were none, and that writing to them does not fail for want of
 * room. What is there already is read, and written where it was a hole. Returns 0, or an error number: EBADF (also for O_APPEND, and what is to be read but may not be), EINVAL, EFBIG, ENODEV, ENOSPC, ESPIPE, EIO.
 */
export function posix_fallocate(fd: i32, offset: i64, length: i64): i32 {
  const flags = posix.fcntl(fd, F_GETFL, 0);
  if (flags < 0 || (flags & O_APPEND) != 0 || (flags & O_ACCMODE) == O_RDONLY) return EBADF;
  if (offset < 0 || length <= 0) return EINVAL;
  if (length > i64.MAX_VALUE - offset) return EFBIG;
  const status = new Stat();
  const error = posix.fstat(fd, changetype<usize>(status));
  if (error != 0) return -error;
  if (S_ISFIFO(status.st_mode)) return ESPIPE;
  if (!S_ISREG(status.st_mode)) return ENODEV;
  const end = offset + length;
  // The last byte of each block that is touched: so the file ends where it is to end.
  for (let at = offset; at < end;) {
    const last = min(at | (STEP - 1), end - 1);
    const failure = touch(fd, last, status.st_size);
    if (failure != 0) return failure;
    at = last + 1;
  }
  return 0;
}

/** Has byte `at` of the file, which had `size` bytes, be there. */
function touch(fd: i32, at: i64, size: i64): i32 {
  store<u8>(byte, 0);
  if (at < size) {
    const read = posix.pread(fd, byte, 1, at);
    if (read < 0) return -read;
    if (load<u8>(byte) != 0) return 0;
  }
  const written = posix.pwrite(fd, byte, 1, at);
  return written < 0 ? -written : 0;
}
