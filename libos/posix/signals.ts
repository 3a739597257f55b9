// Signals. A handler is a word of the app's own, which _signal_handler(word, signal) of its module knows to call
// (libos/api/signal.ts); 0 is SIG_DFL, 1 is SIG_IGN.
import { EFAULT } from "../../kernel/errno";
import { familyKill } from "../process/kill";
import { signalSet } from "../process/signals";
import { appThreadSelf } from "../process/threads";
import { userBuffer } from "../process/user_memory";

export function posix_kill(pid: i32, signal: i32): i32 {
  return familyKill(pid, signal);
}

export function posix_signal(signal: i32, handler: u32, before: u32): i32 {
  const word = userBuffer(before, 4);
  if (word == 0) return -EFAULT;
  appThreadSelf(); // it is known from now on where handlers run
  return signalSet(signal, handler, word);
}
