// What only an app that calls fork() can need: the image tool binds these to the kernel's exports of the same names when the
// app imports posix.fork, and to empty functions otherwise (tools/image/glue.ts), so that other images do without it.
// libos implements them.

/** Offers the domain to forkd. */
export declare function familyStart(): void;
/** Takes in the FamilyEvent at `event` (kernel/fork/descriptor.ts). Kernel work: must not block. */
export declare function familyEvent(event: usize): void;
/** Has forkd stop the process because of `signal`; returns when it goes on. Kernel work. */
export declare function familyStop(signal: i32): void;
/** The network interface has got an IPv4 address, in host order, or lost it: 0. */
export declare function familyAddress(address: u32): void;
/** forkd may have put messages into the mailbox, or made room there. */
export declare function mailboxTake(): void;
/** Takes in a message of process `from`, 0 for forkd's own. The payload is there until this returns. Kernel work: must not block. */
export declare function familyMessage(type: u32, flags: u32, from: i32, payload: usize, length: u32): void;
/** The mailbox has room again, for which somebody waits. Kernel work: must not block. */
export declare function familyRoom(): void;
