// Places for clients. Each has a pipe for requests to the store and one for its answers, made before the store is forked: a process has
// only the pipes that there were when it was forked. The postmaster keeps all ends, for the backends and the stores to come; everybody
// else closes what is not its own.
import { O_NONBLOCK, close, pipe, pipe2, read, setNonBlocking } from "karyon";

/** Ends of a pipe. */
const PIPE_READ: i32 = 0;
const PIPE_WRITE: i32 = 1;
const DISCARD: usize = 4096;
const discarded = memory.data(4096, 8);

/** A client's pipes. */
@final
export class Slot {
  /** The session whose backend has it; 0 = none. */
  session: u32 = 0;
  /** The backend. */
  pid: i32 = 0;
  readonly requests: StaticArray<i32> = new StaticArray<i32>(2);
  readonly answers: StaticArray<i32> = new StaticArray<i32>(2);

  /** Makes the pipes; 0, or -1 with errno. What is read does not wait: the postmaster only ever empties them. */
  open(): i32 {
    if (pipe(this.requests) < 0 || pipe(this.answers) < 0) return -1;
    setNonBlocking(this.requests[PIPE_READ]);
    return setNonBlocking(this.answers[PIPE_READ]);
  }
}

export const slots: Slot[] = [];
/** Postmaster to store, and back: see frame.ts. */
const control = new StaticArray<i32>(2);
const freed = new StaticArray<i32>(2);

/** Makes `count` places and the postmaster's own pipes. Returns 0, or -1 with errno. */
export function openSlots(count: i32): i32 {
  if (pipe2(control, O_NONBLOCK) < 0 || pipe2(freed, O_NONBLOCK) < 0) return -1;
  for (let i = 0; i < count; i++) {
    const slot = new Slot();
    if (slot.open() < 0) return -1;
    slots.push(slot);
  }
  return 0;
}

/** Where the postmaster tells the store of ended backends. */
export function controlEnd(): i32 {
  return control[PIPE_WRITE];
}

/** Where the postmaster hears of freed places. */
export function freedEnd(): i32 {
  return freed[PIPE_READ];
}

/** In the store: what it does not use is closed, what it uses does not wait. Returns where it hears of ended backends. */
export function becomeStore(): i32 {
  close(control[PIPE_WRITE]);
  close(freed[PIPE_READ]);
  for (let i = 0; i < slots.length; i++) {
    close(slots[i].requests[PIPE_WRITE]);
    close(slots[i].answers[PIPE_READ]);
    setNonBlocking(slots[i].answers[PIPE_WRITE]);
  }
  return control[PIPE_READ];
}

/** In the store: where it tells of freed places. */
export function freeingEnd(): i32 {
  return freed[PIPE_WRITE];
}

/** In the backend of slot `own`: everything that is not its own is closed. */
export function becomeBackend(own: i32): void {
  closeBoth(control);
  closeBoth(freed);
  for (let i = 0; i < slots.length; i++) {
    if (i == own) {
      close(slots[i].requests[PIPE_READ]);
      close(slots[i].answers[PIPE_WRITE]);
      setNonBlocking(slots[i].answers[PIPE_READ], false);
    } else {
      closeBoth(slots[i].requests);
      closeBoth(slots[i].answers);
    }
  }
}

function closeBoth(ends: StaticArray<i32>): void {
  close(ends[PIPE_READ]);
  close(ends[PIPE_WRITE]);
}

/** Throws away what is in the pipe that `fd` reads without waiting; whoever writes to it has ended. */
export function drainPipe(fd: i32): void {
  while (read(fd, discarded, DISCARD) > 0);
}

/** In the postmaster, when neither store nor backends live: all pipes are emptied. */
export function drainAll(): void {
  drainPipe(control[PIPE_READ]);
  drainPipe(freed[PIPE_READ]);
  for (let i = 0; i < slots.length; i++) {
    drainPipe(slots[i].requests[PIPE_READ]);
    drainPipe(slots[i].answers[PIPE_READ]);
    slots[i].session = 0;
    slots[i].pid = 0;
  }
}
