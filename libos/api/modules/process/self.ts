// The process: what it was started with, where it is, how it ends.
import { CLOCK_MONOTONIC } from "../../../posix/constants";
import { program_invocation_name, setenv, unsetenv } from "../../environment";
import { chdir as cChdir, getcwd } from "../../names";
import { getpid, getppid } from "../../process";
import { atexit, environ, exit as cExit, getenv, startArguments } from "../../stdlib";
import { clockNanoseconds } from "../../time";

/** The arguments, without the program's name: what `main` gets. */
export function argv(): string[] {
  return startArguments();
}

/** The program's name: the first word of who started it, or else the image's. */
export function programName(): string {
  return program_invocation_name();
}

/** The value of environment variable `name`; `otherwise` when there is none. */
export function env(name: string, otherwise: string = ""): string {
  const value = getenv(name);
  return value === null ? otherwise : value;
}

/** All variables of the environment, by name. */
export function environment(): Map<string, string> {
  const variables = environ();
  const byName = new Map<string, string>();
  for (let i = 0; i < variables.length; i++) {
    const end = variables[i].indexOf("=");
    if (end > 0) byName.set(variables[i].substring(0, end), variables[i].substring(end + 1));
  }
  return byName;
}

/** Gives environment variable `name` a value, or with null takes it away. False on error (EINVAL: no name for one, E2BIG, ENOMEM). */
export function setEnv(name: string, value: string | null): bool {
  return (value === null ? unsetenv(name) : setenv(name, value)) == 0;
}

/** The process id; 1 for a process that was not forked. */
export function pid(): i32 {
  return getpid();
}

/** The parent's process id; 0 for a process that was not forked, 1 when the parent has ended. */
export function parentPid(): i32 {
  return getppid();
}

/** The working directory; null when it has been removed (ENOENT). */
export function cwd(): string | null {
  return getcwd();
}

/** Changes the working directory. False on error (ENOENT, ENOTDIR …). */
export function chdir(path: string): bool {
  return cChdir(path) == 0;
}

/** Milliseconds since the domain's kernel began. */
export function uptime(): i64 {
  return clockNanoseconds(CLOCK_MONOTONIC) / 1_000_000;
}

/** Ends the process with `status` (its low eight bits), after what `onExit` was told has been called. */
export function exit(status: i32 = 0): void {
  cExit(status);
}

/** Has `handler` called when the process ends by `exit`, by the return of `main` or with its last thread; the last one told comes first. False on error (ENOMEM). */
export function onExit(handler: () => void): bool {
  return atexit(handler) == 0;
}
