// epoll_wait. Errors, and which of several comes first, are Linux's.
import { EBADF, EFAULT, EINVAL, ETIMEDOUT } from "../../../kernel/errno";
import { listEmpty } from "../../../kernel/list";
import { waitInterruptibly } from "../../../kernel/thread/wait_queue";
import { descriptorFile } from "../../process/descriptors";
import { KIND_EPOLL, NO_FILE, openFileHold, openFileRelease } from "../../process/open_file";
import { userBuffer } from "../../process/user_memory";
import { deadlineIn } from "../deadline";
import { EPOLL_EVENT_SIZE } from "../layout";
import { Epoll, epollOf } from "./epoll";
import { epollCollect, epollCollectOnly } from "./ready";

/** The most events of one call: their size fits an i32. */
const EVENTS_MAX: i32 = i32.MAX_VALUE / <i32>EPOLL_EVENT_SIZE;

export function posix_epoll_wait(fd: i32, events: u32, maximum: i32, nanoseconds: i64): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (<u32>(maximum - 1) >= <u32>EVENTS_MAX) return -EINVAL;
  const target = userBuffer(events, <u32>maximum * EPOLL_EVENT_SIZE);
  if (target == 0) return -EFAULT;
  if (file.kind != KIND_EPOLL) return -EINVAL;
  return collect(epollOf(file), target, maximum, nanoseconds);
}

function collect(epoll: Epoll, target: usize, maximum: u32, nanoseconds: i64): i32 {
  return epollCollectOnly(epoll, target) != 0 ? 1 : collectLater(epoll, target, maximum, nanoseconds);
}

/** Waits until there are events to collect: how many, 0 when the time is over, -EINTR. */
function collectLater(epoll: Epoll, target: usize, maximum: u32, nanoseconds: i64): i32 {
  let found = epollCollect(epoll, target, maximum);
  if (found != 0 || nanoseconds == 0) return found;
  const deadline = deadlineIn(nanoseconds);
  const file = epoll.file;
  openFileHold(file);
  let waited = 0;
  while (found == 0 && waited == 0) {
    // A look may itself have woken something.
    if (listEmpty(epoll.ready)) waited = waitInterruptibly(epoll.threads, deadline);
    found = epollCollect(epoll, target, maximum);
  }
  openFileRelease(file);
  return found != 0 || waited == -ETIMEDOUT ? found : waited;
}
