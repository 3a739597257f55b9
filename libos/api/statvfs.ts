// sys/statvfs.h: the file system that a file is in, as POSIX has it.
import { Statfs, fstatfs, statfs } from "./statfs";

/** struct statvfs. (The function has its name; a class and a function cannot share one.) */
@final
export class Statvfs {
  /** Bytes of a block, and the unit of the counts of blocks. */
  f_bsize: u64 = 0;
  f_frsize: u64 = 0;
  /** Blocks that it has, that are free, and that are free for all. */
  f_blocks: u64 = 0;
  f_bfree: u64 = 0;
  f_bavail: u64 = 0;
  /** Files likewise. */
  f_files: u64 = 0;
  f_ffree: u64 = 0;
  f_favail: u64 = 0;
  /** Always 0. */
  f_fsid: u64 = 0;
  /** ST_RDONLY, or 0. */
  f_flag: u64 = 0;
  /** The longest name. */
  f_namemax: u64 = 0;
}

function told(known: Statfs, status: Statvfs): void {
  status.f_bsize = known.f_bsize;
  status.f_frsize = known.f_bsize;
  status.f_blocks = known.f_blocks;
  status.f_bfree = known.f_bfree;
  status.f_bavail = known.f_bfree;
  status.f_files = known.f_files;
  status.f_ffree = known.f_ffree;
  status.f_favail = known.f_ffree;
  status.f_flag = known.f_flags;
  status.f_namemax = known.f_namelen;
}

/** Fills `status` for the file system that `path` is in. Returns 0, or -1 (ENOENT, ENOTDIR …). */
export function statvfs(path: string, status: Statvfs): i32 {
  const known = new Statfs();
  const result = statfs(path, known);
  if (result == 0) told(known, status);
  return result;
}

/** Like `statvfs`, of the open file `fd`. Returns 0, or -1 (EBADF). */
export function fstatvfs(fd: i32, status: Statvfs): i32 {
  const known = new Statfs();
  const result = fstatfs(fd, known);
  if (result == 0) told(known, status);
  return result;
}
