// Reports "ok" or "FAILED" with the pid of the process that says so, and runs parts of a case in children, which tell by
// their exit status how many of their checks have failed.
import { WEXITSTATUS, WIFEXITED, _exit, errno, fork, getpid, puts, strerror, waitpid } from "karyon";

const MOST_FAILURES = 255;
const statusWord = memory.data(4, 4);
let failures = 0;

/** Reports that `what` does not hold; says nothing when it does: there are thousands of checks. */
export function check(what: string, holds: bool): void {
  if (holds) return;
  failures++;
  puts(`FAILED ${getpid()}: ${what} (errno ${errno}: ${strerror(errno)})`);
}

/** How many checks of this process have failed. */
export function failureCount(): i32 {
  return failures;
}

/** In a child: its parent's failures are not its own. */
export function checksForked(): void {
  failures = 0;
}

/** Ends a child with the number of its failed checks. */
export function endChild(): void {
  _exit(min(failures, MOST_FAILURES));
}

/** Forks a child that runs `body` and ends; its pid, or -1. */
export function inChild(body: () => void): i32 {
  const pid = fork();
  if (pid != 0) {
    check("fork", pid > 1);
    return pid;
  }
  checksForked();
  body();
  endChild();
  return 0;
}

/** The status word that the last reap() has got. */
export function status(): i32 {
  return load<i32>(statusWord);
}

/** waitpid() with the status kept for status(). */
export function reap(pid: i32, options: i32 = 0): i32 {
  return waitpid(pid, statusWord, options);
}

/** Waits for `pid` and checks that it exited with `expected`; 0 says that all its checks passed. */
export function awaitExit(pid: i32, expected: i32 = 0): void {
  if (pid < 0) return;
  check(`waitpid(${pid})`, reap(pid) == pid);
  check(`${pid} exits with ${expected}, not ${status()}`, WIFEXITED(status()) && WEXITSTATUS(status()) == expected);
}
