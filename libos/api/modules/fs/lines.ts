// Text files line by line.
import { readTextFile } from "../../files";

/** The lines of the text file `path`, without their ends, LF or CR LF; null on error (ENOENT, EISDIR …). What is behind the last end is a line unless it is empty. */
export function readLines(path: string): string[] | null {
  const text = readTextFile(path);
  if (text === null) return null;
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i];
    if (line.endsWith("\r")) lines[i] = line.substring(0, line.length - 1);
  }
  if (lines[lines.length - 1].length == 0) lines.pop();
  return lines;
}
