// What only an app with threads has whose masks can differ, or that sends signals to them: libos/process/thread_signals.ts.

/** Gives signals of `shared`, those of the process that its first thread does not take, to others, and to each those sent to it; whether a handler is to run on one. */
export declare function threadsSettle(shared: u32): bool;
/** Raises SIGPIPE on the calling thread; false where all signals are the process's. */
export declare function threadPipeBroken(): bool;
