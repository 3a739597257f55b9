// The part of unistd.h and stdio.h that is about names of files: making, renaming and removing them, links, the working directory.
import { AT_FDCWD, AT_REMOVEDIR, PATH_MAX } from "../posix/constants";
import { conclude, errno } from "./errno";
import * as posix from "./posix";

/** Removes the name `path` of what is no directory; the file goes with its last name and descriptor. Returns 0, or -1 (ENOENT, EISDIR, EROFS …). */
export function unlink(path: string): i32 {
  return unlinkat(AT_FDCWD, path, 0);
}

/** Removes the empty directory `path`. Returns 0, or -1 (ENOTEMPTY, ENOTDIR, EBUSY, EINVAL, EROFS …). */
export function rmdir(path: string): i32 {
  return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

/** `unlink`, or with AT_REMOVEDIR `rmdir`; a relative path begins at the directory that `directory` has open. */
export function unlinkat(directory: i32, path: string, flags: i32): i32 {
  const name = String.UTF8.encode(path);
  return conclude(errno, posix.unlinkat(directory, changetype<usize>(name), name.byteLength, flags));
}

/**
 * Gives what is named `from` the name `to`, in one step; what that named is gone. Returns 0, or -1 (ENOENT, EXDEV, ENOTEMPTY, EISDIR, ENOTDIR,
 * EBUSY, EINVAL, EROFS …).
 */
export function rename(from: string, to: string): i32 {
  return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

/** Like `rename`; relative paths begin at the directories. */
export function renameat(fromDirectory: i32, from: string, directory: i32, to: string): i32 {
  const old = String.UTF8.encode(from);
  const name = String.UTF8.encode(to);
  const oldStart = changetype<usize>(old);
  const start = changetype<usize>(name);
  return conclude(errno, posix.renameat(fromDirectory, oldStart, old.byteLength, directory, start, name.byteLength));
}

/** Gives the file `from`, which is no directory (EPERM), one more name. Returns 0, or -1 (EEXIST, ENOENT, EXDEV, EROFS …). */
export function link(from: string, to: string): i32 {
  return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

/** Like `link`; relative paths begin at the directories. `flags`: AT_SYMLINK_FOLLOW, AT_EMPTY_PATH (with `from` "": the file that is open as `fromDirectory`). */
export function linkat(fromDirectory: i32, from: string, directory: i32, to: string, flags: i32): i32 {
  const old = String.UTF8.encode(from);
  const name = String.UTF8.encode(to);
  const oldStart = changetype<usize>(old);
  const start = changetype<usize>(name);
  return conclude(
    errno,
    posix.linkat(fromDirectory, oldStart, old.byteLength, directory, start, name.byteLength, flags),
  );
}

/** Makes `path` a symbolic link to `text`. Returns 0, or -1 (EEXIST, ENOENT, ENOSPC, EROFS …). */
export function symlink(text: string, path: string): i32 {
  return symlinkat(text, AT_FDCWD, path);
}

/** Like `symlink`; a relative path begins at `directory`. */
export function symlinkat(text: string, directory: i32, path: string): i32 {
  const bytes = String.UTF8.encode(text);
  const name = String.UTF8.encode(path);
  const start = changetype<usize>(bytes);
  const result = posix.symlinkat(start, bytes.byteLength, directory, changetype<usize>(name), name.byteLength);
  return conclude(errno, result);
}

/** The text of symbolic link `path`; null on error, with errno set (EINVAL: it is none). */
export function readlink(path: string): string | null {
  return readlinkat(AT_FDCWD, path);
}

/** Like `readlink`; a relative path begins at `directory`. */
export function readlinkat(directory: i32, path: string): string | null {
  const name = String.UTF8.encode(path);
  const text = new ArrayBuffer(PATH_MAX);
  const start = changetype<usize>(text);
  const result = posix.readlinkat(directory, changetype<usize>(name), name.byteLength, start, PATH_MAX);
  const length = conclude(errno, result);
  return length < 0 ? null : String.UTF8.decodeUnsafe(start, length);
}

/** Whether `path` is there (F_OK) and may be read, written (R_OK, W_OK: EROFS), run (X_OK: EACCES). Returns 0, or -1. */
export function access(path: string, mode: i32): i32 {
  return faccessat(AT_FDCWD, path, mode);
}

/** Like `access`; a relative path begins at `directory`. */
export function faccessat(directory: i32, path: string, mode: i32): i32 {
  const name = String.UTF8.encode(path);
  return conclude(errno, posix.faccessat(directory, changetype<usize>(name), name.byteLength, mode));
}

/** Makes `path` the working directory, where relative paths begin; it is "/" at first. Returns 0, or -1 (ENOENT, ENOTDIR …). */
export function chdir(path: string): i32 {
  const name = String.UTF8.encode(path);
  return conclude(errno, posix.chdir(changetype<usize>(name), name.byteLength));
}

/** Like `chdir`, to the directory that `fd` has open. Returns 0, or -1 (EBADF, ENOTDIR). */
export function fchdir(fd: i32): i32 {
  return conclude(errno, posix.fchdir(fd));
}

/** The path of the working directory; null with ENOENT when it has been removed. */
export function getcwd(): string | null {
  const text = new ArrayBuffer(PATH_MAX);
  const length = conclude(errno, posix.getcwd(changetype<usize>(text), PATH_MAX));
  return length < 0 ? null : String.UTF8.decodeUnsafe(changetype<usize>(text), length);
}
