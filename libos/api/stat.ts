// sys/stat.h: what is known of a file, its permissions and times, and directories.
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
  S_IFSOCK,
} from "../posix/constants";
import { conclude, errno } from "./errno";
import * as posix from "./posix";
import { timespec } from "./time";

/** struct stat. (The function has its name; a class and a function cannot share one.) */
@final
export class Stat {
  st_mode: u32 = 0;
  st_nlink: u32 = 0;
  /** Bytes. */
  st_size: i64 = 0;
  st_ino: u64 = 0;
  /** Time of the last change, seconds since the epoch … */
  st_mtime: i64 = 0;
  /** … and the nanoseconds of it. */
  st_mtime_nsec: i64 = 0;
  /** 128 bits that name the contents of an embedded file (half of their SHA-256), ready for an ETag; zero for others. */
  st_hash_low: u64 = 0;
  st_hash_high: u64 = 0;
  /** The mounted file system that it is in. */
  st_dev: u64 = 0;
  /** Of a device file: its numbers, major << 8 | minor. */
  st_rdev: u64 = 0;
  /** Whose it is, by chown; 0 at first. */
  st_uid: u32 = 0;
  st_gid: u32 = 0;
  st_blksize: i64 = 0;
  /** What it takes, in units of 512 bytes. */
  st_blocks: i64 = 0;
  /** Times of the last read, as Linux's relatime has it, and of the last change of anything about it. */
  st_atime: i64 = 0;
  st_atime_nsec: i64 = 0;
  st_ctime: i64 = 0;
  st_ctime_nsec: i64 = 0;
}

/** Fills `status` with what is known of `path`. Returns 0, or -1 (ENOENT, ENOTDIR, ENAMETOOLONG, ELOOP). */
export function stat(path: string, status: Stat): i32 {
  const name = String.UTF8.encode(path);
  return conclude(errno, posix.stat(changetype<usize>(name), name.byteLength, changetype<usize>(status)));
}

/** Fills `status` with what is known of the open file `fd`. Returns 0, or -1. */
export function fstat(fd: i32, status: Stat): i32 {
  return conclude(errno, posix.fstat(fd, changetype<usize>(status)));
}

/** Like `stat`, of a symbolic link itself. */
export function lstat(path: string, status: Stat): i32 {
  return fstatat(AT_FDCWD, path, status, AT_SYMLINK_NOFOLLOW);
}

/** Like `stat`; a relative path begins at the directory that `directory` has open, or AT_FDCWD. `flags`: AT_SYMLINK_NOFOLLOW. */
export function fstatat(directory: i32, path: string, status: Stat, flags: i32 = 0): i32 {
  const name = String.UTF8.encode(path);
  const target = changetype<usize>(status);
  return conclude(errno, posix.fstatat(directory, changetype<usize>(name), name.byteLength, target, flags));
}

/** Makes directory `path`. Returns 0, or -1 (EEXIST, ENOENT, ENOTDIR, ENOSPC, EROFS …). */
export function mkdir(path: string, mode: u32 = 0x1ff): i32 {
  return mkdirat(AT_FDCWD, path, mode);
}

/** Like `mkdir`; a relative path begins at `directory`. */
export function mkdirat(directory: i32, path: string, mode: u32 = 0x1ff): i32 {
  const name = String.UTF8.encode(path);
  return conclude(errno, posix.mkdirat(directory, changetype<usize>(name), name.byteLength, mode));
}

/** Sets the permissions of `path`, which nobody checks. Returns 0, or -1 (ENOENT, EROFS …). */
export function chmod(path: string, mode: u32): i32 {
  return fchmodat(AT_FDCWD, path, mode);
}

/** Like `chmod`; a relative path begins at `directory`. */
export function fchmodat(directory: i32, path: string, mode: u32): i32 {
  const name = String.UTF8.encode(path);
  return conclude(errno, posix.fchmodat(directory, changetype<usize>(name), name.byteLength, mode));
}

/** Like `chmod`, of the open file `fd`. Returns 0, or -1 (EBADF, EROFS). */
export function fchmod(fd: i32, mode: u32): i32 {
  return conclude(errno, posix.fchmod(fd, mode));
}

/** Sets which permissions new files do not get. Returns what it was; 022 at first. */
export function umask(mask: u32): u32 {
  return <u32>conclude(errno, posix.umask(mask));
}

/** Two timespecs as the call wants them; null when one is. */
function timePair(access: timespec | null, modification: timespec | null): StaticArray<i64> | null {
  if (access === null || modification === null) return null;
  const pair = new StaticArray<i64>(4);
  pair[0] = access.tv_sec;
  pair[1] = access.tv_nsec;
  pair[2] = modification.tv_sec;
  pair[3] = modification.tv_nsec;
  return pair;
}

/**
 * Sets the times of the last read and change of contents of `path`; both null: to now. tv_nsec UTIME_NOW and UTIME_OMIT as in C. `flags`:
 * AT_SYMLINK_NOFOLLOW. Returns 0, or -1 (EINVAL, EROFS, ENOENT …).
 */
export function utimensat(
  directory: i32,
  path: string,
  access: timespec | null,
  modification: timespec | null,
  flags: i32 = 0,
): i32 {
  const name = String.UTF8.encode(path);
  const pair = timePair(access, modification);
  const times = changetype<usize>(pair);
  return conclude(errno, posix.utimensat(directory, changetype<usize>(name), name.byteLength, times, flags));
}

/** Like `utimensat`, of the open file `fd`. */
export function futimens(fd: i32, access: timespec | null, modification: timespec | null): i32 {
  const pair = timePair(access, modification);
  return conclude(errno, posix.utimensat(fd, 0, 0, changetype<usize>(pair), 0));
}

/** True when st_mode `mode` is a symbolic link's. */
export function S_ISLNK(mode: u32): bool {
  return (mode & S_IFMT) == S_IFLNK;
}

/** True when st_mode `mode` is a socket's. */
export function S_ISSOCK(mode: u32): bool {
  return (mode & S_IFMT) == S_IFSOCK;
}

/** True when st_mode `mode` is a regular file's. */
export function S_ISREG(mode: u32): bool {
  return (mode & S_IFMT) == S_IFREG;
}

/** True when st_mode `mode` is a character device's: the console's, /dev/null's. */
export function S_ISCHR(mode: u32): bool {
  return (mode & S_IFMT) == S_IFCHR;
}

/** True when st_mode `mode` is a pipe's. */
export function S_ISFIFO(mode: u32): bool {
  return (mode & S_IFMT) == S_IFIFO;
}

/** True when st_mode `mode` is a directory's. */
export function S_ISDIR(mode: u32): bool {
  return (mode & S_IFMT) == S_IFDIR;
}
