// What only an app that calls setitimer() or alarm() has, as with_pipe.ts has it for pipe().

/** The time of the interval timer has come. */
export declare function intervalExpired(): void;
/** In the child of a fork: it has no timer. */
export declare function intervalForked(): void;
