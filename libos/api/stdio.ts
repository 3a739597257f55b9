// The part of stdio.h an appliance needs: text to the console. There is no buffering: each call is one write.
// Formatting is the language's: puts(`${requests} requests`).
import { writeText } from "./unistd";

/** Standard input, output and error: three names of the domain's console. */
export const stdin: i32 = 0;
export const stdout: i32 = 1;
export const stderr: i32 = 2;

/** What puts and fputs return on error. */
export const EOF: i32 = -1;

/** Writes `text` and a newline to standard output. Returns 0, or EOF. */
export function puts(text: string): i32 {
  return fputs(text + "\n", stdout);
}

/** Writes `text` as it is to descriptor `stream` (stdout, stderr). Returns 0, or EOF. */
export function fputs(text: string, stream: i32): i32 {
  return writeText(stream, text) < 0 ? EOF : 0;
}
