// Reports "ok <what>" or "FAILED <what>", and counts.
import { errno, getpid, puts, strerror } from "karyon";

let failures = 0;

export function check(what: string, holds: bool): void {
  if (!holds) failures++;
  puts(holds ? `ok ${getpid()}: ${what}` : `FAILED ${getpid()}: ${what} (errno ${errno}: ${strerror(errno)})`);
}

export function failureCount(): i32 {
  return failures;
}
