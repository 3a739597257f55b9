// Whole files at once: what an app mostly does with files.
import { EISDIR } from "../../kernel/errno";
import { O_CREAT, O_TRUNC, O_WRONLY, AT_FDCWD } from "../posix/constants";
import { setErrno } from "./errno";
import { open, openat } from "./fcntl";
import { fstat, S_ISREG, Stat } from "./stat";
import { close, pread, readBytes, writeBytes } from "./unistd";

const FIRST_SIZE: i32 = 4096;

/** The contents of the file `path`; null on error, with errno set. */
export function readFile(path: string): Uint8Array | null {
  const fd = open(path);
  if (fd < 0) return null;
  const status = new Stat();
  if (fstat(fd, status) < 0 || !S_ISREG(status.st_mode)) {
    close(fd);
    setErrno(EISDIR);
    return null;
  }
  if (status.st_size == 0) {
    const all = readToEnd(fd);
    close(fd);
    return all;
  }
  const bytes = new Uint8Array(<i32>status.st_size);
  const length = pread(fd, bytes.dataStart, bytes.length, 0);
  close(fd);
  return length == bytes.length ? bytes : null;
}

/** What there is to read of `fd`, whose size is not known: of a file in /proc. */
function readToEnd(fd: i32): Uint8Array | null {
  let bytes = new Uint8Array(FIRST_SIZE);
  let length = 0;
  while (true) {
    const got = readBytes(fd, bytes, length);
    if (got < 0) return null;
    if (got == 0) return bytes.slice(0, length);
    length += got;
    if (length < bytes.length) continue;
    const larger = new Uint8Array(2 * length);
    larger.set(bytes);
    bytes = larger;
  }
}

/** The contents of the file `path` as text (UTF-8); null on error, with errno set. */
export function readTextFile(path: string): string | null {
  const bytes = readFile(path);
  return bytes === null ? null : String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}

/** Makes `bytes` the contents of the file `path`, which is made if it is not there. False on error, with errno set (ENOSPC, EROFS …). */
export function writeFile(path: string, bytes: Uint8Array): bool {
  const fd = openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, 0x1b6); // rw-rw-rw-
  if (fd < 0) return false;
  let done = 0;
  while (done < bytes.length) {
    const length = writeBytes(fd, bytes, done);
    if (length < 0) break;
    done += length;
  }
  close(fd);
  return done == bytes.length;
}

/** Like `writeFile`, with text, as UTF-8. */
export function writeTextFile(path: string, text: string): bool {
  return writeFile(path, Uint8Array.wrap(String.UTF8.encode(text)));
}
