// What there is under a path.
import { AT_FDCWD, F_OK } from "../../../posix/constants";
import { errno, setErrno } from "../../errno";
import { faccessat } from "../../names";
import { S_ISDIR, S_ISREG, Stat, lstat as cLstat, stat as cStat } from "../../stat";

/** What is known of `path`; null on error (ENOENT, ENOTDIR …). */
export function stat(path: string): Stat | null {
  const status = new Stat();
  return cStat(path, status) == 0 ? status : null;
}

/** Like `stat`, of a symbolic link itself. */
export function lstat(path: string): Stat | null {
  const status = new Stat();
  return cLstat(path, status) == 0 ? status : null;
}

/** Whether there is anything under `path`; errno stays as it was. */
export function exists(path: string): bool {
  const before = errno;
  const isThere = faccessat(AT_FDCWD, path, F_OK) == 0;
  setErrno(before);
  return isThere;
}

/** The mode of what is at `path`, 0 when nothing is; errno stays as it was. */
function modeOf(path: string): u32 {
  const before = errno;
  const status = stat(path);
  setErrno(before);
  return status === null ? 0 : status.st_mode;
}

/** Whether `path` is a directory, or a symbolic link to one. */
export function isDirectory(path: string): bool {
  return S_ISDIR(modeOf(path));
}

/** Whether `path` is a regular file, or a symbolic link to one. */
export function isFile(path: string): bool {
  return S_ISREG(modeOf(path));
}
