// What read, write, poll and close do with descriptions that are neither file nor socket nor pipe (libos/optional/with_anonymous.ts): which of them it is.
import { EINVAL } from "../../kernel/errno";
import { WaitQueue } from "../../kernel/thread/wait_queue";
import { KIND_EPOLL, KIND_EVENT, KIND_SIGNAL, OpenFile } from "../process/open_file";
import { epollClose, epollEvents, epollQueue } from "../optional/with_epoll";
import { eventClose, eventEvents, eventQueue, eventRead, eventWrite } from "../optional/with_eventfd";
import { signalFileEvents, signalFileQueue, signalFileRead } from "../optional/with_signalfd";
import { timerClose, timerEvents, timerQueue, timerRead } from "../optional/with_timerfd";

/** Export, by libos/optional/with_anonymous.ts. */
export function anonymousRead(file: OpenFile, target: usize, count: u32): i32 {
  if (file.kind == KIND_EPOLL) return -EINVAL;
  if (file.kind == KIND_SIGNAL) return signalFileRead(file, target, count);
  return file.kind == KIND_EVENT ? eventRead(file, target, count) : timerRead(file, target, count);
}

/** Export, by libos/optional/with_anonymous.ts. */
export function anonymousWrite(file: OpenFile, source: usize, count: u32): i32 {
  return file.kind == KIND_EVENT ? eventWrite(file, source, count) : -EINVAL;
}

/** Export, by libos/optional/with_anonymous.ts. */
export function anonymousEvents(file: OpenFile): u32 {
  if (file.kind == KIND_EPOLL) return epollEvents(file);
  if (file.kind == KIND_SIGNAL) return signalFileEvents(file);
  return file.kind == KIND_EVENT ? eventEvents(file) : timerEvents(file);
}

/** Export, by libos/optional/with_anonymous.ts. */
export function anonymousQueue(file: OpenFile): WaitQueue {
  if (file.kind == KIND_EPOLL) return epollQueue(file);
  if (file.kind == KIND_SIGNAL) return signalFileQueue();
  return file.kind == KIND_EVENT ? eventQueue(file) : timerQueue(file);
}

/** Export, by libos/optional/with_anonymous.ts. */
export function anonymousClose(file: OpenFile): void {
  if (file.kind == KIND_EPOLL) epollClose(file);
  else if (file.kind == KIND_EVENT) eventClose(file);
  else if (file.kind != KIND_SIGNAL) timerClose(file);
}
