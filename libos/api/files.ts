// Whole files at once: what an app mostly does with what is embedded in its image.
import { EISDIR } from "../../kernel/errno";
import { setErrno } from "./errno";
import { open } from "./fcntl";
import { fstat, S_ISREG, Stat } from "./stat";
import { close, pread } from "./unistd";

/** The contents of the embedded file `path`; null on error, with errno set. */
export function readFile(path: string): Uint8Array | null {
  const fd = open(path);
  if (fd < 0) return null;
  const status = new Stat();
  if (fstat(fd, status) < 0 || !S_ISREG(status.st_mode)) {
    close(fd);
    setErrno(EISDIR);
    return null;
  }
  const bytes = new Uint8Array(<i32>status.st_size);
  const length = pread(fd, bytes.dataStart, bytes.length, 0);
  close(fd);
  return length == bytes.length ? bytes : null;
}

/** The contents of the embedded file `path` as text (UTF-8); null on error, with errno set. */
export function readTextFile(path: string): string | null {
  const bytes = readFile(path);
  return bytes === null ? null : String.UTF8.decodeUnsafe(bytes.dataStart, bytes.length);
}
