// signal.h, for the members of a family. A handler runs on the main thread, or while that holds the signal up on another, at the end of a system call,
// never in the midst of other code: so it may do what any function may, allocate and fork included. A call in which the thread waits ends
// with EINTR for it; an app that computes meets it at its next system call. While a handler runs, its own signal waits.
// Only what a thread does wrong (SIGSEGV, SIGFPE, SIGILL, SIGBUS) has its handler run in the midst of that: whatever the function in which it happened
// has begun is half done, the allocator's work, too. The handler is to tell and end the process; when it returns, the same is tried again.
import { SA_SIGINFO } from "../posix/signal_constants";
import { conclude, errno, setErrno } from "./errno";
import * as posix from "./posix";
import { DEFAULT, IGNORED, SignalAction } from "./signal_action";
import { sigset_t } from "./sigset";
import { pthread_t } from "./thread";
import { siginfo_t } from "./wait";

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

/** What is called with the signal's number and what is known of it, with SA_SIGINFO. */
export type siginfo_handler_t = (signal: i32, information: siginfo_t) => void;

/** struct sigaction. */
@final
export class sigaction_t {
  sa_handler: sighandler_t = SIG_DFL;
  /** With SA_SIGINFO, instead of sa_handler. */
  sa_sigaction: siginfo_handler_t | null = null;
  /** What waits while the handler runs, beside its own signal. */
  sa_mask: sigset_t = new sigset_t();
  /** SA_… */
  sa_flags: u32 = 0;
}

/** In the number that a handler is called with by the kernel: it wants a siginfo_t, too. */
const WITH_INFORMATION: i32 = 0x40;

const given = changetype<SignalAction>(memory.data(12, 4));
const told = changetype<SignalAction>(memory.data(12, 4));

// A function's word for the kernel is the address of its Function object, which is static.
function wordOf(handler: sighandler_t): usize {
  if (handler.index == SIG_DFL.index) return DEFAULT;
  return handler.index == SIG_IGN.index ? IGNORED : changetype<usize>(handler);
}

function handlerOf(word: usize): sighandler_t {
  if (word == 0) return SIG_DFL;
  return word == 1 ? SIG_IGN : changetype<sighandler_t>(word);
}

/**
 * What is done about `signal` from now on (null: no change), and what was in `before`. Flags: SA_RESTART, SA_SIGINFO, SA_NODEFER, SA_RESETHAND,
 * SA_NOCLDSTOP, SA_NOCLDWAIT. With SA_RESTART `read write accept recv send wait` and their like go on behind the handler; `poll select
 * epoll_wait connect nanosleep pause` end with EINTR whatever the flags. What the app does wrong – a bad address, a division by
 * zero, an abort – runs the handler of SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGABRT at once, and is tried again when that returns; si_code and si_addr
 * tell what it was. Returns 0, or -1: EINVAL (no signal, SIGKILL, SIGSTOP).
 */
export function sigaction(signal: i32, action: sigaction_t | null, before: sigaction_t | null = null): i32 {
  if (action !== null) {
    callWithInformation = callDetailed;
    if (spare === null) spare = new siginfo_t();
    const detailed = action.sa_sigaction;
    const isDetailed = (action.sa_flags & SA_SIGINFO) != 0 && detailed !== null;
    given.handler = isDetailed ? changetype<usize>(detailed) : wordOf(action.sa_handler);
    given.flags = isDetailed ? action.sa_flags : action.sa_flags & ~SA_SIGINFO;
    given.mask = action.sa_mask.bits;
  }
  const result = posix.sigaction(signal, action === null ? 0 : changetype<usize>(given), changetype<usize>(told));
  if (result == 0 && before !== null) {
    const isDetailed = (told.flags & SA_SIGINFO) != 0;
    before.sa_sigaction = isDetailed ? changetype<siginfo_handler_t>(told.handler) : null;
    before.sa_handler = isDetailed ? SIG_DFL : handlerOf(told.handler);
    before.sa_flags = told.flags;
    before.sa_mask.bits = told.mask;
  }
  return conclude(errno, result);
}

/**
 * Has `handler` called whenever `signal` comes; it stays so, and calls that it interrupts end with EINTR (sigaction can tell otherwise). SIG_IGN and
 * SIG_DFL do what they say; ignoring SIGCHLD lets children leave no zombies. Handlers of faults are for sigaction(). Returns what was there before – SIG_DFL for a handler
 * with SA_SIGINFO –, or null with errno EINVAL (no signal, SIGKILL, SIGSTOP).
 */
export function signal(signal: i32, handler: sighandler_t): sighandler_t | null {
  given.handler = wordOf(handler);
  given.flags = 0;
  given.mask = 0;
  if (conclude(errno, posix.sigaction(signal, changetype<usize>(given), changetype<usize>(told))) < 0) return null;
  return (told.flags & SA_SIGINFO) != 0 ? SIG_DFL : handlerOf(told.handler);
}

/** callDetailed, once sigaction() is used: an app that does not has nothing of it. */
let callWithInformation: ((word: usize, signal: i32) => void) | null = null;

/** Where the kernel calls a handler by its word. Not for apps. */
export function signalHandler(word: usize, what: i32): void {
  const before = errno;
  const signal = what & ~WITH_INFORMATION;
  const informed = callWithInformation;
  if ((what & WITH_INFORMATION) != 0 && informed !== null) informed(word, signal);
  else changetype<sighandler_t>(word)(signal);
  setErrno(before);
}

/** For one handler at a time: one of a fault is not to allocate. Made by sigaction(), as above. */
let spare: siginfo_t | null = null;

function callDetailed(word: usize, signal: i32): void {
  const information = spare === null ? new siginfo_t() : (spare as siginfo_t);
  spare = null;
  posix.signal_information(signal, changetype<usize>(information));
  changetype<siginfo_handler_t>(word)(signal, information);
  spare = information;
}

/**
 * Sends `signal` (0: nothing, it only looks) to process `pid` of the family; -1 means all of it, 0 the caller's process group, a number below the group
 * `-pid`, the caller included. Returns 0, or -1: ESRCH (no such process in this family), EINVAL (no such signal), ENOSYS (forkd is not there now).
 */
export function kill(pid: i32, signal: i32): i32 {
  return conclude(errno, posix.kill(pid, signal));
}

/**
 * Sends `signal` (0: nothing, it only looks) to process `pid` of the family, with a `value` that who takes it finds in its siginfo_t: si_code is SI_QUEUE. As with kill(), one of a kind waits
 * at a time, with the first value; signals of real time, of which several would, there are none. Returns 0, or -1: EINVAL (no such signal), ESRCH (no such process), ENOSYS
 * (forkd is not there now).
 */
export function sigqueue(pid: i32, signal: i32, value: i32): i32 {
  return conclude(errno, posix.sigqueue(pid, signal, value));
}

/** Sends `signal` to the calling thread; when it is caught and not held up, its handler has run on return. Returns 0, or -1: EINVAL (no such signal). */
export function raise(signal: i32): i32 {
  return conclude(errno, posix.thread_kill(posix.thread_self(), signal));
}

/**
 * Sends `signal` (0: nothing, it only looks) to thread `thread` alone, on which its handler runs; what it does without one concerns the process, as do SIGKILL
 * and SIGSTOP. Returns 0, or an error number: ESRCH (no such thread), EINVAL (no such signal).
 */
export function pthread_kill(thread: pthread_t, signal: i32): i32 {
  return -posix.thread_kill(thread, signal);
}
