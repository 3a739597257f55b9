// Where things are in the repository. Everything is absolute, so that the tools work from any directory.
import path from "node:path";
import { fileURLToPath } from "node:url";

/** The top of the repository. */
export const repositoryRoot: string = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** An absolute path inside the repository. */
export function repositoryPath(...parts: string[]): string {
  return path.join(repositoryRoot, ...parts);
}

/** A path as a person at the terminal would write it: relative to the working directory when that is shorter. */
export function displayPath(file: string): string {
  const relative = path.relative(process.cwd(), file);
  return relative.length < file.length ? relative : file;
}
