// Threads and futexes.
import { EINVAL, ESRCH } from "../../kernel/errno";
import { Thread } from "../../kernel/thread/scheduler";
import { futexWait, futexWake } from "../process/futex";
import { appThreadCreate, appThreadExit, appThreadOf, appThreadSelf } from "../process/threads";
import { deadlineIn } from "./deadline";

export function posix_thread_create(entry: u32, argument: u32, stackSize: u32, shadowStackTop: u32): i32 {
  return (shadowStackTop & 15) != 0 ? -EINVAL : appThreadCreate(entry, argument, stackSize, shadowStackTop);
}

export function posix_thread_exit(): void {
  appThreadExit();
}

export function posix_thread_self(): i32 {
  return appThreadSelf().id;
}

export function posix_thread_shadow_stack(id: i32): i32 {
  const thread = appThreadOf(id);
  return changetype<usize>(thread) == 0 ? -ESRCH : changetype<Thread>(thread.thread).appStackPointer;
}

export function posix_futex_wait(futex: u32, expected: u32, nanoseconds: i64): i32 {
  return futexWait(futex, expected, deadlineIn(nanoseconds));
}

export function posix_futex_wake(futex: u32, count: u32): i32 {
  return futexWake(futex, count);
}
