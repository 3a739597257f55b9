// sys/sendfile.h
import { conclude, errno } from "./errno";
import * as posix from "./posix";

/**
 * Sends `count` bytes of the file `file` through `socket`, of an embedded one straight from the image: they never come into the
 * app's memory. They start at byte `offset`, or when it is negative at the file's position, which then moves.
 * Returns the number taken (less than `count` at the end of the file, or when the socket is non-blocking), or -1, as `write`.
 */
export function sendfile(socket: i32, file: i32, offset: i64, count: usize): i32 {
  return conclude(errno, posix.sendfile(socket, file, offset, <u32>count));
}
