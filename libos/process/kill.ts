// kill(): a signal to oneself needs nobody, one to another member of the family goes through forkd, which looks the pid up in
// the family of the domain that asks.
import { EINVAL, ENOSYS, ESRCH } from "../../kernel/errno";
import { REQUEST_KILL } from "../../kernel/fork/descriptor";
import { forkAsk } from "../../kernel/fork/request";
import { SIGKILL, SIGSTOP, SI_USER } from "../posix/signal_constants";
import { appEndBySignal } from "./app";
import { childEnded } from "./children";
import { processGroup, processId } from "./identity";
import { isSignal } from "./signal_actions";
import { signalRaise } from "./signals";

/**
 * Sends `signal` (0: only looks) to process `pid`; -1 means the whole family, 0 the caller's process group, below that another; the caller included.
 * @returns 0, -EINVAL (no such signal), -ESRCH (no such process), -ENOSYS (no forkd now, and the process is another or is to stop)
 */
export function familyKill(pid: i32, signal: i32): i32 {
  if (signal != 0 && !isSignal(signal)) return -EINVAL;
  if (pid == processId()) return killSelf(signal);
  if (pid > 0) return childEnded(pid) ? 0 : forkAsk(REQUEST_KILL, pid, signal);
  if (pid < -1) return groupKill(-pid, signal);
  return pid == 0 ? groupKill(processGroup(), signal) : severalKill(0, true, signal);
}

/** Likewise to process group `group`. */
export function groupKill(group: i32, signal: i32): i32 {
  if (signal != 0 && !isSignal(signal)) return -EINVAL;
  return group < 1 ? -ESRCH : severalKill(-group, group == processGroup(), signal);
}

/** To those that `pid` means to forkd, and to the caller, if it `isOne` of them, who comes last. */
function severalKill(pid: i32, isOne: bool, signal: i32): i32 {
  const result = forkAsk(REQUEST_KILL, pid, signal);
  if (!isOne) return result;
  return result == 0 || result == -ESRCH || result == -ENOSYS ? killSelf(signal) : result;
}

function killSelf(signal: i32): i32 {
  if (signal == SIGSTOP) return forkAsk(REQUEST_KILL, processId(), SIGSTOP) == 0 ? 0 : -ENOSYS;
  if (signal == SIGKILL) appEndBySignal(SIGKILL);
  else if (signal != 0) signalRaise(signal, SI_USER, processId(), 0);
  return 0;
}
