// Another program of the image takes the process over (execve). The order is: everything that can fail; then the process's other threads
// end, each in the kernel, where the system call that it is in is at its end; then what the program had goes – descriptors with FD_CLOEXEC,
// handlers, memory – and the new one's main thread starts, on a stack of its own. Process id, open files, working directory, umask,
// limits, children, held-up signals and timers stay.
import { appInitialPages, appProgramPages, appProgramSelect, appThreadsEnd } from "../../kernel/boot";
import { appSpaceDiscard, appSpaceGrowAgain, appSpacePrepare } from "../../kernel/memory/app_renewal";
import { Thread, currentThread, threadBlock, threadWake } from "../../kernel/thread/scheduler";
import { monotonicNow } from "../../kernel/time/clock";
import { SIGKILL } from "../posix/signal_constants";
import { appBegin, appEndBySignal } from "./app";
import { descriptorsCloseOnExec } from "./descriptors";
import { exitHandlersForget } from "./exit_handlers";
import { signalsExecuted } from "./signals";
import { startDataReplace } from "./start_data";
import { appThreadExit, appThreadReplace, appThreadSelf, appThreadsInterrupt, appThreadsRunning } from "./threads";

const WASM_PAGE_SHIFT: u32 = 16;
/** A thread that cannot be interrupted now is interrupted again after so many ns. */
const PATIENCE: u64 = 1_000_000;

let executing: usize = 0; // the thread that does

/** Makes ready for program `number`: 0, or -ENOMEM when it would not have room, with nothing changed. */
export function execPrepare(number: u32): i32 {
  return appSpacePrepare(appProgramPages(number) << WASM_PAGE_SHIFT);
}

/** Begins program `number` with what startDataTake() has taken; does not return. Without memory that was there before, it ends as by SIGKILL. */
export function execBegin(number: u32): void {
  appThreadSelf();
  endOthers();
  descriptorsCloseOnExec();
  exitHandlersForget();
  signalsExecuted();
  startDataReplace();
  appSpaceDiscard();
  appProgramSelect(number);
  if (appSpaceGrowAgain(appInitialPages() << WASM_PAGE_SHIFT) != 0) appEndBySignal(SIGKILL);
  const thread = appBegin();
  if (thread == 0) appEndBySignal(SIGKILL);
  appThreadReplace(thread);
}

function endOthers(): void {
  executing = changetype<usize>(currentThread());
  appThreadsEnd(true);
  while (appThreadsRunning() > 1) {
    appThreadsInterrupt();
    threadBlock(monotonicNow() + PATIENCE);
  }
  appThreadsEnd(false);
}

/** Export: the system call of a thread is at its end while another thread waits to execute a program. */
export function execThreadEnds(): void {
  if (changetype<usize>(currentThread()) == executing) return;
  threadWake(changetype<Thread>(executing));
  appThreadExit();
}
