// What only an app that calls socketpair(), or names an address of AF_UNIX, has, as with_pipe.ts has it for pipe(): sockets of AF_UNIX,
// descriptions of KIND_UNIX. libos/posix/unix/ implements them; addresses of buffers are kernel addresses, already checked, those of a
// sockaddr offsets in app memory, 0 for none.
import { EAFNOSUPPORT } from "../../kernel/errno";
import { WaitQueue } from "../../kernel/thread/wait_queue";
import { OpenFile } from "../process/open_file";

/** What an image without such sockets answers. Results are xor'ed with it, for an empty function returns 0. */
export const NO_UNIX_SOCKETS: i32 = -EAFNOSUPPORT;

/** socket(): the descriptor or -errno, xor'ed with NO_UNIX_SOCKETS. */
export declare function unixOpen(type: i32, protocol: i32): i32;
/** Sends `count` bytes, or a datagram (MSG_DONTWAIT), to a sockaddr or the peer: bytes, -errno. The caller holds a reference. */
export declare function unixSend(file: OpenFile, source: usize, count: u32, flags: i32, address: u32): i32;
/** Receives up to `count` bytes (MSG_DONTWAIT, MSG_WAITALL, MSG_PEEK, MSG_TRUNC): bytes, 0 at the end, -errno. The caller holds a reference. */
export declare function unixReceive(file: OpenFile, target: usize, count: u32, flags: i32, address: u32): i32;
/** Readiness as POLL bits. */
export declare function unixEvents(file: OpenFile): u32;
/** The end of a pipe on which the readiness depends: to be read, or to be written; NO_FILE for none. */
export declare function unixPipe(file: OpenFile, isReader: bool): OpenFile;
/** What is woken when the readiness changes for another reason. */
export declare function unixQueue(file: OpenFile): WaitQueue;
/** How many places to wait in a description may need besides one. */
export declare function unixPlaces(): u32;
/** shutdown(): 0 or -EINVAL. */
export declare function unixShutdown(file: OpenFile, how: i32): i32;
/** getsockname(), getpeername(): 0 or -errno. */
export declare function unixName(file: OpenFile, address: u32, ofPeer: bool): i32;
/** Closes the socket. */
export declare function unixClose(file: OpenFile): void;
/** getsockopt(): the bytes written to `value`, of `length` bytes, or -errno. */
export declare function unixOption(file: OpenFile, level: i32, name: i32, value: usize, length: u32): i32;
/** Bytes that can be read at once; of a datagram socket those of the next one. */
export declare function unixAvailable(file: OpenFile): i32;
