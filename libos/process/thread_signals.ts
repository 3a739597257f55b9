// Signals of threads other than the first: linked where masks can differ or a signal be one thread's alone. The first thread takes what it does not hold
// up; of the rest each signal is the first other thread's that does not.
// Invariant: no thread but the first is interrupted by a signal, or has one of its own, while `concerned` is false.
import { SIGKILL, SIGPIPE, SIGSTOP, SI_TKILL, SI_USER } from "../posix/signal_constants";
import { ESRCH, EINVAL } from "../../kernel/errno";
import { processId } from "./identity";
import { familyKill } from "./kill";
import { isSignal } from "./signal_actions";
import { signalRaiseOn, signalsSettle } from "./signals";
import {
  AppThread,
  NO_THREAD,
  appThreadBehind,
  appThreadFirst,
  appThreadOf,
  appThreadSelf,
  appThreadSlot,
} from "./threads";

let concerned = false;

/** Export, by libos/optional/with_thread_mask.ts. */
export function threadsSettle(shared: u32): bool {
  if (shared == 0 && !concerned) return false;
  let left = shared;
  let isDue = false;
  concerned = false;
  const first = appThreadFirst();
  let thread = appThreadBehind(appThreadSlot(first));
  while (thread != NO_THREAD) {
    const ready = signalsSettle(thread, left);
    left &= ~ready;
    isDue = isDue || ready != 0;
    concerned = concerned || thread.pending != 0;
    thread = appThreadBehind(appThreadSlot(thread));
  }
  concerned = concerned || isDue;
  return isDue;
}

/** Export, by libos/optional/with_thread_mask.ts. */
export function threadPipeBroken(): bool {
  raiseOn(appThreadSelf(), SIGPIPE, SI_USER);
  return true;
}

function raiseOn(thread: AppThread, signal: i32, code: i32): void {
  concerned = true;
  signalRaiseOn(thread, signal, code, processId());
}

/** Sends `signal` (0: only looks) to the thread with `id` alone: 0, -ESRCH (no such thread), -EINVAL (no such signal), or as kill() for what concerns the process. */
export function threadKill(id: i32, signal: i32): i32 {
  if (signal != 0 && !isSignal(signal)) return -EINVAL;
  appThreadSelf();
  const thread = appThreadOf(id);
  if (thread == NO_THREAD) return -ESRCH;
  if (signal == SIGKILL || signal == SIGSTOP) return familyKill(processId(), signal);
  if (signal != 0) raiseOn(thread, signal, SI_TKILL);
  return 0;
}
