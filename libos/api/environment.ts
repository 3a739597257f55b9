// The part of stdlib.h that changes the environment, and the program's name. The kernel has both, with the arguments
// (libos/process/start_data.ts): from the command line of the domain, or from who called execve. Texts are UTF-8.
import { EINVAL } from "../../kernel/errno";
import { conclude, errno, setErrno } from "./errno";
import * as posix from "./posix";
import { environ, splitStrings } from "./stdlib";
import { joinTexts } from "./texts";

const NAME_SIZE: i32 = 4096;

/** The program's name: argument 0 of `execve`, or else the name that its image has in the manifest; at most 4095 bytes of it. */
export function program_invocation_name(): string {
  const buffer = new ArrayBuffer(NAME_SIZE);
  const names = splitStrings(buffer, posix.program_name(changetype<usize>(buffer), NAME_SIZE));
  return names.length == 0 ? "" : names[0];
}

/** The index of variable `name`; -1. */
function indexOf(variables: string[], name: string): i32 {
  const prefix = name + "=";
  for (let i = 0; i < variables.length; i++) if (variables[i].startsWith(prefix)) return i;
  return -1;
}

function isName(name: string): bool {
  return name.length != 0 && !name.includes("=") && !name.includes("\0");
}

function replaceEnvironment(variables: string[]): i32 {
  const texts = joinTexts(variables);
  if (texts === null) {
    setErrno(EINVAL);
    return -1;
  }
  return conclude(errno, posix.environment_set(changetype<usize>(texts), texts.byteLength));
}

/**
 * Gives variable `name` a value, unless it has one and `overwrite` is false. Programs that are executed inherit it. Returns 0, or -1: EINVAL (no name for
 * a variable, or a zero in the value), E2BIG (ARG_MAX), ENOMEM.
 */
export function setenv(name: string, value: string, overwrite: bool = true): i32 {
  if (!isName(name)) {
    setErrno(EINVAL);
    return -1;
  }
  const variables = environ();
  const index = indexOf(variables, name);
  if (index >= 0 && !overwrite) return 0;
  if (index < 0) variables.push(name + "=" + value);
  else variables[index] = name + "=" + value;
  return replaceEnvironment(variables);
}

/** Takes variable `name` away. Returns 0, also when there is none, or -1 (EINVAL). */
export function unsetenv(name: string): i32 {
  if (!isName(name)) {
    setErrno(EINVAL);
    return -1;
  }
  const variables = environ();
  const index = indexOf(variables, name);
  if (index < 0) return 0;
  variables.splice(index, 1);
  return replaceEnvironment(variables);
}

/** Takes all variables away. Returns 0. */
export function clearenv(): i32 {
  return replaceEnvironment([]);
}
