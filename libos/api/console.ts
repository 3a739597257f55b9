// The language's own `console`, `trace`: the compiler driver puts these in the place of AssemblyScript's, which would
// be imports from a browser.
import { fputs, stderr, stdout } from "./stdio";

/** console.log and its kin: a line to the domain's console. */
export namespace console {
  export function log(message: string = ""): void {
    fputs(message + "\n", stdout);
  }

  export function info(message: string = ""): void {
    fputs(message + "\n", stdout);
  }

  export function debug(message: string = ""): void {
    fputs(message + "\n", stdout);
  }

  export function warn(message: string = ""): void {
    fputs(message + "\n", stderr);
  }

  export function error(message: string = ""): void {
    fputs(message + "\n", stderr);
  }
}

/** The language's trace(): "trace: message number …" to standard error; `n` numbers are given. */
export function trace(
  message: string,
  n: i32 = 0,
  a0: f64 = 0,
  a1: f64 = 0,
  a2: f64 = 0,
  a3: f64 = 0,
  a4: f64 = 0,
): void {
  let line = "trace: " + message;
  if (n > 0) line += ` ${a0}`;
  if (n > 1) line += `, ${a1}`;
  if (n > 2) line += `, ${a2}`;
  if (n > 3) line += `, ${a3}`;
  if (n > 4) line += `, ${a4}`;
  fputs(line + "\n", stderr);
}
