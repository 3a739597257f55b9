// sys/stat.h: what is known of a file.
import { S_IFCHR, S_IFDIR, S_IFIFO, S_IFMT, S_IFREG } from "../posix/constants";
import { conclude, errno } from "./errno";
import * as posix from "./posix";

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
  /** 128 bits that name the contents (half of their SHA-256), ready for an ETag; zero for a directory. */
  st_hash_low: u64 = 0;
  st_hash_high: u64 = 0;
}

/** Fills `status` with what is known of `path`. Returns 0, or -1 (ENOENT, ENOTDIR, ENAMETOOLONG). */
export function stat(path: string, status: Stat): i32 {
  const name = String.UTF8.encode(path);
  return conclude(errno, posix.stat(changetype<usize>(name), name.byteLength, changetype<usize>(status)));
}

/** Fills `status` with what is known of the open file `fd`. Returns 0, or -1. */
export function fstat(fd: i32, status: Stat): i32 {
  return conclude(errno, posix.fstat(fd, changetype<usize>(status)));
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
