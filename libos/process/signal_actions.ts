// What the process does about each signal, as sigaction(2) has it, and how the signals differ when it does nothing special.
import { EINVAL } from "../../kernel/errno";
import {
  SA_NOCLDSTOP,
  SA_NOCLDWAIT,
  SA_NODEFER,
  SA_RESETHAND,
  SA_RESTART,
  SA_SIGINFO,
  SIGCHLD,
  SIGCONT,
  SIGKILL,
  SIGSTOP,
  SIGTSTP,
  SIGTTIN,
  SIGTTOU,
  SIGURG,
  SIGWINCH,
} from "../posix/signal_constants";

/** Signals are 1 … 31. */
const SIGNALS: i32 = 31;

/** Handlers; any other is the app's own word for one. */
export const SIG_DFL: u32 = 0;
export const SIG_IGN: u32 = 1;

const FLAGS: u32 = SA_NOCLDSTOP | SA_NOCLDWAIT | SA_NODEFER | SA_RESETHAND | SA_RESTART | SA_SIGINFO;
const IGNORED_BY_DEFAULT: u32 = (1 << SIGCHLD) | (1 << SIGCONT) | (1 << SIGURG) | (1 << SIGWINCH);
const STOPPING: u32 = (1 << SIGSTOP) | (1 << SIGTSTP) | (1 << SIGTTIN) | (1 << SIGTTOU);
/** What can neither be caught nor held up. */
const ALWAYS: u32 = (1 << SIGKILL) | (1 << SIGSTOP);

/** struct sigaction; sets of signals have the bit 1 << signal. */
@unmanaged
@final
export class SignalAction {
  /** SIG_DFL, SIG_IGN or a handler. */
  handler: u32;
  /** SA_… */
  flags: u32;
  /** Signals that are held up while the handler runs, beside its own. */
  mask: u32;
}

export const SIGNAL_ACTION_SIZE: u32 = offsetof<SignalAction>();

const actions = memory.data(384, 8); // SignalAction by signal

/** The bit of `signal` in a set. */
export function signalBit(signal: i32): u32 {
  return (1 as u32) << signal;
}

/** Whether `signal` is one. */
export function isSignal(signal: i32): bool {
  return signal > 0 && signal <= SIGNALS;
}

/** What can be held up of a set. */
export function maskable(set: u32): u32 {
  return set & ~ALWAYS & ~1;
}

/** What the process does about `signal`, which is one. */
export function actionOf(signal: i32): SignalAction {
  return changetype<SignalAction>(actions + <usize>signal * SIGNAL_ACTION_SIZE);
}

/** Has `action` done about `signal` from now on: 0, or -EINVAL for what is none, or has always the same. */
export function actionSet(signal: i32, action: SignalAction): i32 {
  if (!isSignal(signal) || (signalBit(signal) & ALWAYS) != 0) return -EINVAL;
  const own = actionOf(signal);
  own.handler = action.handler;
  own.flags = action.flags & FLAGS;
  own.mask = maskable(action.mask);
  return 0;
}

/** Another program begins: it has no handlers and has wished nothing of them; what was ignored is still. */
export function actionsExecuted(): void {
  for (let signal = 1; signal <= SIGNALS; signal++) {
    const action = actionOf(signal);
    if (action.handler != SIG_IGN) action.handler = SIG_DFL;
    action.flags = 0;
    action.mask = 0;
  }
}

/** Whether `signal` has a handler. */
export function isCaught(signal: i32): bool {
  return actionOf(signal).handler > SIG_IGN;
}

/** Whether nothing happens when `signal` comes. */
export function isIgnored(signal: i32): bool {
  const handler = actionOf(signal).handler;
  return handler == SIG_IGN || (handler == SIG_DFL && (signalBit(signal) & IGNORED_BY_DEFAULT) != 0);
}

/** Whether `signal` stops the process, unless it is caught or ignored. */
export function isStopping(signal: i32): bool {
  return (signalBit(signal) & STOPPING) != 0;
}

/** Whether children leave nothing behind: the process ignores SIGCHLD by its own wish, or has said so. */
export function childrenForgotten(): bool {
  const action = actionOf(SIGCHLD);
  return action.handler == SIG_IGN || (action.flags & SA_NOCLDWAIT) != 0;
}

/** Whether nobody wants to hear of children that stop or go on. */
export function childrenStopSilently(): bool {
  return (actionOf(SIGCHLD).flags & SA_NOCLDSTOP) != 0;
}
