// What of with_unix.ts only an app has that calls sendmsg() or recvmsg(): descriptors on their way through sockets of AF_UNIX (SCM_RIGHTS).
// libos/posix/unix/rights.ts implements it; `socket` is a UnixSocket, positions count the bytes that ever went through the pipe it reads.

/** How far a call may read that begins at `position`, bytes; 0 = without limit. */
export declare function rightsBound(socket: usize, position: u64): u32;
/** The bytes before `position` have been read: what came with them is taken. True when there was something. */
export declare function rightsPass(socket: usize, position: u64): bool;
/** What came with bytes that were just read, from another process of a family, is taken. True when there was something. */
export declare function rightsArrive(): bool;
/** Closes what was taken and is not wanted. */
export declare function rightsDiscard(): void;
/** Has what is at `rights` arrive with the bytes `from` … `to`. */
export declare function rightsAttach(socket: usize, rights: usize, from: u64, to: u64): void;
/** Closes what nobody has received: the socket is closed. */
export declare function rightsDrop(socket: usize): void;
/** In the child of a fork. */
export declare function rightsForked(): void;
