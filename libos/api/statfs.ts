// sys/statfs.h: the file system that a file is in.
import { conclude, errno } from "./errno";
import * as posix from "./posix";

/** struct statfs, as far as it means something here. (The function has its name; a class and a function cannot share one.) */
@final
export class Statfs {
  /** ROMFS_MAGIC (what is embedded), TMPFS_MAGIC. */
  f_type: i64 = 0;
  /** Bytes of a block. */
  f_bsize: i64 = 0;
  /** Blocks that it has, and that are free. */
  f_blocks: u64 = 0;
  f_bfree: u64 = 0;
  /** Files that there can be about, and about how many more. */
  f_files: u64 = 0;
  f_ffree: u64 = 0;
  /** The longest name. */
  f_namelen: i64 = 0;
  /** ST_RDONLY, or 0. */
  f_flags: i64 = 0;
}

/** Fills `status` for the file system that `path` is in. Returns 0, or -1 (ENOENT, ENOTDIR …). */
export function statfs(path: string, status: Statfs): i32 {
  const name = String.UTF8.encode(path);
  return conclude(errno, posix.statfs(changetype<usize>(name), name.byteLength, changetype<usize>(status)));
}

/** Like `statfs`, of the open file `fd`. Returns 0, or -1 (EBADF). */
export function fstatfs(fd: i32, status: Statfs): i32 {
  return conclude(errno, posix.fstatfs(fd, changetype<usize>(status)));
}
