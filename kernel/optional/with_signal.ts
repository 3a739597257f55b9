// What only an app that calls signal() has, as with_fork.ts has it for fork().

/** Whether the app catches SIGTERM: it has got one then, and ends by itself when it wants to. */
export declare function terminationCaught(): bool;
