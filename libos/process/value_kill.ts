// sigqueue(): a signal that comes with a value. A set of signals is one word with a bit for each of 1 … 31, in the kernel, in apps and between
// them: so there are no signals of real time, of which several of a kind would wait.
import { EINVAL, ESRCH } from "../../kernel/errno";
import { REQUEST_QUEUE } from "../../kernel/fork/descriptor";
import { forkAsk } from "../../kernel/fork/request";
import { SIGKILL, SIGSTOP, SI_QUEUE } from "../posix/signal_constants";
import { childEnded } from "./children";
import { processId } from "./identity";
import { familyKill } from "./kill";
import { isSignal } from "./signal_actions";
import { signalRaise } from "./signals";

/**
 * Sends `signal` (0: only looks) to process `pid`, with a value that it is told of.
 * @returns 0, -EINVAL (no such signal), -ESRCH (no such process), -ENOSYS (no forkd now, and the process is another or is to stop)
 */
export function valueKill(pid: i32, signal: i32, value: i32): i32 {
  if (signal != 0 && !isSignal(signal)) return -EINVAL;
  if (pid < 1) return -ESRCH;
  if (signal == 0 || signal == SIGKILL || signal == SIGSTOP) return familyKill(pid, signal);
  if (pid != processId()) return childEnded(pid) ? 0 : forkAsk(REQUEST_QUEUE, pid, signal, value);
  signalRaise(signal, SI_QUEUE, pid, value);
  return 0;
}
