// What only an image with a network has: one whose manifest asks for it, or whose app makes a socket. Its kernel is made of
// main_network.ts; in that of main.ts these are empty functions. libos/net/network.ts and libos/posix/socket_file.ts implement
// them; pointers are kernel addresses, already checked.
import { WaitQueue } from "../../kernel/thread/wait_queue";
import { OpenFile } from "../process/open_file";

/** Starts the network and waits until the interface has an address. */
export declare function networkStart(): i32;
/** Waits, for a time, until what was sent on closed connections has arrived. */
export declare function networkFinish(): void;
/** Reads from a socket: bytes, 0 at the end of the stream, -errno. The caller holds a reference. */
export declare function socketRead(file: OpenFile, target: usize, count: u32): i32;
/** Writes to a socket: bytes or -errno. The caller holds a reference. */
export declare function socketWrite(file: OpenFile, source: usize, count: u32): i32;
/** Readiness as POLL bits. */
export declare function socketEvents(file: OpenFile): u32;
/** What is woken when the readiness changes. */
export declare function socketQueue(file: OpenFile): WaitQueue;
/** What FIONREAD, SIOCOUTQ and SIOCOUTQNSD ask for: bytes, -EINVAL (it listens), -ENOTTY. */
export declare function socketWaiting(file: OpenFile, request: u32): i32;
/** Before the last descriptor `fd` is closed: waits as SO_LINGER asks. */
export declare function socketLinger(fd: i32, file: OpenFile): void;
/** Closes the socket behind the last reference. */
export declare function socketClose(file: OpenFile): void;
