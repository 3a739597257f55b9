// sys/uio.h: reading and writing buffers in pieces. iovec is declared in message.ts.
import { conclude, errno } from "./errno";
import * as posix from "./posix";

/**
 * Reads into the `iovcnt` iovec at `iov`, one after another, as `read` reads into one buffer. Of what may wait – sockets, pipes – no more than
 * 64 KiB at once. Returns the number of bytes, or -1 (EINVAL: more than UIO_MAXIOV).
 */
export function readv(fd: i32, iov: usize, iovcnt: i32): i32 {
  return conclude(errno, posix.readv(fd, iov, iovcnt));
}

/** Writes the `iovcnt` iovec at `iov` as `write` writes one buffer: a datagram of all together, and to a pipe in one piece up to PIPE_BUF. */
export function writev(fd: i32, iov: usize, iovcnt: i32): i32 {
  return conclude(errno, posix.writev(fd, iov, iovcnt));
}

/** Like `readv`, from byte `offset` of a file; the file's position stays. */
export function preadv(fd: i32, iov: usize, iovcnt: i32, offset: i64): i32 {
  return conclude(errno, posix.preadv(fd, iov, iovcnt, offset));
}

/** Like `writev`, at byte `offset` of a file; the file's position stays. */
export function pwritev(fd: i32, iov: usize, iovcnt: i32, offset: i64): i32 {
  return conclude(errno, posix.pwritev(fd, iov, iovcnt, offset));
}
