// What only an app that calls socketpair() has, as with_pipe.ts has it for pipe(): an end of a pair is a description of
// KIND_SOCKET_PAIR. libos/posix/socket_pair.ts implements them; pointers are kernel addresses, already checked.
import { OpenFile } from "./process/open_file";

/** Reads up to `count` bytes (MSG_DONTWAIT, MSG_WAITALL): bytes, 0 at the end of the stream, -errno. The caller holds a reference. */
export declare function pairReceive(file: OpenFile, target: usize, count: u32, flags: i32): i32;
/** Writes `count` bytes (MSG_DONTWAIT), fewer only when it must not wait or is interrupted: bytes, -errno. The caller holds a reference. */
export declare function pairSend(file: OpenFile, source: usize, count: u32, flags: i32): i32;
/** Readiness as POLL bits. */
export declare function pairEvents(file: OpenFile): u32;
/** The end of the pipe that is read, or that is written; NO_FILE when it has been shut down. */
export declare function pairPipe(file: OpenFile, isReader: bool): OpenFile;
/** shutdown(): 0 or -EINVAL. */
export declare function pairShutdown(file: OpenFile, how: i32): i32;
/** Closes this end of the pair. */
export declare function pairClose(file: OpenFile): void;
/** The integer option of SOL_SOCKET, or -ENOPROTOOPT. */
export declare function pairOption(name: i32): i32;
