// What only an app that uses sigaction() has, as with_fork.ts has it for fork(): handlers of its faults (libos/process/faults.ts).

/** Whether the app goes on, from TrapFrame `frame`, in its handler of the signal that a fault of its has raised. Does not block. */
export declare function faultHandled(frame: usize): bool;
