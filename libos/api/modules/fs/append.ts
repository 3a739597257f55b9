// Adding to the end of a file, also of one that others add to at the same time: each call is one write.
import { AT_FDCWD, O_APPEND, O_CREAT, O_WRONLY } from "../../../posix/constants";
import { openat } from "../../fcntl";
import { close, fsync, write } from "../../unistd";

const MODE: u32 = 0x1b6; // rw-rw-rw-

function append(path: string, start: usize, length: i32, sync: bool): bool {
  const fd = openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_APPEND, MODE);
  if (fd < 0) return false;
  let done = 0;
  while (done < length) {
    const count = write(fd, start + done, length - done);
    if (count < 0) break;
    done += count;
  }
  const isKept = done == length && (!sync || fsync(fd) == 0);
  close(fd);
  return isKept;
}

/**
 * Adds `bytes` to the end of the file `path`, which is made if it is not there. With `sync` they are on the device when it returns, where there is
 * one. False on error (ENOSPC, EROFS, ENOENT, EIO …); then a part of them may be there.
 */
export function appendFile(path: string, bytes: Uint8Array, sync: bool = false): bool {
  return append(path, bytes.dataStart, bytes.length, sync);
}

/** Like `appendFile`, with text. */
export function appendTextFile(path: string, text: string, sync: bool = false): bool {
  const bytes = String.UTF8.encode(text);
  return append(path, changetype<usize>(bytes), bytes.byteLength, sync);
}
