// Signals on their way: those that wait because they are held up (blocked), and those that wait for their handlers. Handlers run at the end of
// system calls (boot/app.h, "signalTake"), where the app's runtime is at rest: so a handler may do what any function may. A signal for the process
// is the main thread's, or, while that holds it up, another's that does not; of both an app has the second part (thread_signals.ts) only where the
// masks of threads can differ. A signal without a handler takes its effect at once, whatever the app is doing.
// Invariant: signalsDue is told exactly while a signal waits for its handler, and the thread on which that is to run (`due`) is interrupted.
import { handlerMask, signalsDue } from "../../kernel/boot";
import { familyStop } from "../../kernel/optional/with_fork";
import { Thread, currentThread, threadInterrupt } from "../../kernel/thread/scheduler";
import { WaitQueue, wakeAll } from "../../kernel/thread/wait_queue";
import {
  SA_NODEFER,
  SA_RESETHAND,
  SA_RESTART,
  SA_SIGINFO,
  SIGABRT,
  SIGPIPE,
  SIGTERM,
  SI_USER,
} from "../posix/signal_constants";
import { threadPipeBroken, threadsSettle } from "../optional/with_thread_mask";
import { SignalInformation } from "../posix/layout";
import { appEndBySignal } from "./app";
import { processId } from "./identity";
import {
  SIG_DFL,
  SignalAction,
  actionOf,
  actionSet,
  actionsExecuted,
  isCaught,
  isIgnored,
  isStopping,
  signalBit,
} from "./signal_actions";
import { AppThread, appThreadFirst, appThreadSelf } from "./threads";

/** Handlers that interrupt each other on a thread; what comes beyond waits. */
const NESTED: u32 = 64;
/** Beside the signal in what signalTake gives: its handler wants to know more; interrupted calls are made again. */
const WITH_INFORMATION: u32 = 0x40;
const RESTARTS: u32 = 0x80;

/** What is told of a signal beside its number. */
@unmanaged
@final
class Cause {
  /** SI_…, CLD_… or what the fault is. */
  code: i32;
  /** Of a child; or with SI_QUEUE the value. */
  status: i32;
  /** The process, or the address of the fault. */
  origin: u64;
}

const CAUSE_SIZE: usize = 16;

const causes = memory.data(512, 8); // Cause by signal, of those that wait and those whose handlers run
/** For the process. */
let pending: u32 = 0;
/** What threads wait for (signalsAwait), as many as `awaiting`: it is held up, too. */
let awaited: u32 = 0;
let awaiting: u32 = 0;

/** Threads that want to take what is pending; all zero is an empty one. */
const takers = changetype<WaitQueue>(memory.data(8, 4));

function causeOf(signal: i32): Cause {
  return changetype<Cause>(causes + <usize>signal * CAUSE_SIZE);
}

/** What the process does about `signal` from now on; -EINVAL for what is none, or has always the same. */
export function signalSet(signal: i32, action: SignalAction): i32 {
  const result = actionSet(signal, action);
  if (result != 0) return result;
  const self = appThreadSelf(); // it is known from now on where handlers run
  if (isIgnored(signal)) forget(self, signal);
  signalsUpdate();
  return 0;
}

function forget(thread: AppThread, signal: i32): void {
  pending &= ~signalBit(signal);
  thread.pending &= ~signalBit(signal);
}

/**
 * Signal `signal`, which is one, reaches the process. Kernel work or a system call; does not return when it ends the process.
 *
 * @param code why (SI_… or CLD_…), with the process it is from and, of a child, its status, or the value that comes with SI_QUEUE
 */
export function signalRaise(signal: i32, code: i32, pid: i32, status: i32): void {
  if ((pending & signalBit(signal)) != 0) return; // one of a kind is remembered, with the first cause
  pending |= signalBit(signal);
  raised(signal, code, pid, status);
}

/** Likewise `thread` alone. */
export function signalRaiseOn(thread: AppThread, signal: i32, code: i32, pid: i32): void {
  if ((thread.pending & signalBit(signal)) != 0) return;
  thread.pending |= signalBit(signal);
  raised(signal, code, pid, 0);
}

function raised(signal: i32, code: i32, pid: i32, status: i32): void {
  const cause = causeOf(signal);
  cause.code = code;
  cause.origin = <u32>pid;
  cause.status = status;
  signalsUpdate();
  wakeAll(takers);
}

/** What a signal that is not ignored does without a handler. */
function takeEffect(signal: i32): void {
  if (isStopping(signal)) familyStop(signal);
  else appEndBySignal(signal);
}

/** After every change of what waits or is held up. */
export function signalsUpdate(): void {
  const ready = signalsSettle(appThreadFirst(), pending);
  signalsDue(threadsSettle(pending & ~ready) || ready != 0);
}

/** Which handlers are to run on `thread`, of the signals sent to it and of those of `shared`; what has no handler takes its effect. */
export function signalsSettle(thread: AppThread, shared: u32): u32 {
  let ready = (thread.pending | shared) & ~(thread.blocked | awaited);
  for (let rest = ready; rest != 0; rest &= rest - 1) {
    const signal = ctz<i32>(rest);
    if (isCaught(signal)) continue;
    ready &= ~signalBit(signal);
    forget(thread, signal);
    if (!isIgnored(signal)) takeEffect(signal);
  }
  thread.due = ready;
  if (thread.thread != 0) {
    if (ready != 0) threadInterrupt(changetype<Thread>(thread.thread));
    else changetype<Thread>(thread.thread).interrupted = false;
  }
  return ready;
}

/** What waits for `thread`, be it held up or not. */
export function signalsPending(thread: AppThread): u32 {
  return pending | thread.pending;
}

/** A thread waits for `set`, which it takes by signalsTake(): no handler gets it meanwhile. Ended by signalsAwaited(). */
export function signalsAwait(set: u32): void {
  awaited |= set;
  awaiting += 1;
  signalsUpdate();
}

export function signalsAwaited(): void {
  awaiting -= 1;
  if (awaiting == 0) awaited = 0;
  signalsUpdate();
}

/** Those of `set` that are pending for the calling thread, or for the process where the kernel asks. */
export function signalsOf(set: u32): u32 {
  const owner = changetype<AppThread>(currentThread().owner);
  return set & (changetype<usize>(owner) == 0 ? pending : signalsPending(owner));
}

/** Takes the lowest pending signal of `set`: its number, or 0. What is known of it is told until it comes again. */
export function signalsTake(set: u32): i32 {
  const self = appThreadSelf();
  const found = signalsPending(self) & set;
  if (found == 0) return 0;
  const signal = ctz<i32>(found);
  take(self, signal);
  signalsUpdate();
  return signal;
}

/** `signal` waits no more: one that was sent to `thread` alone comes first. */
function take(thread: AppThread, signal: i32): void {
  if ((thread.pending & signalBit(signal)) != 0) thread.pending &= ~signalBit(signal);
  else pending &= ~signalBit(signal);
}

/** What is woken when a signal is pending. */
export function signalsQueue(): WaitQueue {
  return takers;
}

/**
 * Export: the handler of signal `ended` has returned (0: none has), before which `mask` was held up. The next handler to run on this thread: in the upper
 * 32 bits the signal, WITH_INFORMATION and RESTARTS, the app's word for its handler in the lower; 0 when none is due.
 */
export function signalTake(ended: i32, mask: u32): u64 {
  const self = appThreadSelf();
  if (ended != 0) {
    self.handlers -= 1;
    self.blocked = mask;
    signalsUpdate();
  }
  if (self.due == 0 || self.handlers == NESTED) return 0;
  const signal = ctz<i32>(self.due);
  take(self, signal);
  return begin(self, signal);
}

/** The handler of `signal` is to run on `thread`. */
function begin(thread: AppThread, signal: i32): u64 {
  const action = actionOf(signal);
  const handler = action.handler;
  const flags = action.flags;
  handlerMask(thread.suspended ? thread.maskBefore : thread.blocked);
  thread.suspended = false;
  thread.handlers += 1;
  thread.blocked |= action.mask;
  if ((flags & SA_NODEFER) == 0) thread.blocked |= signalBit(signal);
  if ((flags & SA_RESETHAND) != 0) {
    action.handler = SIG_DFL;
    action.flags &= ~SA_SIGINFO;
  }
  signalsUpdate();
  let what = <u32>signal;
  if ((flags & SA_SIGINFO) != 0) what |= WITH_INFORMATION;
  if ((flags & SA_RESTART) != 0) what |= RESTARTS;
  return ((<u64>what) << 32) | handler;
}

/** A fault of the app's has raised `signal`: as signalTake(), or 0 when it has no handler that may run now. Of abort() a handler runs once. */
export function signalFault(signal: i32, code: i32, address: u64): u64 {
  const self = appThreadSelf();
  if (!isCaught(signal) || (self.blocked & signalBit(signal)) != 0 || self.handlers == NESTED) return 0;
  const cause = causeOf(signal);
  cause.code = code;
  cause.origin = address;
  cause.status = 0;
  const next = begin(self, signal);
  if (signal == SIGABRT) actionOf(signal).handler = SIG_DFL;
  return next;
}

/** Fills in what is known of `signal`, which is one and whose handler begins. */
export function signalInformation(signal: i32, information: SignalInformation): void {
  const cause = causeOf(signal);
  information.signal = signal;
  information.code = cause.code;
  information.origin = cause.origin;
  information.status = cause.status;
}

/** In the child of a fork: actions and what is held up stay, what was pending was the parent's. */
export function signalsForked(): void {
  pending = 0;
  appThreadSelf().pending = 0;
  awaited = 0;
  awaiting = 0;
  signalsUpdate();
}

/** Another program takes the process over: what was caught has its default effect again, what was ignored is still; what is held up stays so. */
export function signalsExecuted(): void {
  actionsExecuted();
  awaited = 0;
  awaiting = 0;
  signalsUpdate();
}

/** Export, by kernel/optional/with_signal.ts. */
export function signalsThreadEnded(): void {
  signalsUpdate();
}

/** Export, by kernel/optional/with_signal.ts: whether the app gets the SIGTERM that the toolstack's wish to end the domain is, now or later. */
export function terminationCaught(): bool {
  if (!isCaught(SIGTERM) && ((appThreadFirst().blocked | awaited) & signalBit(SIGTERM)) == 0) return false;
  signalRaise(SIGTERM, 0, 0, 0);
  return true;
}

/** Export, by kernel/optional/with_signal.ts: SIGPIPE is for the thread that has written. */
export function brokenPipeRaised(): bool {
  if (!threadPipeBroken()) signalRaise(SIGPIPE, SI_USER, processId(), 0);
  return true;
}
