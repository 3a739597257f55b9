// Files by name and by descriptor.
import { O_RDONLY, Stat, close, fstat, open, stat } from "karyon";

const PATH = "/dev/zero";

/** Opens a file and closes it. */
export function opens(count: i32): bool {
  let done = 0;
  while (done < count && close(open(PATH, O_RDONLY)) == 0) done++;
  return done == count;
}

export function statuses(count: i32): bool {
  const status = new Stat();
  let done = 0;
  while (done < count && stat(PATH, status) == 0) done++;
  return done == count;
}

export function statusesOfOpen(count: i32): bool {
  const status = new Stat();
  const fd = open(PATH, O_RDONLY);
  let done = 0;
  while (done < count && fstat(fd, status) == 0) done++;
  return close(fd) == 0 && done == count;
}
