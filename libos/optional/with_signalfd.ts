// What only an app that calls signalfd() has, as with_pipe.ts has it for pipe(). libos/posix/signalfd.ts implements it for descriptions of
// KIND_SIGNAL.
import { WaitQueue } from "../../kernel/thread/wait_queue";
import { OpenFile } from "../process/open_file";

/** Takes signals, as many as there is room to tell of: bytes, -EINVAL, -EAGAIN, -EINTR. The caller holds a reference. */
export declare function signalFileRead(file: OpenFile, target: usize, count: u32): i32;
/** Readiness as POLL bits. */
export declare function signalFileEvents(file: OpenFile): u32;
/** What is woken when the readiness changes. */
export declare function signalFileQueue(): WaitQueue;
