// What only an app that calls eventfd() has, as with_pipe.ts has it for pipe(). libos/posix/eventfd.ts implements it for descriptions of KIND_EVENT.
import { WaitQueue } from "../../kernel/thread/wait_queue";
import { OpenFile } from "../process/open_file";

/** Takes the counter, or 1 of it: 8, -EINVAL, -EAGAIN, -EINTR. The caller holds a reference. */
export declare function eventRead(file: OpenFile, target: usize, count: u32): i32;
/** Adds to the counter: 8, -EINVAL, -EAGAIN, -EINTR. The caller holds a reference. */
export declare function eventWrite(file: OpenFile, source: usize, count: u32): i32;
/** Readiness as POLL bits. */
export declare function eventEvents(file: OpenFile): u32;
/** What is woken when the readiness changes. */
export declare function eventQueue(file: OpenFile): WaitQueue;
/** Closes it. */
export declare function eventClose(file: OpenFile): void;
