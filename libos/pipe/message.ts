// Messages in pipes: how datagrams lie there. A head – the length of the data, that of the sender's name – is followed by the name and the
// data; a message goes in as a whole or not at all, and comes out as a whole. The head is as it lies in front of the name in a Message.
import { EAGAIN, EMSGSIZE, ENOBUFS, EPIPE } from "../../kernel/errno";
import { PIPE_CAPACITY, Pipe, pipeDrop, pipeMakeRoom, pipePeek, pipePut } from "./pipe";

/** The longest name, in bytes. */
export const MESSAGE_NAME_MAX: u32 = 108;

/** The head of a message, and behind it the sender's name. */
@unmanaged
@final
export class Message {
  /** Bytes of data. */
  length: u32;
  /** Bytes of the sender's name; 0 without one. */
  nameLength: u32;

  /** Address of the name. */
  get name(): usize {
    return changetype<usize>(this) + MESSAGE_HEAD;
  }
}

/** Bytes of the head. */
export const MESSAGE_HEAD: u32 = 8;
/** Bytes of a Message, for static instances. */
export const MESSAGE_SIZE: i32 = 116;

/** Puts a message with `count` bytes of data from `source`: 0, -EMSGSIZE (never), -EAGAIN, -ENOBUFS, -EPIPE. */
export function pipeMessagePut(pipe: Pipe, message: Message, source: usize, count: u32): i32 {
  const head = MESSAGE_HEAD + message.nameLength;
  if (!pipe.hasReader) return -EPIPE;
  if (count > PIPE_CAPACITY - head) return -EMSGSIZE;
  if (pipeMakeRoom(pipe, head + count) < head + count) return pipe.ring.length == 0 ? -ENOBUFS : -EAGAIN;
  message.length = count;
  pipePut(pipe, changetype<usize>(message), head);
  if (count != 0) pipePut(pipe, source, count);
  return 0;
}

/**
 * Takes the next message, or with `peek` only looks at it: as much of its data as fits into `count` bytes is copied to `target`, the
 * rest is lost. How many were copied; -EAGAIN when there is none, -EPIPE when there will be none.
 */
export function pipeMessageTake(pipe: Pipe, target: usize, count: u32, message: Message, peek: bool): i32 {
  if (pipe.ring.length == 0) return pipe.hasWriter ? -EAGAIN : -EPIPE;
  pipePeek(pipe, 0, changetype<usize>(message), MESSAGE_HEAD);
  pipePeek(pipe, MESSAGE_HEAD, message.name, message.nameLength);
  const head = MESSAGE_HEAD + message.nameLength;
  const copied = min(count, message.length);
  pipePeek(pipe, head, target, copied);
  if (!peek) pipeDrop(pipe, head + message.length);
  return <i32>copied;
}
