// What a thread holds up (pthread_sigmask(3)), for good or while it waits: sigsuspend, ppoll, pselect, epoll_pwait.
import { EINTR, EINVAL } from "../../kernel/errno";
import { threadBlockInterruptibly } from "../../kernel/thread/scheduler";
import { NEVER } from "../../kernel/time/clock";
import { SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK } from "../posix/signal_constants";
import { maskable } from "./signal_actions";
import { signalsUpdate } from "./signals";
import { appThreadSelf } from "./threads";

/** What the calling thread holds up from now on (SIG_BLOCK: `set` too, SIG_UNBLOCK: `set` no more, SIG_SETMASK: `set`), or -EINVAL. */
export function signalsBlock(how: i32, set: u32): i32 {
  const self = appThreadSelf();
  if (how == SIG_BLOCK) self.blocked |= maskable(set);
  else if (how == SIG_UNBLOCK) self.blocked &= ~set;
  else if (how == SIG_SETMASK) self.blocked = maskable(set);
  else return -EINVAL;
  signalsUpdate();
  return 0;
}

/** Has the calling thread hold up `set` and no others, until a handler has run on it or signalsResume(). */
export function signalsReplace(set: u32): void {
  const self = appThreadSelf();
  self.maskBefore = self.blocked;
  self.suspended = true;
  self.blocked = maskable(set);
  signalsUpdate();
}

/** After a call since signalsReplace() that has ended with `result`: all is as before, at once or, when a handler is to run, behind that. */
export function signalsResume(result: i32): void {
  const self = appThreadSelf();
  if (result == -EINTR && self.due != 0) return;
  self.suspended = false;
  self.blocked = self.maskBefore;
  signalsUpdate();
}

/** Waits for a signal while `set` and no others are held up: -EINTR, when its handler is to run, behind which all is as before. */
export function signalsSuspend(set: u32): i32 {
  signalsReplace(set);
  while (threadBlockInterruptibly(NEVER) != -EINTR);
  return -EINTR;
}
