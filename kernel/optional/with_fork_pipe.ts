// What only an app that calls fork() and pipe() has, as with_fork.ts has it for fork(): pipes that parent and child have in
// common. libos/pipe/shared and libos/posix/shared_pipe.ts implement it; pointers are kernel addresses, already checked.
import { WaitQueue } from "../thread/wait_queue";

/** Prepares the memory for them, before the domain offers fork. */
export declare function sharedPipesStart(): void;
/** The domain is about to be copied: 0 or -EAGAIN. */
export declare function sharedPipesForking(): i32;
/** In the parent, with the result of the fork. */
export declare function sharedPipesParent(result: i32): void;
/** In a copy of the domain, by fork or by restore. */
export declare function sharedPipesCopied(): void;
/** Has those look again who wait for a pipe. Kernel work. */
export declare function sharedPipesRung(): void;
/** Takes in the FamilyEvent at `event`. Kernel work. */
export declare function sharedPipesEvent(event: usize): void;

/** Whether pipes are such: where the domain offers fork. */
export declare function pipesAreShared(): bool;
/** A new one with both ends open; 0 without memory. */
export declare function sharedPipeOpen(): usize;
/** Closes the end that is read, or the one that is written. Called by a thread; may block. */
export declare function sharedEndClose(pipe: usize, isReader: bool): void;
/** Reads or writes, as is the end's, the description `file`, as pipeRead() and pipeWrite() do. */
export declare function sharedEndTransfer(file: usize, address: usize, count: u32, isReader: bool): i32;
/** How many bytes can be read. */
export declare function sharedEndHeld(pipe: usize): u32;
/** Readiness as POLL bits. */
export declare function sharedEndEvents(pipe: usize, isReader: bool): u32;
/** Has that be woken when another process changes the readiness, whatever it is now. */
export declare function sharedEndNote(pipe: usize, isReader: bool): void;
/** What is woken when the readiness changes. */
export declare function sharedEndQueue(pipe: usize, isReader: bool): WaitQueue;
