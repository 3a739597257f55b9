// Not POSIX: where the time of a fork went.
import { conclude, errno } from "./errno";
import * as posix from "./posix";

/**
 * Fills `times` with the stage times of the process's last fork, or of the one it came from, in ns; docs/fork.md tells what
 * each is. Returns how many there are, or -1 (ENOSYS).
 */
export function fork_stats(times: StaticArray<u64>): i32 {
  return conclude(errno, posix.fork_stats(changetype<usize>(times), times.length));
}
