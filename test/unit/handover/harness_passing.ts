// Descriptors and a pipe that processes have in common, for the harness: what sendmsg() and recvmsg() do with both. The pipe's two pages are at
// pipeAt() in every process; the test has what one writes there be seen by the others.
import { EVENT_GONE, FamilyEvent, forkDescriptor } from "../../../kernel/fork/descriptor";
import { monotonicNow } from "../../../kernel/time/clock";
import { tcpClose } from "../../../libos/net/tcp/api";
import { TcpSocket } from "../../../libos/net/tcp/socket";
import { sharedPipesEvent } from "../../../libos/pipe/shared/forks";
import { sharedPutBytes, sharedTakeBytes } from "../../../libos/pipe/shared/messages";
import { SharedPipe, sharedPipeWriterEvents } from "../../../libos/pipe/shared/shared_pipe";
import { READ_END, WRITE_END, holderAdd, holderAt, holderDrop } from "../../../libos/pipe/shared/state";
import { marksFree, marksTakeAll } from "../../../libos/pipe/shared/marks";
import { passingBegin, passingEnd, passingUnread } from "../../../libos/posix/unix/passing";
import {
  rightsAdd,
  rightsAreTaken,
  rightsArrive,
  rightsClose,
  rightsCreate,
  rightsDiscard,
  rightsReceive,
} from "../../../libos/posix/unix/rights";
import { descriptorFile, descriptorOpen, descriptorsInit } from "../../../libos/process/descriptors";
import { KIND_SHARED_PIPE, KIND_TCP, OpenFile, openFileCreate, openFileHold } from "../../../libos/process/open_file";

const pages = memory.data(8192, 4096);
const pipe = changetype<SharedPipe>(memory.data(offsetof<SharedPipe>(), 8));
const event = changetype<FamilyEvent>(memory.data(32, 8));
const bytes = memory.data(8192);
const control = memory.data(64, 8);
let end: usize = 0;

/** Makes the pipe, and descriptors, in the first process, before it forks; processes 1 … `readers` + 1 have the ends. */
export function pipeStart(readers: u32): usize {
  descriptorsInit();
  pipe.shared = pages;
  pipe.child = -1;
  for (let pid: u32 = 1; pid <= readers + 1; pid++) holderAdd(pipe.state, pid, pid == 1 ? WRITE_END : READ_END);
  pipe.own = 0;
  end = changetype<usize>(openFileCreate(KIND_SHARED_PIPE, changetype<usize>(pipe), 0));
  return pages;
}

/** In every process: it is process `pid`. */
export function processIs(pid: u32): void {
  forkDescriptor().pid = pid;
  pipe.own = pid - 1;
}

/** Process `pid`, which may send, too, from now on. */
export function mayWrite(pid: u32): void {
  holderAt(pipe.state, pid - 1).ends |= WRITE_END;
}

/** A descriptor of a socket. */
export function descriptorOf(s: TcpSocket): i32 {
  return descriptorOpen(KIND_TCP, changetype<usize>(s), 0, false);
}

/** The socket behind a descriptor. */
export function socketOf(fd: i32): TcpSocket {
  return descriptorFile(fd).tcp;
}

/** Sends `length` bytes that take along `count` times the descriptor `fd`: what sendmsg() returns. */
export function passSend(fd: i32, count: u32, length: u32): i32 {
  const rights = rightsCreate();
  for (let i: u32 = 0; i < count; i++) {
    openFileHold(descriptorFile(fd));
    rightsAdd(rights, descriptorFile(fd));
  }
  let result = passingBegin(rights, end);
  if (result > 0) {
    result = sharedPutBytes(changetype<usize>(pipe), bytes, length);
    passingEnd(rights, end, result > 0);
  }
  if (result <= 0) rightsClose(rights);
  return result;
}

/** Receives up to `length` bytes with room for `room` descriptors; what recvmsg() returns. Then passedAt() has the descriptors. */
export function passReceive(length: u32, room: u32): i32 {
  memory.fill(control, 0xff, 64);
  const result = sharedTakeBytes(changetype<usize>(pipe), bytes, length);
  if (result > 0 && rightsArrive()) rightsReceive(control, 12 + 4 * room, false);
  return result;
}

/** The `index`-th descriptor that has come; -1 when there is none. */
export function passedAt(index: u32): i32 {
  return load<i32>(control + 12 + ((<usize>index) << 2));
}

/** Ends the call that has received: whether MSG_CTRUNC is to be set. */
export function passEnd(): bool {
  const isCut = rightsAreTaken();
  rightsDiscard();
  return isCut;
}

/** The process closes its end; what nobody can read any more is closed. */
export function pipeLeave(pid: u32): void {
  holderDrop(pipe.state, pid - 1, READ_END | WRITE_END);
  if (pipe.state.readEnds != 0) return;
  marksTakeAll(pipe.state);
  passingUnread();
}

/** forkd says that process `pid` has ended. */
export function gone(pid: u32): void {
  event.kind = EVENT_GONE;
  event.pid = pid;
  event.value = 0;
  sharedPipesEvent(changetype<usize>(event));
}

/** How many more descriptors the pipe takes. */
export function placesFree(): u32 {
  return marksFree(pipe.state);
}

export function writerEvents(): u32 {
  return sharedPipeWriterEvents(pipe);
}

/** Of with_network.ts: what closing the last descriptor of a file does. */
export function socketClose(file: OpenFile): void {
  if (file.kind == KIND_TCP && file.object != 0) tcpClose(file.tcp, monotonicNow());
}

export { passingArrive, passingBegin, passingEnd, passingUnread } from "../../../libos/posix/unix/passing";
export {
  passingForked,
  passingGiveUp,
  passingLook,
  passingTaken,
  passingUnfinished,
} from "../../../libos/posix/unix/in_flight";
export { descriptorClose } from "../../../libos/process/descriptors";
