// What only an app has that calls fork() and sendmsg() or recvmsg(), and has sockets of AF_UNIX: connections on their way to other processes of the family.
// libos/posix/unix/passing.ts and in_flight.ts implement it. None of it blocks.

/**
 * Has the Rights `rights` go along with the bytes that are next written to the pipe of the end `writer`, an OpenFile: 1, -EOPNOTSUPP when one of
 * them cannot, -ETOOMANYREFS, -ENOBUFS; 0 from the empty function of an image without all this.
 */
export declare function passingBegin(rights: usize, writer: usize): i32;
/** The bytes are written, if `gone`, and the Rights with them; else nothing goes along. */
export declare function passingEnd(rights: usize, writer: usize, gone: bool): void;
/** Rights of what came with the bytes that were read last, 0 for nothing. */
export declare function passingArrive(): usize;
/** What came with bytes that nobody reads is closed. */
export declare function passingUnread(): void;
/** Looks who can still take what is on its way. Kernel work. */
export declare function passingLook(): void;
/** Process `from` has taken what this one had sent under the number `serial`. Kernel work. */
export declare function passingTaken(serial: u32): void;
/** In the child of a fork: what is on its way is its parent's. */
export declare function passingForked(): void;
/** Whether something is on its way. */
export declare function passingUnfinished(): bool;
/** The process ends: nothing is on its way any more. */
export declare function passingGiveUp(): void;
