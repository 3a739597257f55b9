// fcntl.h: opening files and devices, and the modes of descriptors.
import { AT_FDCWD, F_GETFL, F_SETFL, O_CREAT, O_NONBLOCK, O_RDONLY, O_TRUNC, O_WRONLY } from "../posix/constants";
import { conclude, errno } from "./errno";
import * as posix from "./posix";

/**
 * Opens the file or directory `path`; `mode` has the permissions of a file that O_CREAT makes. What is embedded in the image is read-only
 * (EROFS); files are made in /tmp and where else the manifest has a "tmpfs", in an image that has one: when the manifest says so or the app
 * makes other calls that change files, such as creat and mkdir. /dev has null, zero, full, random, urandom, console, stdin, stdout, stderr
 * and fd/0 …; the open descriptors there are opened as dup() does, files and directories anew.
 * With O_TMPFILE, and O_RDWR or O_WRONLY (else EINVAL), `path` is a directory, in whose file system a file without a name is made. It is gone when nobody has it open any
 * more; unless O_EXCL is said, linkat() of the descriptor with AT_EMPTY_PATH, or of /dev/fd/<descriptor> with AT_SYMLINK_FOLLOW, gives it a name.
 * Returns the lowest free descriptor, or -1 (EACCES never: there is one user, root).
 */
export function open(path: string, flags: i32 = O_RDONLY, mode: u32 = 0): i32 {
  const name = String.UTF8.encode(path);
  return conclude(errno, posix.open(changetype<usize>(name), name.byteLength, flags, mode));
}

/** Like `open`; a relative path begins at the directory that descriptor `directory` has open (EBADF, ENOTDIR), or AT_FDCWD. */
export function openat(directory: i32, path: string, flags: i32 = O_RDONLY, mode: u32 = 0): i32 {
  const name = String.UTF8.encode(path);
  return conclude(errno, posix.openat(directory, changetype<usize>(name), name.byteLength, flags, mode));
}

/** Makes file `path`, or empties it, and opens it for writing. Returns the descriptor, or -1 (EISDIR, ENOENT, ENOSPC, EROFS …). */
export function creat(path: string, mode: u32): i32 {
  return openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

/** F_GETFL, F_SETFL (O_NONBLOCK, O_APPEND), F_GETFD, F_SETFD (FD_CLOEXEC), F_DUPFD, F_DUPFD_CLOEXEC. */
export function fcntl(fd: i32, command: i32, argument: i32 = 0): i32 {
  return conclude(errno, posix.fcntl(fd, command, argument));
}

/** Puts `fd` in or out of non-blocking mode: the usual pair of fcntl calls. Returns 0, or -1. */
export function setNonBlocking(fd: i32, on: bool = true): i32 {
  const flags = fcntl(fd, F_GETFL);
  if (flags < 0) return -1;
  return fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}
