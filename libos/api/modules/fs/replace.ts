// Files that take the place of others: copies, and contents that are replaced in one step, so that who reads at any moment, and who
// finds a volume after its domain was destroyed, has the old or the new ones whole.
import { AT_FDCWD, O_CREAT, O_TRUNC, O_WRONLY } from "../../../posix/constants";
import { errno, setErrno } from "../../errno";
import { open, openat } from "../../fcntl";
import { rename as cRename, unlink } from "../../names";
import { Stat, fstat } from "../../stat";
import { close, fsync, read, write } from "../../unistd";

const PERMISSIONS: u32 = 0x1ff;
const READABLE: u32 = 0x1b6; // rw-rw-rw-
const PIECE: i32 = 16 * 1024;

/** Writes all; false on error. */
function writeAll(fd: i32, start: usize, length: i32): bool {
  let done = 0;
  while (done < length) {
    const count = write(fd, start + done, length - done);
    if (count < 0) return false;
    done += count;
  }
  return true;
}

function copyContents(source: i32, target: i32): bool {
  const piece = new ArrayBuffer(PIECE);
  const start = changetype<usize>(piece);
  while (true) {
    const length = read(source, start, PIECE);
    if (length <= 0) return length == 0;
    if (!writeAll(target, start, length)) return false;
  }
}

/** Makes `to` a file with the contents and, when it was not there, the permissions of `from`. False on error (ENOENT, EISDIR, ENOSPC …); then a part may be there. */
export function copyFile(from: string, to: string): bool {
  const source = open(from);
  if (source < 0) return false;
  const status = new Stat();
  let isDone: bool = false;
  if (fstat(source, status) == 0) {
    const target = openat(AT_FDCWD, to, O_CREAT | O_WRONLY | O_TRUNC, status.st_mode & PERMISSIONS);
    isDone = target >= 0 && copyContents(source, target);
    if (target >= 0) close(target);
  }
  close(source);
  return isDone;
}

/**
 * Makes `bytes` the contents of `path` in one step, by way of a file `path`.new beside it; they are on the device when it returns, where there is one. False
 * on error (ENOSPC, EROFS, EIO …); then the old ones are there.
 */
export function replaceFile(path: string, bytes: Uint8Array): bool {
  const beside = path + ".new";
  const fd = openat(AT_FDCWD, beside, O_CREAT | O_WRONLY | O_TRUNC, READABLE);
  if (fd < 0) return false;
  const isReady = writeAll(fd, bytes.dataStart, bytes.length) && fsync(fd) == 0 && cRename(beside, path) == 0;
  if (!isReady) {
    const reason = errno;
    unlink(beside);
    setErrno(reason);
  }
  // Once more for the new name.
  const isKept = isReady && fsync(fd) == 0;
  close(fd);
  return isKept;
}

/** Like `replaceFile`, with text. */
export function replaceTextFile(path: string, text: string): bool {
  return replaceFile(path, Uint8Array.wrap(String.UTF8.encode(text)));
}

/** Gives what is named `from` the name `to`; a file of that name is gone. False on error (ENOENT, EXDEV, ENOTEMPTY …). */
export function rename(from: string, to: string): bool {
  return cRename(from, to) == 0;
}
