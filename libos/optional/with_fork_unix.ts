// What only an app has that calls fork() and has sockets of AF_UNIX: messages in pipes that several processes have in common, and what becomes
// of the sockets at a fork. libos/pipe/shared/messages.ts and libos/posix/unix/forked.ts implement it; `pipe` is a SharedPipe.
import { Message } from "../pipe/message";

/** Writes what fits of `count` bytes, up to PIPE_BUF all or nothing: how many, -EAGAIN, -EPIPE. Like all of these it does not block. */
export declare function sharedPutBytes(pipe: usize, source: usize, count: u32): i32;
/** Reads up to `count` bytes: how many, 0 when there are no more and no writers, -EAGAIN. */
export declare function sharedTakeBytes(pipe: usize, target: usize, count: u32): i32;
/** Makes this process known to others that wait and that it could not wake; false when there were none. Called by a thread; may block. */
export declare function sharedIntroduce(): bool;
/** pipeMessagePut() of such a pipe. Who gets -EAGAIN is woken when that changes, if it `waits`. */
export declare function sharedMessagePut(pipe: usize, message: Message, source: usize, count: u32, waits: bool): i32;
/** pipeMessageTake() of such a pipe. */
export declare function sharedMessageTake(
  pipe: usize,
  target: usize,
  count: u32,
  message: Message,
  peek: bool,
  waits: bool,
): i32;
/** Copies up to `count` bytes without taking them: how many. */
export declare function sharedPeek(pipe: usize, target: usize, count: u32): u32;
/** Puts at `position`, a u64, how many bytes were ever read; or, `written`, how many were ever written when this process had last written some. */
export declare function sharedPosition(pipe: usize, written: bool, position: usize): void;
/** Whether the end that is read is open in this process and in no other. */
export declare function sharedReadHere(pipe: usize): bool;
/** Whether the end that is read is closed everywhere, with bytes that nobody has read. */
export declare function sharedUnread(pipe: usize): bool;
/** Forgets what is to be read, if nobody else could read it. */
export declare function sharedEmpty(pipe: usize): void;
/** How many bytes can be read. */
export declare function sharedHeld(pipe: usize): u32;
/** In the child of a fork. */
export declare function unixForked(): void;
