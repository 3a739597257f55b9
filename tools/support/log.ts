// The one logger of the tools. Everything goes to stderr, so that stdout stays free for results.
import { createConsola } from "consola";

/** Writes progress and problems for a person to read; level from KARYON_LOG_LEVEL (0 errors … 3 info … 4 debug). */
export const logger = createConsola({
  level: Number(process.env["KARYON_LOG_LEVEL"] ?? 3),
  stdout: process.stderr,
  stderr: process.stderr,
  formatOptions: { date: false },
});

/** Says what happened, in a line for a person. */
export type Log = (text: string) => void;
