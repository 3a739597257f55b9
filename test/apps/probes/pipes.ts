// A byte through pipes: within one thread, and to another thread and back.
import { close, pipe, pthread_create, pthread_join, read, write } from "karyon";

const byte = memory.data(1);
const there = new StaticArray<i32>(2);
const back = new StaticArray<i32>(2);

function put(ends: StaticArray<i32>): bool {
  return write(unchecked(ends[1]), byte, 1) == 1;
}

function get(ends: StaticArray<i32>): bool {
  return read(unchecked(ends[0]), byte, 1) == 1;
}

/** Writes a byte to a pipe and reads it. */
export function bytes(count: i32): bool {
  if (pipe(there) < 0) return false;
  let done = 0;
  while (done < count && put(there) && get(there)) done++;
  return close(there[0]) == 0 && close(there[1]) == 0 && done == count;
}

/** The other side: sends back what comes, until nothing more can. */
function echo(_: i32): i32 {
  while (get(there) && put(back));
  return 0;
}

/** Sends a byte to another thread and gets it back. */
export function roundTrips(count: i32): bool {
  if (pipe(there) < 0 || pipe(back) < 0) return false;
  const other = pthread_create(echo, 0);
  if (other < 0) return false;
  let done = 0;
  while (done < count && put(there) && get(back)) done++;
  const ended = close(there[1]) == 0 && pthread_join(other) == 0;
  return ended && close(there[0]) == 0 && close(back[0]) == 0 && close(back[1]) == 0 && done == count;
}
