// stdlib.h and sys/random.h: the process, its end, its arguments and environment, random numbers.
import { conclude, errno } from "./errno";
import * as posix from "./posix";
import { stderr } from "./stdio";

/** Ends the app, and with it the domain, after what `atexit` was told has been called. The console shows the status, its low eight bits. */
export function exit(status: i32): void {
  posix.exit(status);
}

/**
 * Has `handler` called when the process ends by `exit`, by the return of `main` or with its last thread; the last one told comes first.
 * A child of `fork` has them, too, a program that `execve` begins has none. Returns 0, or -1 (ENOMEM: there are 1024).
 */
export function atexit(handler: () => void): i32 {
  return conclude(errno, posix.atexit(handler.index));
}

/** Where a handler is called that atexit was told: by its place in the table of functions. Not for apps. */
export function exitHandler(index: u32): void {
  call_indirect<void>(index);
}

/** Where abort makes its line: it may run inside the collector, so it must not allocate. */
const abortLine = memory.data(1024);
const ABORT_TEXT_MAX: i32 = 160;

/** Puts `text`, cut to what surely fits, as UTF-8 at `position` of abortLine; the position behind it. */
function appendAbort(position: usize, text: string): usize {
  const length = min(text.length, ABORT_TEXT_MAX);
  return position + String.UTF8.encodeUnsafe(changetype<usize>(text), length, abortLine + position);
}

function appendAbortNumber(position: usize, number: u32): usize {
  let digits: usize = 1;
  for (let rest = number; rest >= 10; rest /= 10) digits++;
  let rest = number;
  for (let at = digits; at > 0; at--) {
    store<u8>(abortLine + position + at - 1, <u8>(0x30 + (rest % 10)));
    rest /= 10;
  }
  return position + digits;
}

/**
 * Ends the app at once as crashed, behind a handler of SIGABRT if it has one. AssemblyScript's own abort is this one too: a failed assert, a throw, an index out of
 * bounds arrive here with their message and place, which go to standard error first.
 */
export function abort(
  message: string | null = null,
  fileName: string | null = null,
  lineNumber: u32 = 0,
  columnNumber: u32 = 0,
): void {
  let length = message === null ? appendAbort(0, "abort") : appendAbort(0, message);
  if (fileName !== null) {
    length = appendAbort(appendAbort(length, " at "), fileName);
    length = appendAbortNumber(appendAbort(length, ":"), lineNumber);
    length = appendAbortNumber(appendAbort(length, ":"), columnNumber);
  }
  store<u8>(abortLine + length, 0x0a);
  posix.write(stderr, abortLine, <u32>length + 1);
  unreachable(); // the kernel's crash screen shows where
}

/** The strings, each ended by a zero byte, in the first `length` bytes of `buffer`. Not for apps. */
export function splitStrings(buffer: ArrayBuffer, length: i32): string[] {
  const strings: string[] = [];
  const base = changetype<usize>(buffer);
  let start = 0;
  for (let at = 0; at < length; at++) {
    if (load<u8>(base + at) != 0) continue;
    strings.push(String.UTF8.decodeUnsafe(base + start, at - start));
    start = at + 1;
  }
  return strings;
}

/** The arguments: the words after " -- " of the command line, or what execve was given behind the program's name. */
export function startArguments(): string[] {
  const buffer = new ArrayBuffer(max(posix.arguments_size(), 0));
  return splitStrings(buffer, posix.arguments_get(changetype<usize>(buffer), buffer.byteLength));
}

/** The environment: "NAME=value" strings. */
export function environ(): string[] {
  const buffer = new ArrayBuffer(max(posix.environment_size(), 0));
  return splitStrings(buffer, posix.environment_get(changetype<usize>(buffer), buffer.byteLength));
}

/** The value of environment variable `name`; null when there is none. */
export function getenv(name: string): string | null {
  const variables = environ();
  const prefix = name + "=";
  for (let i = 0; i < variables.length; i++) {
    if (variables[i].startsWith(prefix)) return variables[i].substring(prefix.length);
  }
  return null;
}

/** Fills `length` bytes at `buffer` with random bytes. Returns `length`, or -1. */
export function getrandom(buffer: usize, length: usize, flags: u32 = 0): i32 {
  return conclude(errno, posix.getrandom(buffer, <u32>length, flags));
}

/** Seeds Math.random: AssemblyScript calls it once. */
export function seed(): f64 {
  const bits = new StaticArray<u64>(1);
  posix.getrandom(changetype<usize>(bits), 8, 0);
  return reinterpret<f64>(bits[0]);
}
