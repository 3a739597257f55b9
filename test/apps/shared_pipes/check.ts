// Reports "ok <what>" or "FAILED <what>" with the pid of the process that says so; a child tells its parent by its exit
// status how many of its checks have failed.
import { errno, getpid, puts, strerror } from "karyon";

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
