// Signals by their numbers, SIGTERM, SIGCHLD …, which "karyon" has.
import { kill } from "../../signal";
import { SIG_DFL, SIG_IGN, signal } from "../../signal";

/**
 * Has `handler` called with the number whenever `number` comes, at the end of a system call of the main thread; a call that waits ends with EINTR for
 * it. False on error (EINVAL: no signal, SIGKILL, SIGSTOP).
 */
export function on(number: i32, handler: (signal: i32) => void): bool {
  return signal(number, handler) !== null;
}

/** Has nothing happen when `number` comes. False on error (EINVAL). */
export function ignore(number: i32): bool {
  return signal(number, SIG_IGN) !== null;
}

/** Has happen what `number` does by default. False on error (EINVAL). */
export function reset(number: i32): bool {
  return signal(number, SIG_DFL) !== null;
}

/** Sends `number` to process `target`; 0 only looks whether it is there. False on error (ESRCH, EINVAL). */
export function send(target: i32, number: i32): bool {
  return kill(target, number) == 0;
}
