// pipe: the system call, and the calls on the two ends that it makes (libos/with_pipe.ts). Which end a description is says
// its access mode.
import { EAGAIN, EBADF, EFAULT, EINTR, EINVAL, ENFILE, EPIPE } from "../../kernel/errno";
import { WaitQueue, waitInterruptibly } from "../../kernel/thread/wait_queue";
import { NEVER } from "../../kernel/time/clock";
import {
  NO_PIPE,
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
import { KIND_PIPE, OpenFile } from "../process/open_file";
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
  const pipe = pipeCreate();
  if (pipe == NO_PIPE) return -ENFILE;
  const mode = flags & O_NONBLOCK;
  const closeOnExec = (flags & O_CLOEXEC) != 0;
  const reader = descriptorOpen(KIND_PIPE, changetype<usize>(pipe), O_RDONLY | mode, closeOnExec);
  if (reader < 0) {
    pipeCloseReader(pipe);
    pipeCloseWriter(pipe);
    return reader;
  }
  const writer = descriptorOpen(KIND_PIPE, changetype<usize>(pipe), O_WRONLY | mode, closeOnExec);
  if (writer < 0) {
    descriptorClose(reader);
    pipeCloseWriter(pipe);
    return writer;
  }
  store<i32>(both, reader);
  store<i32>(both + 4, writer);
  return 0;
}

/** Waits until there is something to read: 0 also at the end, -EAGAIN, -EINTR. */
function awaitBytes(pipe: Pipe, file: OpenFile): i32 {
  while (pipe.ring.length == 0 && pipe.hasWriter) {
    if (file.nonBlocking) return -EAGAIN;
    if (waitInterruptibly(pipe.readers, NEVER) != 0) return -EINTR;
  }
  return 0;
}

/** Export, by libos/with_pipe.ts. */
export function pipeRead(file: OpenFile, target: usize, count: u32): i32 {
  if (!isReader(file)) return -EBADF;
  const pipe = pipeOf(file);
  if (pipe.ring.length == 0) {
    const error = count == 0 ? 0 : awaitBytes(pipe, file);
    if (error != 0) return error;
  }
  return <i32>pipeTake(pipe, target, count);
}

/** Export, by libos/with_pipe.ts. */
export function pipeWrite(file: OpenFile, source: usize, count: u32): i32 {
  if (isReader(file)) return -EBADF;
  const pipe = pipeOf(file);
  if (count > pipeRoom(pipe) || !pipe.hasReader) return writeInPieces(pipe, file, source, count);
  pipePut(pipe, source, count);
  return <i32>count;
}

/** Writes what does not fit in as it is: makes room, waits for room, or tells why not. */
function writeInPieces(pipe: Pipe, file: OpenFile, source: usize, count: u32): i32 {
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
    } else if (file.nonBlocking) {
      error = -EAGAIN;
    } else {
      error = waitInterruptibly(pipe.writers, NEVER);
    }
  }
  return done != 0 ? <i32>done : error;
}

/** Export, by libos/with_pipe.ts. */
export function pipeEvents(file: OpenFile): u32 {
  return isReader(file) ? pipeReaderEvents(pipeOf(file)) : pipeWriterEvents(pipeOf(file));
}

/** Export, by libos/with_pipe.ts. */
export function pipeQueue(file: OpenFile): WaitQueue {
  return isReader(file) ? pipeOf(file).readers : pipeOf(file).writers;
}

/** Export, by libos/with_pipe.ts. */
export function pipeClose(file: OpenFile): void {
  if (isReader(file)) pipeCloseReader(pipeOf(file));
  else pipeCloseWriter(pipeOf(file));
}
