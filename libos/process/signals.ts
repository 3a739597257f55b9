// Signals: what the process does about each, and those that wait for its handler. Handlers run on the main thread, at the end
// of its system calls (boot/app.h, "signalTake"), where the app's runtime is at rest: so a handler may do what any
// function may. A signal without a handler takes its effect at once, whatever the app is doing.
// Invariant: `due` is set, and the main thread interrupted, exactly while a pending signal's handler may run.
import { signalsDue } from "../../kernel/boot";
import { EINVAL } from "../../kernel/errno";
import { REQUEST_KILL } from "../../kernel/fork/descriptor";
import { forkAskStill } from "../../kernel/fork/request";
import { Thread, currentThread, threadInterrupt } from "../../kernel/thread/scheduler";
import {
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGSTOP,
  SIGTERM,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGURG,
  SIGWINCH,
} from "../posix/constants";
import { appEndBySignal } from "./app";
import { processId } from "./identity";
import { appThreadForSignals } from "./threads";

/** Signals are 1 … 31. */
const SIGNALS: i32 = 31;
/** Dispositions; any other is the app's own word for a handler. */
const SIG_DFL: u32 = 0;
const SIG_IGN: u32 = 1;

const IGNORED_BY_DEFAULT: u32 = (1 << SIGCHLD) | (1 << SIGCONT) | (1 << SIGURG) | (1 << SIGWINCH);
const STOPPING: u32 = (1 << SIGSTOP) | (1 << SIGTSTP) | (1 << SIGTTIN) | (1 << SIGTTOU);

const dispositions = memory.data(128, 8); // u32 by signal
let pending: u32 = 0; // bits by signal: caught, and not handled yet
let running: u32 = 0; // bits of the signals whose handlers run: they do not interrupt themselves

function bit(signal: i32): u32 {
  return (1 as u32) << signal;
}

function dispositionAt(signal: i32): usize {
  return dispositions + ((<usize>signal) << 2);
}

/** Whether `signal` is one. */
export function isSignal(signal: i32): bool {
  return signal > 0 && signal <= SIGNALS;
}

/** What the process does about `signal` from now on: SIG_DFL, SIG_IGN or a handler; what it did before at kernel address `before`. */
export function signalSet(signal: i32, disposition: u32, before: usize): i32 {
  if (!isSignal(signal) || signal == SIGKILL || signal == SIGSTOP) return -EINVAL;
  store<u32>(before, load<u32>(dispositionAt(signal)));
  store<u32>(dispositionAt(signal), disposition);
  if (disposition == SIG_IGN || (disposition == SIG_DFL && (IGNORED_BY_DEFAULT & bit(signal)) != 0)) {
    pending &= ~bit(signal);
    update();
  }
  return 0;
}

/** Whether the process ignores `signal` by its own wish. */
export function signalIgnored(signal: i32): bool {
  return load<u32>(dispositionAt(signal)) == SIG_IGN;
}

/** Signal `signal`, which is one, reaches the process. Kernel work or a system call; does not return when it ends the process. */
export function signalRaise(signal: i32): void {
  const disposition = load<u32>(dispositionAt(signal));
  if (disposition == SIG_IGN) return;
  if (disposition != SIG_DFL) {
    pending |= bit(signal);
    update();
  } else if ((STOPPING & bit(signal)) != 0) {
    forkAskStill(REQUEST_KILL, processId(), signal);
  } else if ((IGNORED_BY_DEFAULT & bit(signal)) == 0) {
    appEndBySignal(signal);
  }
}

function update(): void {
  const isDue = (pending & ~running) != 0;
  signalsDue(isDue);
  const thread = appThreadForSignals();
  if (thread == 0) return;
  if (isDue) threadInterrupt(changetype<Thread>(thread));
  else changetype<Thread>(thread).interrupted = false;
}

/**
 * Export: the handler of signal `ended` has returned (0: none has). The next handler to run on this thread: the signal in the
 * upper 32 bits, the app's word for its handler in the lower; 0 when none is due.
 */
export function signalTake(ended: i32): u64 {
  if (ended != 0) running &= ~bit(ended);
  let next: u64 = 0;
  const ready = pending & ~running;
  if (ready != 0 && appThreadForSignals() == changetype<usize>(currentThread())) {
    const signal = ctz<i32>(ready);
    const handler = load<u32>(dispositionAt(signal));
    pending &= ~bit(signal);
    // Made SIG_DFL since it came: its effect comes now.
    if (handler == SIG_DFL) {
      signalRaise(signal);
    } else {
      running |= bit(signal);
      next = ((<u64>signal) << 32) | handler;
    }
  }
  update();
  return next;
}

/** In the child of a fork: dispositions stay, what was pending was the parent's. */
export function signalsForked(): void {
  pending = 0;
  update();
}

/** Export, by kernel/optional/with_signal.ts: whether a handler gets the SIGTERM that the toolstack's wish to end the domain is. */
export function terminationCaught(): bool {
  const disposition = load<u32>(dispositionAt(SIGTERM));
  if (disposition == SIG_DFL || disposition == SIG_IGN) return false;
  signalRaise(SIGTERM);
  return true;
}
