// fork_stats(): where the time of the last fork went.
import { EFAULT, ENOSYS } from "../../kernel/errno";
import { STAGES, forkDescriptor, stageTimes } from "../../kernel/fork/descriptor";
import { userBuffer } from "../process/user_memory";

/** Stores the first `count` stage times (docs/fork.md) at `buffer`; how many it stored. */
export function posix_fork_stats(buffer: u32, count: u32): i32 {
  if (changetype<usize>(forkDescriptor()) == 0) return -ENOSYS;
  const wanted = min(count, 2 * STAGES);
  const times = userBuffer(buffer, wanted << 3);
  if (times == 0) return -EFAULT;
  memory.copy(times, stageTimes(), (<usize>wanted) << 3);
  return <i32>wanted;
}
