// What of with_unix.ts only an app has that makes addresses of AF_UNIX (sockaddr_un): sockets with names. libos/posix/unix/ implements it.
import { EOPNOTSUPP } from "../../kernel/errno";
import { OpenFile } from "../process/open_file";

/** Calls of unixNamed(). */
export const CALL_BIND: i32 = 0;
export const CALL_LISTEN: i32 = 1;
export const CALL_ACCEPT: i32 = 2;
export const CALL_CONNECT: i32 = 3;

/** What an image without names answers. Results are xor'ed with it, for an empty function returns 0. */
export const NO_NAMES: i32 = -EOPNOTSUPP;

/**
 * bind, listen, accept or connect, with the sockaddr at `address` of app memory and accept's flags or listen's backlog as `argument`: its
 * result, xor'ed with NO_NAMES.
 */
export declare function unixNamed(call: i32, file: OpenFile, address: u32, argument: i32): i32;
/** Finds the socket of type `type` that has the name at `address` of app memory; puts the UnixSocket at `found`: 0, or -errno. */
export declare function unixFind(address: u32, type: i32, found: usize): i32;
