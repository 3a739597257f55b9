// pipe: the system call, and the calls on the two ends that it makes (libos/with_pipe.ts). Which end a description is says
// its access mode. What need not wait goes a short way; only who waits holds a reference of the description. Where fork
// is offered to an app that makes that call, too, pipes are KIND_SHARED_PIPE, and the calls are those of shared_pipe.ts.
import { EAGAIN, EBADF, EFAULT, EINVAL, ENFILE, EPIPE } from "../../kernel/errno";
import { WaitQueue, waitInterruptibly } from "../../kernel/thread/wait_queue";
import { NEVER } from "../../kernel/time/clock";
import {
  pipesAreShared,
  sharedEndClose,
  sharedEndEvents,
  sharedEndQueue,
  sharedEndTransfer,
  sharedPipeOpen,
} from "../../kernel/with_fork_pipe";
import {
  Pipe,
  pipeCloseReader,
  pipeCloseWriter,
  pipeCreate,
  pipeMakeRoom,
  pipePut,
  pipeReaderEvents,
  pipeRoom,
  pipeTake,
  pipeWriterEvents,
} from "../pipe/pipe";
import { descriptorClose, descriptorOpen } from "../process/descriptors";
import { KIND_PIPE, KIND_SHARED_PIPE, OpenFile, openFileHold, openFileRelease } from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { O_ACCMODE, O_CLOEXEC, O_NONBLOCK, O_RDONLY, O_WRONLY, PIPE_BUF } from "./constants";

function pipeOf(file: OpenFile): Pipe {
  return changetype<Pipe>(file.object);
}

function isReader(file: OpenFile): bool {
  return (file.flags & O_ACCMODE) == O_RDONLY;
}

export function posix_pipe(descriptors: u32, flags: i32): i32 {
  if ((flags & ~(O_NONBLOCK | O_CLOEXEC)) != 0) return -EINVAL;
  const both = userBuffer(descriptors, 8);
  if (both == 0) return -EFAULT;
  const kind = pipesAreShared() ? KIND_SHARED_PIPE : KIND_PIPE;
  const pipe = kind == KIND_PIPE ? changetype<usize>(pipeCreate()) : sharedPipeOpen();
  if (pipe == 0) return -ENFILE;
  const mode = flags & O_NONBLOCK;
  const closeOnExec = (flags & O_CLOEXEC) != 0;
  const reader = descriptorOpen(kind, pipe, O_RDONLY | mode, closeOnExec);
  if (reader < 0) {
    closeEnd(kind, pipe, true);
    closeEnd(kind, pipe, false);
    return reader;
  }
  const writer = descriptorOpen(kind, pipe, O_WRONLY | mode, closeOnExec);
  if (writer < 0) {
    descriptorClose(reader);
    closeEnd(kind, pipe, false);
    return writer;
  }
  store<i32>(both, reader);
  store<i32>(both + 4, writer);
  return 0;
}

/** Export, by libos/with_pipe.ts. */
export function pipeRead(file: OpenFile, target: usize, count: u32): i32 {
  if (!isReader(file)) return -EBADF;
  if (file.kind == KIND_SHARED_PIPE) return sharedEndTransfer(changetype<usize>(file), target, count, true);
  const pipe = pipeOf(file);
  return pipe.ring.length != 0 ? <i32>pipeTake(pipe, target, count) : transferLater(file, target, count);
}

/** Export, by libos/with_pipe.ts. */
export function pipeWrite(file: OpenFile, source: usize, count: u32): i32 {
  if (isReader(file)) return -EBADF;
  if (file.kind == KIND_SHARED_PIPE) return sharedEndTransfer(changetype<usize>(file), source, count, false);
  const pipe = pipeOf(file);
  if (count > pipeRoom(pipe) || !pipe.hasReader) return transferLater(file, source, count);
  pipePut(pipe, source, count);
  return <i32>count;
}

/** Reads or writes, as is this end's, what cannot be read or written at once. */
function transferLater(file: OpenFile, address: usize, count: u32): i32 {
  if (count == 0) return 0;
  openFileHold(file);
  const result = isReader(file) ? readLater(file, address, count) : writeLater(file, address, count);
  openFileRelease(file);
  return result;
}

function readLater(file: OpenFile, target: usize, count: u32): i32 {
  const pipe = pipeOf(file);
  let error = 0;
  while (pipe.ring.length == 0 && pipe.hasWriter && error == 0) error = waitIn(pipe.readers, file);
  return pipe.ring.length != 0 ? <i32>pipeTake(pipe, target, count) : error;
}

/** Makes room, waits for room, or tells why there will be none. */
function writeLater(file: OpenFile, source: usize, count: u32): i32 {
  const pipe = pipeOf(file);
  let done: u32 = 0;
  let error = 0;
  while (done != count && error == 0) {
    const left = count - done;
    const room = pipeMakeRoom(pipe, left);
    if (!pipe.hasReader) {
      error = -EPIPE;
    } else if (room >= left || (room != 0 && count > PIPE_BUF)) {
      // Up to PIPE_BUF bytes go at once or not at all, so that they are not mixed with another writer's.
      const taken = min(room, left);
      pipePut(pipe, source + done, taken);
      done += taken;
    } else {
      error = waitIn(pipe.writers, file);
    }
  }
  return done != 0 ? <i32>done : error;
}

/** Waits as a call on `file` may: 0, -EAGAIN, -EINTR. */
function waitIn(queue: WaitQueue, file: OpenFile): i32 {
  return file.nonBlocking ? -EAGAIN : waitInterruptibly(queue, NEVER);
}

/** Export, by libos/with_pipe.ts. */
export function pipeEvents(file: OpenFile): u32 {
  if (file.kind == KIND_SHARED_PIPE) return sharedEndEvents(file.object, isReader(file));
  return isReader(file) ? pipeReaderEvents(pipeOf(file)) : pipeWriterEvents(pipeOf(file));
}

/** Export, by libos/with_pipe.ts. */
export function pipeQueue(file: OpenFile): WaitQueue {
  if (file.kind == KIND_SHARED_PIPE) return sharedEndQueue(file.object, isReader(file));
  return isReader(file) ? pipeOf(file).readers : pipeOf(file).writers;
}

/** Export, by libos/with_pipe.ts. */
export function pipeClose(file: OpenFile): void {
  closeEnd(file.kind, file.object, isReader(file));
}

function closeEnd(kind: u32, object: usize, reader: bool): void {
  if (kind == KIND_SHARED_PIPE) return sharedEndClose(object, reader);
  const pipe = changetype<Pipe>(object);
  if (reader) pipeCloseReader(pipe);
  else pipeCloseWriter(pipe);
}
