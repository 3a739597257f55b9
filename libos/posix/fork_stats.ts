// fork_stats(): where the time of the last fork went.
import { EFAULT, ENOSYS } from "../../kernel/errno";
import { STAGES, forkDescriptor } from "../../kernel/fork/descriptor";
import { userBuffer } from "../process/user_memory";

/** Bytes from the descriptor to its stage times. */
const STAGE_TIMES: usize = 1024;

/** Stores the first `count` stage times (docs/fork.md) at `buffer`; how many it stored. */
export function posix_fork_stats(buffer: u32, count: u32): i32 {
  if (changetype<usize>(forkDescriptor()) == 0) return -ENOSYS;
  const wanted = min(count, 2 * STAGES);
  const times = userBuffer(buffer, wanted << 3);
  if (times == 0) return -EFAULT;
  memory.copy(times, changetype<usize>(forkDescriptor()) + STAGE_TIMES, (<usize>wanted) << 3);
  return <i32>wanted;
}
