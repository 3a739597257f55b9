// What only an app that says what is to be done about signals has, as with_fork.ts has it for fork().

/** Whether the app catches SIGTERM or holds it up: it has got one then, and ends by itself when it wants to. */
export declare function terminationCaught(): bool;
/** A thread of the app's has ended: what was to be its is another's. */
export declare function signalsThreadEnded(): void;
/** Raises SIGPIPE; false when the app has said nothing of it, which is then to end. */
export declare function brokenPipeRaised(): bool;
