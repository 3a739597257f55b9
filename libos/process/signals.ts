// Signals on their way: those that wait because they are held up (blocked), and those that wait for their handlers. Handlers run on the
// main thread, at the end of its system calls (boot/app.h, "signalTake"), where the app's runtime is at rest: so a handler may do
// what any function may. A signal without a handler takes its effect at once, whatever the app is doing.
// Invariant: signalsDue is told, and the main thread interrupted, exactly while a pending signal is not held up; all of those have handlers.
import { signalsDue } from "../../kernel/boot";
import { EINTR, EINVAL } from "../../kernel/errno";
import { familyStop } from "../../kernel/optional/with_fork";
import { Thread, currentThread, threadBlockInterruptibly, threadInterrupt } from "../../kernel/thread/scheduler";
import { WaitQueue, wakeAll } from "../../kernel/thread/wait_queue";
import { NEVER } from "../../kernel/time/clock";
import {
  SA_NODEFER,
  SA_RESETHAND,
  SA_RESTART,
  SA_SIGINFO,
  SIGABRT,
  SIGPIPE,
  SIGTERM,
  SIG_BLOCK,
  SIG_SETMASK,
  SIG_UNBLOCK,
  SI_USER,
} from "../posix/signal_constants";
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
  maskable,
  signalBit,
} from "./signal_actions";
import { appThreadForSignals } from "./threads";

/** Handlers that interrupt each other; what comes beyond waits. */
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
  status: i32;
  /** The process, or the address of the fault. */
  origin: u64;
}

const CAUSE_SIZE: usize = 16;

const causes = memory.data(512, 8); // Cause by signal, of those that wait and those whose handlers run
const masks = memory.data(256, 8); // u32 each: what was held up before a handler began
let depth: u32 = 0; // handlers that run
let pending: u32 = 0;
let blocked: u32 = 0;
/** What threads wait for (signalsAwait), as many as `awaiting`: it is held up, too. */
let awaited: u32 = 0;
let awaiting: u32 = 0;
/** sigsuspend waits: what is to be held up again behind the handler. */
let suspended = false;
let maskBefore: u32 = 0;

/** Threads that want to take what is pending; all zero is an empty one. */
const takers = changetype<WaitQueue>(memory.data(8, 4));

function causeOf(signal: i32): Cause {
  return changetype<Cause>(causes + <usize>signal * CAUSE_SIZE);
}

/** What the process does about `signal` from now on; -EINVAL for what is none, or has always the same. */
export function signalSet(signal: i32, action: SignalAction): i32 {
  const result = actionSet(signal, action);
  if (result != 0) return result;
  if (isIgnored(signal)) pending &= ~signalBit(signal);
  update();
  return 0;
}

/**
 * Signal `signal`, which is one, reaches the process. Kernel work or a system call; does not return when it ends the process.
 *
 * @param code why (SI_… or CLD_…), with the process it is from and, of a child, its status
 */
export function signalRaise(signal: i32, code: i32, pid: i32, status: i32): void {
  const bit = signalBit(signal);
  if (isCaught(signal) || ((blocked | awaited) & bit) != 0) {
    if ((pending & bit) != 0) return; // one of a kind is remembered, with the first cause
    const cause = causeOf(signal);
    cause.code = code;
    cause.origin = <u32>pid;
    cause.status = status;
    pending |= bit;
    update();
    wakeAll(takers);
  } else if (!isIgnored(signal)) takeEffect(signal);
}

/** What a signal that is not ignored does without a handler. */
function takeEffect(signal: i32): void {
  if (isStopping(signal)) familyStop(signal);
  else appEndBySignal(signal);
}

/** What is to have its effect. */
function due(): u32 {
  return pending & ~(blocked | awaited);
}

/** After every change of what waits or is held up. */
function update(): void {
  for (let ready = due(); ready != 0; ready &= ready - 1) {
    const signal = ctz<i32>(ready);
    if (isCaught(signal)) continue;
    pending &= ~signalBit(signal);
    if (!isIgnored(signal)) takeEffect(signal);
  }
  const isDue = due() != 0;
  signalsDue(isDue);
  const thread = appThreadForSignals();
  if (thread == 0) return;
  if (isDue) threadInterrupt(changetype<Thread>(thread));
  else changetype<Thread>(thread).interrupted = false;
}

/** What is held up from now on (SIG_BLOCK: `set` too, SIG_UNBLOCK: `set` no more, SIG_SETMASK: `set`), or -EINVAL. */
export function signalsBlock(how: i32, set: u32): i32 {
  if (how == SIG_BLOCK) blocked |= maskable(set);
  else if (how == SIG_UNBLOCK) blocked &= ~set;
  else if (how == SIG_SETMASK) blocked = maskable(set);
  else return -EINVAL;
  update();
  return 0;
}

/** The signals that are held up. */
export function signalsBlocked(): u32 {
  return blocked;
}

/** Those of them that have come. */
export function signalsPending(): u32 {
  return pending & blocked;
}

/** Has `set` and no others be held up, until a handler has run or signalsResume(). */
export function signalsReplace(set: u32): void {
  if (!suspended) maskBefore = blocked; // else another thread has it
  suspended = true;
  blocked = maskable(set);
  update();
}

/** After a call since signalsReplace() that has ended with `result`: all is as before, at once or, when a handler is to run, behind that. */
export function signalsResume(result: i32): void {
  if (!suspended || (result == -EINTR && due() != 0)) return;
  suspended = false;
  blocked = maskBefore;
  update();
}

/** Waits for a signal while `set` and no others are held up: -EINTR, when its handler is to run, behind which all is as before. */
export function signalsSuspend(set: u32): i32 {
  signalsReplace(set);
  while (threadBlockInterruptibly(NEVER) != -EINTR);
  return -EINTR;
}

/** A thread waits for `set`, which it takes by signalsTake(): no handler gets it meanwhile. Ended by signalsAwaited(). */
export function signalsAwait(set: u32): void {
  awaited |= set;
  awaiting += 1;
  update();
}

export function signalsAwaited(): void {
  awaiting -= 1;
  if (awaiting == 0) awaited = 0;
  update();
}

/** Those of `set` that are pending. */
export function signalsOf(set: u32): u32 {
  return pending & set;
}

/** Takes the lowest pending signal of `set`: its number, or 0. What is known of it is told until it comes again. */
export function signalsTake(set: u32): i32 {
  const found = pending & set;
  if (found == 0) return 0;
  const signal = ctz<i32>(found);
  pending &= ~signalBit(signal);
  update();
  return signal;
}

/** What is woken when a signal is pending. */
export function signalsQueue(): WaitQueue {
  return takers;
}

/**
 * Export: the handler of signal `ended` has returned (0: none has). The next handler to run on this thread: in the upper 32 bits the signal,
 * WITH_INFORMATION and RESTARTS, the app's word for its handler in the lower; 0 when none is due.
 */
export function signalTake(ended: i32): u64 {
  if (ended != 0) {
    depth -= 1;
    blocked = load<u32>(masks + ((<usize>depth) << 2));
    update();
  }
  const ready = due();
  if (ready == 0 || depth == NESTED || appThreadForSignals() != changetype<usize>(currentThread())) return 0;
  return begin(ctz<i32>(ready));
}

/** The handler of `signal` is to run. */
function begin(signal: i32): u64 {
  const action = actionOf(signal);
  const handler = action.handler;
  const flags = action.flags;
  pending &= ~signalBit(signal);
  store<u32>(masks + ((<usize>depth) << 2), suspended ? maskBefore : blocked);
  suspended = false;
  depth += 1;
  blocked |= action.mask;
  if ((flags & SA_NODEFER) == 0) blocked |= signalBit(signal);
  if ((flags & SA_RESETHAND) != 0) {
    action.handler = SIG_DFL;
    action.flags &= ~SA_SIGINFO;
  }
  update();
  let what = <u32>signal;
  if ((flags & SA_SIGINFO) != 0) what |= WITH_INFORMATION;
  if ((flags & SA_RESTART) != 0) what |= RESTARTS;
  return ((<u64>what) << 32) | handler;
}

/** A fault of the app's has raised `signal`: as signalTake(), or 0 when it has no handler that may run now. Of abort() a handler runs once. */
export function signalFault(signal: i32, code: i32, address: u64): u64 {
  if (!isCaught(signal) || (blocked & signalBit(signal)) != 0 || depth == NESTED) return 0;
  const cause = causeOf(signal);
  cause.code = code;
  cause.origin = address;
  cause.status = 0;
  const next = begin(signal);
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
  awaited = 0;
  awaiting = 0;
  update();
}

/** Another program takes the process over: what was caught has its default effect again, what was ignored is still; what is held up stays so. */
export function signalsExecuted(): void {
  actionsExecuted();
  depth = 0;
  if (suspended) blocked = maskBefore; // a thread that has ended waited
  suspended = false;
  awaited = 0;
  awaiting = 0;
  update();
}

/** Export, by kernel/optional/with_signal.ts: whether the app gets the SIGTERM that the toolstack's wish to end the domain is, now or later. */
export function terminationCaught(): bool {
  if (!isCaught(SIGTERM) && ((blocked | awaited) & signalBit(SIGTERM)) == 0) return false;
  signalRaise(SIGTERM, 0, 0, 0);
  return true;
}

/** Export, by kernel/optional/with_signal.ts. */
export function brokenPipeRaised(): bool {
  signalRaise(SIGPIPE, SI_USER, processId(), 0);
  return true;
}
