// What each part of this appliance reports with: "ok <what>" or "FAILED <what>" lines, and how many of each.
import { errno, puts, strerror } from "karyon";

let failures = 0;

/** Reports whether `what` holds. */
export function check(what: string, holds: bool): void {
  if (!holds) failures++;
  puts(holds ? `ok ${what}` : `FAILED ${what} (errno ${errno}: ${strerror(errno)})`);
}

/** Reports whether a call returned -1 with errno `number`. */
export function checkError(what: string, result: i64, number: i32): void {
  check(`${what}: ${strerror(number)}`, result == -1 && errno == number);
}

/** How many checks have failed. */
export function failureCount(): i32 {
  return failures;
}
