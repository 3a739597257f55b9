// unistd.h: bytes in and out of descriptors, whatever is behind them, and the small calls of that header.
import { EFAULT } from "../../kernel/errno";
import { conclude, conclude64, errno, keep } from "./errno";
import * as posix from "./posix";
import { timespec } from "./time";

/**
 * Reads up to `count` bytes to `buffer`. Returns the number read, 0 at the end of a file or stream, -1 on error
 * (EAGAIN: non-blocking and nothing there).
 */
export function read(fd: i32, buffer: usize, count: usize): i32 {
  return conclude(errno, posix.read(fd, buffer, <u32>count));
}

/** Like `read`, from byte `offset` of a file; the file's position stays. */
export function pread(fd: i32, buffer: usize, count: usize, offset: i64): i32 {
  return conclude(errno, posix.pread(fd, buffer, <u32>count, offset));
}

/** Like `write`, at byte `offset` of a file, or at its end with O_APPEND; the file's position stays. */
export function pwrite(fd: i32, buffer: usize, count: usize, offset: i64): i32 {
  return conclude(errno, posix.pwrite(fd, buffer, <u32>count, offset));
}

/**
 * Writes up to `count` bytes from `buffer`. Returns the number written, -1 on error. A blocking descriptor takes all
 * of them; a non-blocking one what it has room for. A pipe or stream that nobody reads any more: EPIPE, and SIGPIPE, which ends the process
 * unless signal() has said otherwise.
 */
export function write(fd: i32, buffer: usize, count: usize): i32 {
  return conclude(errno, posix.write(fd, buffer, <u32>count));
}

/** Reads into bytes `from` … `to` of `bytes` (`to` < 0: its end). Otherwise like `read`. */
export function readBytes(fd: i32, bytes: Uint8Array, from: i32 = 0, to: i32 = -1): i32 {
  const end = to < 0 ? bytes.length : min(to, bytes.length);
  const start = min(from, end);
  return conclude(errno, posix.read(fd, bytes.dataStart + start, end - start));
}

/** Writes bytes `from` … `to` of `bytes` (`to` < 0: its end). Otherwise like `write`. */
export function writeBytes(fd: i32, bytes: Uint8Array, from: i32 = 0, to: i32 = -1): i32 {
  const end = to < 0 ? bytes.length : min(to, bytes.length);
  const start = min(from, end);
  return conclude(errno, posix.write(fd, bytes.dataStart + start, end - start));
}

/** Writes `text` as UTF-8. Otherwise like `write`. */
export function writeText(fd: i32, text: string): i32 {
  const bytes = String.UTF8.encode(text);
  return conclude(errno, posix.write(fd, changetype<usize>(bytes), bytes.byteLength));
}

/**
 * Makes a pipe between threads, and between parent and child of a later fork: `fds[0]` reads what is written to `fds[1]`. Returns 0, or -1 (EMFILE, ENFILE without memory).
 *
 * It holds up to 64 KiB, less when memory is short, and 7 KiB where the domain offers fork; up to PIPE_BUF bytes are written in one piece or not at all.
 * At the end of what is there `read` returns 0 when the last `fds[1]` is closed; `write` fails with EPIPE, and
 * SIGPIPE is raised, when the last `fds[0]` is, in whichever process.
 */
export function pipe(fds: StaticArray<i32>): i32 {
  return pipe2(fds, 0);
}

/** Like `pipe`; `flags` are O_NONBLOCK and O_CLOEXEC, for both ends. */
export function pipe2(fds: StaticArray<i32>, flags: i32): i32 {
  return conclude(errno, fds.length < 2 ? -EFAULT : posix.pipe(changetype<usize>(fds), flags));
}

/** Moves the position of a file (SEEK_SET, SEEK_CUR, SEEK_END), also behind its end. Returns the new one, or -1. */
export function lseek(fd: i32, offset: i64, whence: i32): i64 {
  return conclude64(errno, posix.lseek(fd, offset, whence));
}

/** Makes the open file `fd` `length` bytes long: cuts it, or adds zeros. Returns 0, or -1 (EBADF, EINVAL: not open for writing). */
export function ftruncate(fd: i32, length: i64): i32 {
  return conclude(errno, posix.ftruncate(fd, length));
}

/** Like `ftruncate`, by the file's path. Returns 0, or -1 (ENOENT, EISDIR, EINVAL, EROFS …). */
export function truncate(path: string, length: i64): i32 {
  const name = String.UTF8.encode(path);
  return conclude(errno, posix.truncate(changetype<usize>(name), name.byteLength, length));
}

/** Waits until what was done to the file, and before on its volume, is on the device; in memory there is nothing to wait for. Returns 0, or -1 (EBADF, EINVAL: no file, EIO). */
export function fsync(fd: i32): i32 {
  return conclude(errno, posix.fsync(fd));
}

/** Like `fsync`. */
export function fdatasync(fd: i32): i32 {
  return fsync(fd);
}

/** Waits until what was done to files on all disks is there, as well as it goes. */
export function sync(): void {
  posix.sync();
}

/** Like `sync`, for the file system that `fd`, a file or directory, is in. Returns 0, or -1 (EBADF, EIO, EINVAL: it is in none). */
export function syncfs(fd: i32): i32 {
  return conclude(errno, posix.fsync(fd));
}

/** Closes `fd`. A connection's unsent data is still delivered (unless SO_LINGER says otherwise). */
export function close(fd: i32): i32 {
  return conclude(errno, posix.close(fd));
}

/** A second descriptor, the lowest free one, of the same open file or socket. */
export function dup(fd: i32): i32 {
  return conclude(errno, posix.dup(fd));
}

/** Makes `target` a second descriptor of `fd`'s open file, closing what `target` was. */
export function dup2(fd: i32, target: i32): i32 {
  return conclude(errno, posix.dup2(fd, target));
}

/** Like `dup2`, with O_CLOEXEC or 0 as `flags`; EINVAL when both are the same. */
export function dup3(fd: i32, target: i32, flags: i32): i32 {
  return conclude(errno, posix.dup3(fd, target, flags));
}

/** Sleeps `seconds`. Returns 0, or the seconds that were left when a signal ended it. */
export function sleep(seconds: u32): u32 {
  const left = new timespec();
  keep(errno, posix.nanosleep(<i64>seconds * 1_000_000_000, changetype<usize>(left)));
  return <u32>left.tv_sec + (left.tv_nsec == 0 ? 0 : 1);
}

/** Sleeps `microseconds`. Returns 0, or -1 (EINTR). */
export function usleep(microseconds: u32): i32 {
  return conclude(errno, posix.nanosleep(<i64>microseconds * 1_000, 0));
}

/** Sleeps until a signal comes whose handler then runs. Returns -1 with EINTR. */
export function pause(): i32 {
  return conclude(errno, posix.pause());
}
