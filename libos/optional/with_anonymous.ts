// What only an app has that makes a description which is neither file, socket nor pipe (openFileIsAnonymous): epoll_create, eventfd,
// timerfd_create, signalfd. libos/posix/anonymous.ts implements it; pointers are kernel addresses, already checked.
import { WaitQueue } from "../../kernel/thread/wait_queue";
import { OpenFile } from "../process/open_file";

/** Reads up to `count` bytes: bytes, -EINVAL, -EAGAIN, -EINTR. The caller holds a reference. */
export declare function anonymousRead(file: OpenFile, target: usize, count: u32): i32;
/** Writes up to `count` bytes: bytes, -EINVAL, -EAGAIN, -EINTR. The caller holds a reference. */
export declare function anonymousWrite(file: OpenFile, source: usize, count: u32): i32;
/** Readiness as POLL bits. */
export declare function anonymousEvents(file: OpenFile): u32;
/** What is woken when the readiness changes. */
export declare function anonymousQueue(file: OpenFile): WaitQueue;
/** Closes what is behind it. */
export declare function anonymousClose(file: OpenFile): void;
