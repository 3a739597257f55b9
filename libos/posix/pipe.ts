// pipe: the system call, and the calls on the two ends that it makes (libos/optional/with_pipe.ts). Which end a description is says
// its access mode. What need not wait goes a short way; only who waits holds a reference of the description. Where fork
// is offered to an app that makes that call, too, pipes are KIND_SHARED_PIPE, and the calls are those of shared_pipe.ts.
import { EAGAIN, EBADF, EFAULT, EINVAL, ENFILE, EPIPE } from "../../kernel/errno";
import { WaitQueue, waitInterruptibly } from "../../kernel/thread/wait_queue";
import { NEVER } from "../../kernel/time/clock";
import {
  pipesAreShared,
  sharedEndClose,
  sharedEndEvents,
  sharedEndHeld,
  sharedEndNote,
  sharedEndQueue,
  sharedEndTransfer,
  sharedPipeOpen,
} from "../../kernel/optional/with_fork_pipe";
import {
  Pipe,
  pipeCloseReader,
  pipeCloseWriter,
  pipeCreate,
  pipeMakeRoom,
  pipePut,
  pipePutByte,
  pipeReaderEvents,
  pipeRoom,
  pipeTake,
  pipeTakeByte,
  pipeWriterEvents,
} from "../pipe/pipe";
import { brokenPipe } from "../process/broken_pipe";
import { descriptorFree, descriptorSet } from "../process/descriptors";
import {
  KIND_PIPE,
  KIND_SHARED_PIPE,
  NO_FILE,
  OpenFile,
  openFileCreate,
  openFileHold,
  openFileRelease,
} from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { O_ACCMODE, O_CLOEXEC, O_NONBLOCK, O_RDONLY, O_WRONLY, PIPE_BUF } from "./constants";

/** The two descriptions of a pipe that is being made. */
const ends = memory.data(8, 4);

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
  const error = pipeEnds(ends, flags & O_NONBLOCK);
  return error != 0 ? error : descriptorsPut(ends, both, (flags & O_CLOEXEC) != 0);
}

/** Makes a pipe; the descriptions of its ends, the one that is read first, are put at `ends`: 0 or -ENFILE. */
export function pipeEnds(ends: usize, mode: i32): i32 {
  const kind = pipesAreShared() ? KIND_SHARED_PIPE : KIND_PIPE;
  const pipe = kind == KIND_PIPE ? changetype<usize>(pipeCreate()) : sharedPipeOpen();
  if (pipe == 0) return -ENFILE;
  const reader = openFileCreate(kind, pipe, O_RDONLY | mode);
  const writer = openFileCreate(kind, pipe, O_WRONLY | mode);
  if (reader == NO_FILE || writer == NO_FILE) {
    endDrop(kind, pipe, reader, true);
    endDrop(kind, pipe, writer, false);
    return -ENFILE;
  }
  store<usize>(ends, changetype<usize>(reader));
  store<usize>(ends, changetype<usize>(writer), 4);
  return 0;
}

/** Closes an end, by its description if it has one. */
function endDrop(kind: u32, pipe: usize, file: OpenFile, isReader: bool): void {
  if (file != NO_FILE) openFileRelease(file);
  else closeEnd(kind, pipe, isReader);
}

/**
 * Gives the two descriptions at `files` descriptors, whose numbers go to `numbers` of app memory, or releases them: 0 or -EMFILE.
 */
export function descriptorsPut(files: usize, numbers: usize, closeOnExec: bool): i32 {
  const one = changetype<OpenFile>(load<usize>(files));
  const other = changetype<OpenFile>(load<usize>(files, 4));
  const first = descriptorFree(0);
  const second = first < 0 ? first : descriptorFree(<u32>first + 1);
  if (second < 0) {
    openFileRelease(one);
    openFileRelease(other);
    return second;
  }
  descriptorSet(first, one, closeOnExec);
  descriptorSet(second, other, closeOnExec);
  store<i32>(numbers, first);
  store<i32>(numbers, second, 4);
  return 0;
}

/** Export, by libos/optional/with_pipe.ts. A byte, which is what wakes a loop of events, goes a way that calls nothing. */
export function pipeRead(file: OpenFile, target: usize, count: u32): i32 {
  if (!isReader(file)) return -EBADF;
  if (file.kind == KIND_SHARED_PIPE) return sharedEndTransfer(changetype<usize>(file), target, count, true);
  const pipe = pipeOf(file);
  if (pipe.ring.length == 0) return transferLater(file, target, count);
  return <i32>(count == 1 ? pipeTakeByte(pipe, target) : pipeTake(pipe, target, count));
}

/** Export, by libos/optional/with_pipe.ts. */
export function pipeWrite(file: OpenFile, source: usize, count: u32): i32 {
  if (count == 1 && file.kind == KIND_PIPE && !isReader(file)) {
    const pipe = pipeOf(file);
    if (pipe.hasReader && pipeRoom(pipe) != 0) return pipePutByte(pipe, source);
  }
  return writeSignalling(file, source, count);
}

function writeSignalling(file: OpenFile, source: usize, count: u32): i32 {
  const result = pipeTransfer(file, source, count);
  return result == -EPIPE ? brokenPipe() : result;
}

/** pipeWrite() of one that is no pipe to the app: no signal comes of it. */
export function pipeTransfer(file: OpenFile, source: usize, count: u32): i32 {
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

/** Export, by libos/optional/with_pipe.ts. */
export function pipeEvents(file: OpenFile): u32 {
  if (file.kind == KIND_SHARED_PIPE) return sharedEndEvents(file.object, isReader(file));
  return isReader(file) ? pipeReaderEvents(pipeOf(file)) : pipeWriterEvents(pipeOf(file));
}

/** Export, by libos/optional/with_pipe.ts. */
export function pipeHeld(file: OpenFile): u32 {
  return file.kind == KIND_SHARED_PIPE ? sharedEndHeld(file.object) : pipeOf(file).ring.length;
}

/** Export, by libos/optional/with_pipe.ts. */
export function pipeQueue(file: OpenFile): WaitQueue {
  if (file.kind == KIND_SHARED_PIPE) return sharedEndQueue(file.object, isReader(file));
  return isReader(file) ? pipeOf(file).readers : pipeOf(file).writers;
}

/** Export, by libos/optional/with_pipe.ts. */
export function pipeNote(file: OpenFile): void {
  if (file.kind == KIND_SHARED_PIPE) sharedEndNote(file.object, isReader(file));
}

/** Export, by libos/optional/with_pipe.ts. */
export function pipeClose(file: OpenFile): void {
  closeEnd(file.kind, file.object, isReader(file));
}

function closeEnd(kind: u32, object: usize, reader: bool): void {
  if (kind == KIND_SHARED_PIPE) return sharedEndClose(object, reader);
  const pipe = changetype<Pipe>(object);
  if (reader) pipeCloseReader(pipe);
  else pipeCloseWriter(pipe);
}
