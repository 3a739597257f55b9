// The calls on the ends of pipes that several processes have in common (kernel/optional/with_fork_pipe.ts): what posix/pipe.ts is for
// pipes of one process.
import { EAGAIN } from "../../kernel/errno";
import { sharedPagesReady } from "../../kernel/memory/shared_pages";
import { WaitQueue, waitInterruptibly } from "../../kernel/thread/wait_queue";
import { NEVER } from "../../kernel/time/clock";
import { doorbellsIntroduce } from "../pipe/shared/doorbells";
import {
  SharedPipe,
  sharedPipeClose,
  sharedPipeCreate,
  sharedPipeEnter,
  sharedPipeNote,
  sharedPipePut,
  sharedPipeReaderEvents,
  sharedPipeTake,
  sharedPipeWriterEvents,
} from "../pipe/shared/shared_pipe";
import { sharedUnlock } from "../pipe/shared/lock";
import { READ_END, WRITE_END, sharedLength } from "../pipe/shared/state";
import { OpenFile, openFileHold, openFileRelease } from "../process/open_file";
import { PIPE_BUF } from "./constants";

/** Export, by kernel/optional/with_fork_pipe.ts. */
export function pipesAreShared(): bool {
  return sharedPagesReady();
}

/** Export, by kernel/optional/with_fork_pipe.ts. */
export function sharedPipeOpen(): usize {
  return changetype<usize>(sharedPipeCreate());
}

/** Export, by kernel/optional/with_fork_pipe.ts. */
export function sharedEndClose(pipe: usize, isReader: bool): void {
  sharedPipeClose(changetype<SharedPipe>(pipe), isReader ? READ_END : WRITE_END);
}

/** Export, by kernel/optional/with_fork_pipe.ts. */
export function sharedEndEvents(pipe: usize, isReader: bool): u32 {
  const shared = changetype<SharedPipe>(pipe);
  return isReader ? sharedPipeReaderEvents(shared) : sharedPipeWriterEvents(shared);
}

/** Export, by kernel/optional/with_fork_pipe.ts. */
export function sharedEndHeld(pipe: usize): u32 {
  return sharedLength(changetype<SharedPipe>(pipe).state);
}

/** Export, by kernel/optional/with_fork_pipe.ts. */
export function sharedEndNote(pipe: usize, isReader: bool): void {
  const shared = changetype<SharedPipe>(pipe);
  const state = sharedPipeEnter(shared);
  sharedPipeNote(shared, isReader ? READ_END : WRITE_END);
  sharedUnlock(state);
}

/** Export, by kernel/optional/with_fork_pipe.ts. */
export function sharedEndQueue(pipe: usize, isReader: bool): WaitQueue {
  const shared = changetype<SharedPipe>(pipe);
  return isReader ? shared.readers : shared.writers;
}

/** Export, by kernel/optional/with_fork_pipe.ts. */
export function sharedEndTransfer(address: usize, buffer: usize, count: u32, isReader: bool): i32 {
  if (count == 0) return 0;
  const file = changetype<OpenFile>(address);
  openFileHold(file);
  const result = isReader ? read(file, buffer, count) : write(file, buffer, count);
  doorbellsIntroduce();
  openFileRelease(file);
  return result;
}

function read(file: OpenFile, target: usize, count: u32): i32 {
  const pipe = changetype<SharedPipe>(file.object);
  while (true) {
    const result = sharedPipeTake(pipe, target, count, !file.nonBlocking);
    if (result != -EAGAIN || file.nonBlocking) return result;
    const error = waitInterruptibly(pipe.readers, NEVER);
    if (error != 0) return error;
  }
}

function write(file: OpenFile, source: usize, count: u32): i32 {
  const pipe = changetype<SharedPipe>(file.object);
  const whole = count <= PIPE_BUF; // not mixed with another writer's
  let done: u32 = 0;
  let error = 0;
  while (done != count && error == 0) {
    const result = sharedPipePut(pipe, source + done, count - done, whole, !file.nonBlocking);
    if (result >= 0) done += result;
    else if (result != -EAGAIN || file.nonBlocking) error = result;
    else error = waitForRoom(pipe);
  }
  return done != 0 ? <i32>done : error;
}

/** Before it sleeps, the process makes itself known to those whom it has woken; that took time, in which there may be room again. */
function waitForRoom(pipe: SharedPipe): i32 {
  return doorbellsIntroduce() ? 0 : waitInterruptibly(pipe.writers, NEVER);
}
