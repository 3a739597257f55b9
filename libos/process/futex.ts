// Futexes: sleeping until another thread says that a word of the app's memory has changed. The mutexes, conditions and
// joins of libos/api are made of it.
// Invariant: a thread is linked in the bucket of its `futex` exactly while it sleeps and nobody has woken it.
import { EAGAIN, EFAULT, EINVAL } from "../../kernel/errno";
import { ListNode, listFirst, listInit, listInsertTail, listRemove } from "../../kernel/list";
import { Thread, threadBlockInterruptibly, threadWake } from "../../kernel/thread/scheduler";
import { AppThread, appThreadSelf } from "./threads";
import { userBuffer } from "./user_memory";

const BUCKETS: u32 = 32;
const buckets = memory.data(256, 8); // BUCKETS list heads of 8 bytes
let initialised = false;

function bucketOf(futex: u32): ListNode {
  if (!initialised) {
    for (let i: usize = 0; i < BUCKETS; i++) listInit(changetype<ListNode>(buckets + (i << 3)));
    initialised = true;
  }
  const hash = (futex >> 2) * 0x9e3779b1;
  return changetype<ListNode>(buckets + ((<usize>(hash >> 27)) << 3));
}

/**
 * Sleeps while the u32 at `futex` of app memory is `expected`, until a wake-up or `deadline` (monotonic ns). Returns 0,
 * -EAGAIN when it is something else, -ETIMEDOUT, -EINTR, -EFAULT, or -EINVAL for an address that is no multiple of 4.
 */
export function futexWait(futex: u32, expected: u32, deadline: u64): i32 {
  const word = userBuffer(futex, 4);
  if (word == 0) return -EFAULT;
  if ((futex & 3) != 0) return -EINVAL;
  if (load<u32>(word) != expected) return -EAGAIN;
  const self = appThreadSelf();
  self.futex = futex;
  self.futexWoken = false;
  listInsertTail(bucketOf(futex), self.link);
  let result = 0;
  // Other wake-ups of the thread mean nothing here.
  while (!self.futexWoken && result == 0) result = threadBlockInterruptibly(deadline);
  if (self.futexWoken) return 0;
  listRemove(self.link);
  return result;
}

/** Wakes up to `count` threads that sleep on `futex`, those that came first; how many. */
export function futexWake(futex: u32, count: u32): i32 {
  const head = bucketOf(futex);
  let woken: u32 = 0;
  let at = listFirst(head);
  while (at != 0 && woken < count) {
    const sleeper = changetype<AppThread>(at);
    const next = changetype<ListNode>(at).next;
    if (sleeper.futex == futex) {
      listRemove(sleeper.link);
      sleeper.futexWoken = true;
      threadWake(changetype<Thread>(sleeper.thread));
      woken += 1;
    }
    at = next == changetype<usize>(head) ? 0 : next;
  }
  return <i32>woken;
}
