// System calls that do next to nothing: what is measured is the way in and out.
import { O_RDONLY, O_WRONLY, close, getppid, open, read, write } from "karyon";

const byte = memory.data(1);

export function getppids(count: i32): bool {
  for (let i = 0; i < count; i++) {
    if (getppid() != 0) return false; // the first process has no parent
  }
  return true;
}

export function reads(count: i32): bool {
  const fd = open("/dev/zero", O_RDONLY);
  let done = 0;
  while (done < count && read(fd, byte, 1) == 1) done++;
  return close(fd) == 0 && done == count;
}

export function writes(count: i32): bool {
  const fd = open("/dev/null", O_WRONLY);
  let done = 0;
  while (done < count && write(fd, byte, 1) == 1) done++;
  return close(fd) == 0 && done == count;
}
