// What only an app that calls epoll_create() has, as with_pipe.ts has it for pipe(). libos/posix/epoll/ implements them; those of an epoll are
// for descriptions of KIND_EPOLL.
import { WaitQueue } from "../../kernel/thread/wait_queue";
import { OpenFile } from "../process/open_file";

/** The last reference of a description is gone that is being watched: nobody watches it any more. */
export declare function watchesEnd(file: OpenFile): void;
/** Readiness as POLL bits: POLLIN while something that is watched is ready. */
export declare function epollEvents(file: OpenFile): u32;
/** What is woken when the readiness changes. */
export declare function epollQueue(file: OpenFile): WaitQueue;
/** Closes it. */
export declare function epollClose(file: OpenFile): void;
