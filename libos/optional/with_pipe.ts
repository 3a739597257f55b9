// What only an app that calls pipe() has, as kernel/optional/with_fork.ts has it for fork(). libos/posix/pipe.ts implements them for
// descriptions of KIND_PIPE; pointers are kernel addresses, already checked. Those that wait hold a reference meanwhile.
import { WaitQueue } from "../../kernel/thread/wait_queue";
import { OpenFile } from "../process/open_file";

/** Reads up to `count` bytes: bytes, 0 when there are no more and no writers, -EAGAIN, -EINTR, -EBADF. */
export declare function pipeRead(file: OpenFile, target: usize, count: u32): i32;
/** Writes `count` bytes, fewer only when it must not wait or is interrupted: bytes, -EPIPE, -EAGAIN, -EINTR, -EBADF. */
export declare function pipeWrite(file: OpenFile, source: usize, count: u32): i32;
/** How many bytes can be read, whichever end it is. */
export declare function pipeHeld(file: OpenFile): u32;
/** Readiness as POLL bits. */
export declare function pipeEvents(file: OpenFile): u32;
/** What is woken when the readiness changes. */
export declare function pipeQueue(file: OpenFile): WaitQueue;
/** Of a pipe of several processes: has its queue be woken when another process changes the readiness, also if it is ready now. */
export declare function pipeNote(file: OpenFile): void;
/** Closes this end of the pipe. */
export declare function pipeClose(file: OpenFile): void;
