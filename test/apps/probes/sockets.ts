// A byte through a pair of stream sockets of AF_UNIX.
import { AF_UNIX, SOCK_STREAM, close, read, socketpair, write } from "karyon";

const byte = memory.data(1);

export function streams(count: i32): bool {
  const ends = new StaticArray<i32>(2);
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return false;
  let done = 0;
  while (done < count && write(ends[0], byte, 1) == 1 && read(ends[1], byte, 1) == 1) done++;
  return close(ends[0]) == 0 && close(ends[1]) == 0 && done == count;
}
