// What sockets of AF_UNIX do with the ends of pipes beyond reading and writing, whether the pipe is one process's own or several have it.
// An end is a description of KIND_PIPE or KIND_SHARED_PIPE that never blocks. Nothing here does, but endsIntroduce(), which a call makes before it
// waits and when it has done everything: what is known of the message just received, or sent, is known as long as the thread does not change.
import { Message, pipeMessagePut, pipeMessageTake } from "../../pipe/message";
import { Pipe, pipeDrop, pipePeek } from "../../pipe/pipe";
import { pipeRead, pipeTransfer } from "../pipe";
import { KIND_SHARED_PIPE, OpenFile } from "../../process/open_file";
import {
  sharedEmpty,
  sharedHeld,
  sharedIntroduce,
  sharedMessagePut,
  sharedMessageTake,
  sharedPeek,
  sharedPosition,
  sharedPutBytes,
  sharedReadHere,
  sharedTakeBytes,
  sharedUnread,
} from "../../optional/with_fork_unix";

const position = memory.data(8, 8);

function isShared(end: OpenFile): bool {
  return end.kind == KIND_SHARED_PIPE;
}

function pipeOf(end: OpenFile): Pipe {
  return changetype<Pipe>(end.object);
}

/** Writes what fits of `count` bytes: how many, -EAGAIN, -EPIPE. */
export function endPut(end: OpenFile, source: usize, count: u32): i32 {
  return isShared(end) ? sharedPutBytes(end.object, source, count) : pipeTransfer(end, source, count);
}

/** Reads up to `count` bytes: how many, 0 at the end, -EAGAIN. */
export function endTake(end: OpenFile, target: usize, count: u32): i32 {
  return isShared(end) ? sharedTakeBytes(end.object, target, count) : pipeRead(end, target, count);
}

/** Has other processes be woken that could not be; false when there were none. Called by a thread; may block. */
export function endsIntroduce(): bool {
  return sharedIntroduce();
}

/** Puts a message there: 0, -EMSGSIZE, -EPIPE, -ENOBUFS, or -EAGAIN: then the end's queue is woken when that changes. */
export function endPutMessage(end: OpenFile, message: Message, source: usize, count: u32): i32 {
  if (isShared(end)) return sharedMessagePut(end.object, message, source, count, true);
  return pipeMessagePut(pipeOf(end), message, source, count);
}

/** Takes a message, or looks at it: pipeMessageTake(); after -EAGAIN the end's queue is woken when that changes. */
export function endTakeMessage(end: OpenFile, target: usize, count: u32, message: Message, peek: bool): i32 {
  if (isShared(end)) return sharedMessageTake(end.object, target, count, message, peek, true);
  return pipeMessageTake(pipeOf(end), target, count, message, peek);
}

/** How many bytes can be read. */
export function endHeld(end: OpenFile): u32 {
  return isShared(end) ? sharedHeld(end.object) : pipeOf(end).ring.length;
}

/** Copies up to `count` bytes and leaves them there: how many. */
export function endPeek(end: OpenFile, target: usize, count: u32): u32 {
  if (isShared(end)) return sharedPeek(end.object, target, count);
  const copied = min(count, endHeld(end));
  pipePeek(pipeOf(end), 0, target, copied);
  return copied;
}

/** How many bytes were ever read from the pipe. */
export function endTaken(end: OpenFile): u64 {
  if (!isShared(end)) return pipeOf(end).taken;
  sharedPosition(end.object, false, position);
  return load<u64>(position);
}

/** How many bytes were ever written to the pipe when this process had last written some. */
export function endWritten(end: OpenFile): u64 {
  if (!isShared(end)) return pipeOf(end).taken + pipeOf(end).ring.length;
  sharedPosition(end.object, true, position);
  return load<u64>(position);
}

/** Whether nobody but this process has the end that is read. */
export function endIsReadHere(end: OpenFile): bool {
  return isShared(end) ? sharedReadHere(end.object) : pipeOf(end).hasReader;
}

/** Whether the end that is read was closed with bytes left in the pipe. */
export function endIsUnread(end: OpenFile): bool {
  if (isShared(end)) return sharedUnread(end.object);
  const pipe = pipeOf(end);
  return !pipe.hasReader && pipe.ring.length != 0;
}

/** Forgets what could be read, unless another process could read it. */
export function endEmpty(end: OpenFile): void {
  if (isShared(end)) sharedEmpty(end.object);
  else pipeDrop(pipeOf(end), pipeOf(end).ring.length);
}
