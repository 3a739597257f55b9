// Reports "ok <what>" or "FAILED <what>" with the pid of the process that says so; a child tells its parent by its exit
// status how many of its checks have failed. As in test/apps/fork: an app's sources lie in its own folder, and libos/api is no
// place for it.
import { WEXITSTATUS, WIFEXITED, errno, getpid, pipe, puts, strerror, waitpid } from "karyon";

const statusWord = memory.data(4, 4);
let failures = 0;

/** Reports whether `what` holds. */
export function check(what: string, holds: bool): void {
  if (!holds) failures++;
  puts(holds ? `ok ${getpid()}: ${what}` : `FAILED ${getpid()}: ${what} (errno ${errno}: ${strerror(errno)})`);
}

/** How many checks of this process have failed. */
export function failureCount(): i32 {
  return failures;
}

/** In a child: its parent's failures are not its own. */
export function checksForked(): void {
  failures = 0;
}

/** A pipe: the end that is read, and the one that is written. */
export function newPipe(): StaticArray<i32> {
  const ends = new StaticArray<i32>(2);
  check("a pipe", pipe(ends) == 0);
  return ends;
}

/** Waits for `pid`, whose checks must all have passed. */
export function awaitGood(pid: i32): void {
  const ended = waitpid(pid, statusWord) == pid;
  const status = load<i32>(statusWord);
  check(`${pid} is content (status ${status})`, ended && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
