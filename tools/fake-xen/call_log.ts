// Which system calls the kernels of this process were asked for, and how they ended: what docs/posix.md is made of. Kept only when the
// environment variable KARYON_CALLS names a folder, into which it is written at the end of the process, as JSON.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const LEAST_ERROR = -4095;

/** How a call has ended in the tests of one process; one that does not return has not. */
export interface CallEndings {
  /** Without an error. */
  succeeded: boolean;
  /** The error numbers, in the order in which they came. */
  readonly errors: number[];
}

/** What is written: the file that node was started with, and the calls by name. */
export interface CallLog {
  readonly program: string;
  readonly calls: Readonly<Record<string, CallEndings>>;
}

const folder = process.env["KARYON_CALLS"];
const calls: Record<string, CallEndings> = {};

if (folder !== undefined) {
  process.once("exit", () => {
    const log: CallLog = { program: process.argv[1] ?? "", calls };
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(log));
  });
}

/** A call is made. */
export function noteCall(name: string): void {
  if (folder !== undefined) calls[name] ??= { succeeded: false, errors: [] };
}

/** A call has returned `result`. */
export function noteResult(name: string, result: number | bigint): void {
  const endings = calls[name];
  if (endings === undefined) return;
  const value = Number(result);
  if (value >= 0 || value < LEAST_ERROR) endings.succeeded = true;
  else if (!endings.errors.includes(-value)) endings.errors.push(-value);
}
