// utime.h and sys/time.h: the times of files, in the ways that were there before utimensat.
import { EINVAL } from "../../kernel/errno";
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../posix/constants";
import { conclude, errno } from "./errno";
import { futimens, utimensat } from "./stat";
import { timespec, timeval } from "./time";

/** struct utimbuf: seconds since the epoch. */
@final
export class utimbuf {
  constructor(
    public actime: i64 = 0,
    public modtime: i64 = 0,
  ) {}
}

function spec(time: timeval): timespec {
  return new timespec(time.tv_sec, time.tv_usec * 1000);
}

function isTime(time: timeval | null): bool {
  return time === null || <u64>time.tv_usec < 1_000_000;
}

/** Sets the times of the last read and change of contents of `path`; null: to now. Returns 0, or -1 (ENOENT, EROFS …). */
export function utime(path: string, times: utimbuf | null = null): i32 {
  if (times === null) return utimensat(AT_FDCWD, path, null, null);
  return utimensat(AT_FDCWD, path, new timespec(times.actime), new timespec(times.modtime));
}

/** Like `utime`, in microseconds; both null: to now. Returns 0, or -1, also EINVAL. */
export function utimes(path: string, access: timeval | null = null, modification: timeval | null = null): i32 {
  return set(path, access, modification, 0);
}

/** Like `utimes`, of a symbolic link itself. */
export function lutimes(path: string, access: timeval | null = null, modification: timeval | null = null): i32 {
  return set(path, access, modification, AT_SYMLINK_NOFOLLOW);
}

/** Like `utimes`, of the open file `fd`. */
export function futimes(fd: i32, access: timeval | null = null, modification: timeval | null = null): i32 {
  if (!isTime(access) || !isTime(modification)) return conclude(errno, -EINVAL);
  if (access === null || modification === null) return futimens(fd, null, null);
  return futimens(fd, spec(access), spec(modification));
}

function set(path: string, access: timeval | null, modification: timeval | null, flags: i32): i32 {
  if (!isTime(access) || !isTime(modification)) return conclude(errno, -EINVAL);
  if (access === null || modification === null) return utimensat(AT_FDCWD, path, null, null, flags);
  return utimensat(AT_FDCWD, path, spec(access), spec(modification), flags);
}
