// System calls of signals. A handler is a word of the app's own, which _signal_handler(word, what) of its module knows to call
// (libos/api/signal.ts); 0 is SIG_DFL, 1 is SIG_IGN. A set of signals is a u32 with the bits 1 << signal.
import { EFAULT, EINVAL } from "../../kernel/errno";
import { processGroup } from "../process/identity";
import { familyKill, groupKill } from "../process/kill";
import { SIGNAL_ACTION_SIZE, SignalAction, actionOf, isSignal } from "../process/signal_actions";
import { signalsBlock, signalsSuspend } from "../process/signal_masks";
import { signalInformation, signalSet, signalsPending } from "../process/signals";
import { threadKill } from "../process/thread_signals";
import { appThreadSelf } from "../process/threads";
import { userBuffer } from "../process/user_memory";
import { valueKill } from "../process/value_kill";
import { SIGNAL_INFORMATION_SIZE, SignalInformation } from "./layout";

const SET_SIZE: u32 = 4;

export function posix_kill(pid: i32, signal: i32): i32 {
  return familyKill(pid, signal);
}

export function posix_killpg(group: i32, signal: i32): i32 {
  return groupKill(group == 0 ? processGroup() : group, signal);
}

export function posix_thread_kill(thread: i32, signal: i32): i32 {
  return threadKill(thread, signal);
}

export function posix_sigqueue(pid: i32, signal: i32, value: i32): i32 {
  return valueKill(pid, signal, value);
}

/** Both may be 0: nothing is set, nothing is wanted. */
export function posix_sigaction(signal: i32, action: u32, before: u32): i32 {
  const given = action == 0 ? 0 : userBuffer(action, SIGNAL_ACTION_SIZE);
  const told = before == 0 ? 0 : userBuffer(before, SIGNAL_ACTION_SIZE);
  if ((action != 0 && given == 0) || (before != 0 && told == 0)) return -EFAULT;
  if (!isSignal(signal)) return -EINVAL;
  const old = actionOf(signal);
  const handler = old.handler;
  const flags = old.flags;
  const mask = old.mask;
  if (given != 0) {
    const result = signalSet(signal, changetype<SignalAction>(given));
    if (result != 0) return result;
  }
  if (told == 0) return 0;
  const answer = changetype<SignalAction>(told);
  answer.handler = handler;
  answer.flags = flags;
  answer.mask = mask;
  return 0;
}

/** Both may be 0. */
export function posix_sigprocmask(how: i32, set: u32, before: u32): i32 {
  const given = set == 0 ? 0 : userBuffer(set, SET_SIZE);
  const told = before == 0 ? 0 : userBuffer(before, SET_SIZE);
  if ((set != 0 && given == 0) || (before != 0 && told == 0)) return -EFAULT;
  const old = appThreadSelf().blocked;
  if (given != 0) {
    const result = signalsBlock(how, load<u32>(given));
    if (result != 0) return result;
  }
  if (told != 0) store<u32>(told, old);
  return 0;
}

export function posix_sigpending(set: u32): i32 {
  const told = userBuffer(set, SET_SIZE);
  if (told == 0) return -EFAULT;
  const self = appThreadSelf();
  store<u32>(told, signalsPending(self) & self.blocked);
  return 0;
}

export function posix_sigsuspend(set: u32): i32 {
  const given = userBuffer(set, SET_SIZE);
  if (given == 0) return -EFAULT;
  return signalsSuspend(load<u32>(given));
}

/** What is known of a signal whose handler has begun just now. */
export function posix_signal_information(signal: i32, information: u32): i32 {
  const told = userBuffer(information, SIGNAL_INFORMATION_SIZE);
  if (told == 0) return -EFAULT;
  if (!isSignal(signal)) return -EINVAL;
  memory.fill(told, 0, SIGNAL_INFORMATION_SIZE);
  signalInformation(signal, changetype<SignalInformation>(told));
  return 0;
}
