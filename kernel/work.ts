// The kernel's pending work: event handlers, timers and whatever registered itself (the network). It is done in three
// places: when a thread gives up the processor and none waits for it, when a system call ends with something pending, and in an event
// upcall while the app computes. Nothing in it may block.
//
// The kernel runs with event delivery masked; the C runtime unmasks on the way into the app. Idle sleep is
// SCHEDOP_poll, which needs no upcall; VIRQ_TIMER is there for an app that computes.
//
// A system call that finds nothing to do on its way out does not come here (boot/app.h). Invariant: while the app runs,
// workDue is set if work is raised or the timer interrupt is programmed for later than the earliest timer needs.
import { eventsMask, eventsUnmask, workDue } from "./boot";
import {
  eventChannelBindVirq,
  eventChannelHandle,
  eventPorts,
  eventPortsCount,
  eventsPending,
  eventsRun,
} from "./event_channel";
import { kernelThreadRunnable, threadPreempt } from "./thread/scheduler";
import { NEVER, monotonicNow, systemTimeAt } from "./time/clock";
import { timersNextDeadline, timersRun } from "./time/timer";
import { schedPoll, setTimer, stopPeriodicTimer } from "./xen/hypercall";

const VIRQ_TIMER: u32 = 0;
const MAXIMUM: u32 = 8;
/** A timer may be this late (ns) while the app computes: it saves a hypercall for most system calls. */
const TIMER_SLACK: u64 = 5_000_000;

const functions = memory.data(32, 4); // table indices, u32 each, MAXIMUM of them
let count: u32 = 0;
let timerProgrammed: u64 = 0;
let raised = false;

function onTimer(_argument: usize): void {
  timerProgrammed = 0; // the work itself runs the timers
  workDue(true);
}

/** Binds the timer interrupt. Called at boot and after a restore. */
export function workStart(): void {
  stopPeriodicTimer();
  timerProgrammed = 0;
  workDue(true);
  const port = eventChannelBindVirq(VIRQ_TIMER);
  if (port >= 0) eventChannelHandle(<u32>port, onTimer.index, 0);
}

/** Adds a function (now: u64): void to every pass of the work; at most 8. */
export function workRegister(functionIndex: u32): void {
  if (count == MAXIMUM) unreachable();
  store<u32>(functions + ((<usize>count) << 2), functionIndex);
  count += 1;
}

/** Asks for one more pass before the processor is given up or the app goes on. */
export function workRaise(): void {
  raised = true;
  workDue(true);
}

/** Whether an event waits or a pass was asked for. */
export function workPending(): bool {
  return raised || eventsPending();
}

/** One pass: events, timers, registered functions. */
export function kernelWork(): void {
  raised = false;
  eventsRun();
  const now = monotonicNow(); // once for all
  timersRun(now);
  for (let i: u32 = 0; i < count; i++) call_indirect<void>(load<u32>(functions + ((<usize>i) << 2)), now);
}

/** Sleeps in Xen until an event or the next timer. The caller has found nothing runnable. */
export function idleWait(): void {
  if (raised) return;
  const deadline = timersNextDeadline();
  schedPoll(eventPorts(), eventPortsCount(), systemTimeAt(deadline));
}

/** Makes sure that a timer which falls due while the app computes interrupts it: the last thing before it goes on. */
function programTimer(): void {
  workDue(raised);
  const deadline = timersNextDeadline();
  if (deadline == NEVER) return;
  if (timerProgrammed != 0 && timerProgrammed <= deadline + TIMER_SLACK) return;
  timerProgrammed = deadline + TIMER_SLACK;
  setTimer(systemTimeAt(timerProgrammed));
}

/** Export: an event interrupted the app. Xen has masked events; the way back to the app unmasks them. */
export function upcall(_frame: usize): void {
  kernelWork();
  while (kernelThreadRunnable()) threadPreempt();
  programTimer();
}

/**
 * Export: a system call has ended with an event pending or with work due, and its result goes to the app. Returns with events
 * unmasked and none pending, so that an event that came meanwhile is not left to wait for the next upcall.
 */
export function leaveKernel(): void {
  eventsMask();
  programTimer();
  while (eventsUnmask() != 0 || raised) {
    eventsMask();
    kernelWork();
    while (kernelThreadRunnable()) threadPreempt();
    programTimer();
  }
}
