// unistd.h: whose files are. That is kept and told; the one user there is, root, is kept from nothing by it.
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../posix/constants";
import { conclude, errno } from "./errno";
import * as posix from "./posix";

/** Makes `path` the file of user `owner` and group `group`; u32.MAX_VALUE, C's -1, leaves one as it is. Returns 0, or -1 (ENOENT, EROFS …). */
export function chown(path: string, owner: u32, group: u32): i32 {
  return fchownat(AT_FDCWD, path, owner, group);
}

/** Like `chown`, of a symbolic link itself. */
export function lchown(path: string, owner: u32, group: u32): i32 {
  return fchownat(AT_FDCWD, path, owner, group, AT_SYMLINK_NOFOLLOW);
}

/** Like `chown`, of the open file `fd`. Returns 0, or -1 (EBADF, EROFS). */
export function fchown(fd: i32, owner: u32, group: u32): i32 {
  return conclude(errno, posix.fchownat(fd, 0, 0, owner, group, 0));
}

/** Like `chown`; a relative path begins at the directory that `directory` has open, or AT_FDCWD. `flags`: AT_SYMLINK_NOFOLLOW. */
export function fchownat(directory: i32, path: string, owner: u32, group: u32, flags: i32 = 0): i32 {
  const name = String.UTF8.encode(path);
  return conclude(errno, posix.fchownat(directory, changetype<usize>(name), name.byteLength, owner, group, flags));
}
