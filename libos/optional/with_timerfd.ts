// What only an app that calls timerfd_create() has, as with_pipe.ts has it for pipe(). libos/posix/timerfd.ts implements it for descriptions of
// KIND_TIMER.
import { WaitQueue } from "../../kernel/thread/wait_queue";
import { OpenFile } from "../process/open_file";

/** Takes the number of expirations: 8, -EINVAL, -EAGAIN, -EINTR. The caller holds a reference. */
export declare function timerRead(file: OpenFile, target: usize, count: u32): i32;
/** Readiness as POLL bits. */
export declare function timerEvents(file: OpenFile): u32;
/** What is woken when the readiness changes. */
export declare function timerQueue(file: OpenFile): WaitQueue;
/** Closes it. */
export declare function timerClose(file: OpenFile): void;
