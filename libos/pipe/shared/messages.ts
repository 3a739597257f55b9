// Messages in a pipe that several processes have in common (libos/pipe/message.ts says how they lie there), and what sockets of AF_UNIX have
// to know of such a pipe. Another process may have written anything: lengths that cannot be end what is in the pipe.
import { EAGAIN, EMSGSIZE, EPIPE } from "../../../kernel/errno";
import { PIPE_BUF } from "../../posix/constants";
import { passingUnread } from "../../optional/with_fork_unix_rights";
import { MESSAGE_HEAD, MESSAGE_NAME_MAX, Message } from "../message";
import { doorbellsIntroduce } from "./doorbells";
import { marksTake } from "./marks";
import {
  SharedPipe,
  sharedPipeEnter,
  sharedPipeLeave,
  sharedPipeMarks,
  sharedPipeNote,
  sharedPipePut,
  sharedPipeTake,
} from "./shared_pipe";
import { sharedUnlock } from "./lock";
import {
  PipeState,
  READ_END,
  SHARED_CAPACITY,
  WRITE_END,
  holderAt,
  sharedCopy,
  sharedDrop,
  sharedExtend,
  sharedLay,
  sharedLength,
  sharedRoom,
} from "./state";

/** Export, by libos/optional/with_fork_unix.ts. */
export function sharedPutBytes(address: usize, source: usize, count: u32): i32 {
  return count == 0 ? 0 : sharedPipePut(changetype<SharedPipe>(address), source, count, count <= PIPE_BUF, false);
}

/** Export, by libos/optional/with_fork_unix.ts. */
export function sharedTakeBytes(address: usize, target: usize, count: u32): i32 {
  return count == 0 ? 0 : sharedPipeTake(changetype<SharedPipe>(address), target, count, false);
}

/** Export, by libos/optional/with_fork_unix.ts. */
export function sharedIntroduce(): bool {
  return doorbellsIntroduce();
}

/** Export, by libos/optional/with_fork_unix.ts. */
export function sharedMessagePut(address: usize, message: Message, source: usize, count: u32, waits: bool): i32 {
  const head = MESSAGE_HEAD + message.nameLength;
  if (count > SHARED_CAPACITY - head) return -EMSGSIZE;
  const pipe = changetype<SharedPipe>(address);
  const state = sharedPipeEnter(pipe);
  if (state.readEnds == 0 || sharedRoom(state) < head + count || !sharedPipeMarks(pipe, head + count)) {
    const result = state.readEnds == 0 ? -EPIPE : -EAGAIN;
    if (result == -EAGAIN && waits) sharedPipeNote(pipe, WRITE_END);
    sharedUnlock(state);
    return result;
  }
  message.length = count;
  sharedLay(state, 0, changetype<usize>(message), head);
  sharedLay(state, head, source, count);
  sharedExtend(state, head + count);
  pipe.putAt = state.written;
  sharedPipeLeave(pipe, READ_END);
  return 0;
}

/** Export, by libos/optional/with_fork_unix.ts. */
export function sharedMessageTake(
  address: usize,
  target: usize,
  count: u32,
  message: Message,
  peek: bool,
  waits: bool,
): i32 {
  const pipe = changetype<SharedPipe>(address);
  const state = sharedPipeEnter(pipe);
  if (sharedLength(state) == 0 || !headTake(state, message)) {
    const result = state.writeEnds == 0 ? -EPIPE : -EAGAIN;
    if (result == -EAGAIN && waits) sharedPipeNote(pipe, READ_END);
    sharedUnlock(state);
    return result;
  }
  const head = MESSAGE_HEAD + message.nameLength;
  const copied = min(count, message.length);
  sharedCopy(state, head, target, copied);
  if (!peek) drop(state, head + message.length);
  leaveRead(pipe, state);
  return <i32>copied;
}

/** Reads the head and the name of the next message; false when there is none, for what is there cannot be one, and is forgotten. */
function headTake(state: PipeState, message: Message): bool {
  const held = sharedLength(state);
  sharedCopy(state, 0, changetype<usize>(message), MESSAGE_HEAD);
  const fits =
    message.nameLength <= MESSAGE_NAME_MAX &&
    message.length <= SHARED_CAPACITY &&
    MESSAGE_HEAD + message.nameLength + message.length <= held;
  if (fits) sharedCopy(state, MESSAGE_HEAD, message.name, message.nameLength);
  else drop(state, held);
  return fits;
}

/** Takes the oldest `count` bytes, and what came with them. */
function drop(state: PipeState, count: u32): void {
  sharedDrop(state, count);
  if (state.marked != 0) marksTake(state, state.taken - count);
}

/** Lets the lock go after bytes may have been taken. */
function leaveRead(pipe: SharedPipe, state: PipeState): void {
  if (sharedRoom(state) >= PIPE_BUF) sharedPipeLeave(pipe, WRITE_END);
  else sharedUnlock(state);
}

/** Export, by libos/optional/with_fork_unix.ts. */
export function sharedPeek(address: usize, target: usize, count: u32): u32 {
  const state = sharedPipeEnter(changetype<SharedPipe>(address));
  const copied = min(count, sharedLength(state));
  sharedCopy(state, 0, target, copied);
  sharedUnlock(state);
  return copied;
}

/** Export, by libos/optional/with_fork_unix.ts. */
export function sharedPosition(address: usize, written: bool, position: usize): void {
  const pipe = changetype<SharedPipe>(address);
  store<u64>(position, written ? pipe.putAt : pipe.state.taken);
}

/** Export, by libos/optional/with_fork_unix.ts. */
export function sharedReadHere(address: usize): bool {
  const pipe = changetype<SharedPipe>(address);
  const state = sharedPipeEnter(pipe);
  const isHere = state.readEnds == 1 && (holderAt(state, pipe.own).ends & READ_END) != 0;
  sharedUnlock(state);
  return isHere;
}

/** Export, by libos/optional/with_fork_unix.ts. */
export function sharedUnread(address: usize): bool {
  const state = sharedPipeEnter(changetype<SharedPipe>(address));
  const isUnread = state.readEnds == 0 && sharedLength(state) != 0;
  sharedUnlock(state);
  return isUnread;
}

/** Export, by libos/optional/with_fork_unix.ts. */
export function sharedEmpty(address: usize): void {
  const pipe = changetype<SharedPipe>(address);
  const state = sharedPipeEnter(pipe);
  if (state.readEnds == 1 && (holderAt(state, pipe.own).ends & READ_END) != 0) drop(state, sharedLength(state));
  leaveRead(pipe, state);
  passingUnread();
}

/** Export, by libos/optional/with_fork_unix.ts. */
export function sharedHeld(address: usize): u32 {
  return sharedLength(changetype<SharedPipe>(address).state);
}
