// signal.h, for the members of a family. A handler runs on the main thread at the end of one of its system calls, never in the
// midst of other code: so it may do what any function may, allocate and fork included. A call in which the thread waits ends
// with EINTR for it; an app that computes meets it at its next system call. While a handler runs, its own signal waits.
// What the processor finds wrong (SIGSEGV, SIGFPE …) and abort() end the process whatever handlers there are.
import { conclude, errno, setErrno } from "./errno";
import * as posix from "./posix";

/** What is called with the signal's number. */
export type sighandler_t = (signal: i32) => void;

/** For `signal`: what the signal does by default. */
export function SIG_DFL(_signal: i32): void {
  // Told from handlers by its identity; never called.
}

/** For `signal`: nothing. */
export function SIG_IGN(_signal: i32): void {
  // As above.
}

// A function's word for the kernel is the address of its Function object, which is static.
function wordOf(handler: sighandler_t): usize {
  if (handler.index == SIG_DFL.index) return 0;
  return handler.index == SIG_IGN.index ? 1 : changetype<usize>(handler);
}

/**
 * Has `handler` called whenever `signal` comes; it stays so. SIG_IGN and SIG_DFL do what they say; ignoring SIGCHLD lets
 * children leave no zombies. Returns what was there before, or null with errno EINVAL (no signal, SIGKILL, SIGSTOP).
 */
export function signal(signal: i32, handler: sighandler_t): sighandler_t | null {
  const before = new StaticArray<u32>(1);
  if (conclude(errno, posix.signal(signal, wordOf(handler), changetype<usize>(before))) < 0) return null;
  const word = <usize>before[0];
  if (word == 0) return SIG_DFL;
  return word == 1 ? SIG_IGN : changetype<sighandler_t>(word);
}

/** Where the kernel calls a handler by its word. Not for apps. */
export function signalHandler(word: usize, signal: i32): void {
  const before = errno;
  changetype<sighandler_t>(word)(signal);
  setErrno(before);
}

/**
 * Sends `signal` (0: nothing, it only looks) to process `pid` of the family; 0 and -1 mean all of it, the caller included.
 * Returns 0, or -1: ESRCH (no such process in this family), EINVAL (no such signal), ENOSYS (forkd is not there now).
 */
export function kill(pid: i32, signal: i32): i32 {
  return conclude(errno, posix.kill(pid, signal));
}

/** Sends `signal` to the process itself; when it is caught, its handler has run on return. Returns 0, or -1. */
export function raise(signal: i32): i32 {
  return kill(posix.getpid(), signal);
}
