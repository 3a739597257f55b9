// Arguments of system calls, good ones and such as cannot be, each with the error of Linux: what bad_arguments.test.ts makes its calls of.
import assert from "node:assert/strict";
import type { Piece } from "../../fake/calls.ts";
import type { Process } from "./machine.ts";

const [ENOENT, EBADF, EFAULT, ENOTDIR, ENAMETOOLONG] = [2, 9, 14, 20, 36];
export const AT_FDCWD = -100;
export const O_RDWR_CREAT = 0x42;
export const DATA = 0x6000;
export const OTHER = 0x7000;
export const PATHS = 0x8000;
export const PATH_ROOM = 0x1800;
export const WASM_PAGE = 65536;
export const NEVER = 77;
export const [TCP, UDP] = [1, 2];
export type Word = number | bigint;

/** What one argument, or several that belong together, may be. */
export interface Argument {
  readonly good: readonly Word[];
  readonly bad: readonly (readonly [words: readonly Word[], error: number])[];
}

/** What there is to be handed over. */
export interface Things {
  readonly file: number;
  readonly directory: number;
  readonly readOnly: number;
  readonly pipe: number;
  readonly tcp: number;
  readonly udp: number;
  readonly epoll: number;
  readonly timer: number;
  /** The end of the app's memory. */
  readonly end: number;
  /** Where a text has been put, and its length. */
  readonly path: (text: string) => readonly [number, number];
}

/** A call: its arguments, and what it fails with when all of them are good; NOT_MADE: so it is not called. */
export type Call = readonly [args: readonly Argument[], result?: number];
export const NOT_MADE = -1;

/** A word that has to be this, or one of `bad` fails. */
export function word(good: Word, ...bad: readonly (readonly [Word, number])[]): Argument {
  return { good: [good], bad: bad.map(([value, error]) => [[value], error] as const) };
}

export function descriptor(good: number, ...others: readonly (readonly [number, number])[]): Argument {
  return word(good, [-1, EBADF], [NEVER, EBADF], [0x7fff_ffff, EBADF], ...others);
}

/** Memory that must be the app's: not the null page, nor beyond the end, be it by a byte. */
export function pointer({ end }: Things, at: number, size: number, { orNull = false } = {}): Argument {
  const wrong = [8, end - size + 1, end, 0xffff_fff0, ...(orNull ? [] : [0])];
  return word(at, ...wrong.map((value) => [value, EFAULT] as const));
}

/** A buffer and its length. */
export function buffer({ end }: Things, at: number, size: number): Argument {
  const wrong: readonly (readonly number[])[] = [
    [0, size],
    [8, size],
    [end - size + 1, size],
    [at, end],
    [0xffff_fff0, 0x20],
    [end, 1],
  ];
  return { good: [at, size], bad: wrong.map((words) => [words, EFAULT] as const) };
}

/** A path that names something. */
export function path({ end, path: put }: Things, text: string, { orNull = false, missing = ENOENT } = {}): Argument {
  const [at, length] = put(text);
  const wrong: (readonly [readonly [number, number], number])[] = [
    [[8, length], EFAULT],
    [[end - 1, length], EFAULT],
    [[at, 0], ENOENT],
    [[at, 4097], ENAMETOOLONG],
    [[at, 0xffff_ffff], ENAMETOOLONG],
    [put(`/tmp/${"x".repeat(256)}`), ENAMETOOLONG],
    [put("/tmp/file/below"), ENOTDIR],
    [put("/tmp/none/below"), ENOENT],
  ];
  if (missing !== 0) wrong.push([put("/tmp/none"), missing]);
  if (!orNull) wrong.push([[0, length], EFAULT]);
  return { good: [at, length], bad: wrong };
}

/** The directory at which an absolute path does not begin: anything will do. */
export const anywhere = word(AT_FDCWD);

/** A relative path at a directory: what that may not be. */
export function at(things: Things, name: string): Argument {
  const [address, length] = things.path(name);
  const wrong = [
    [[-1, address, length], EBADF],
    [[NEVER, address, length], EBADF],
    [[things.file, address, length], ENOTDIR],
    [[things.pipe, address, length], ENOTDIR],
  ] as const;
  return { good: [things.directory, address, length], bad: wrong };
}

/** Makes it all. */
export function* prepare(process: Process): Piece<Things> {
  const pages = yield* process.call("app_memory_size");
  const end = pages * WASM_PAGE;
  let next = PATHS;
  const put = (text: string): readonly [number, number] => {
    const bytes = Buffer.from(text);
    process.put(next, bytes);
    next += (bytes.length + 8) & ~7;
    assert.ok(next < PATHS + PATH_ROOM * 8);
    return [next - ((bytes.length + 8) & ~7), bytes.length];
  };
  const made = function* (name: string, ...args: readonly Word[]): Piece<number> {
    const result = yield* process.call(`posix_${name}`, ...args);
    assert.ok(result >= 0, `${name}: ${result}`);
    return result;
  };
  const file = yield* made("open", ...put("/tmp/file"), O_RDWR_CREAT, 0o644);
  yield* made("close", yield* made("open", ...put("/tmp/moved"), O_RDWR_CREAT, 0o644));
  yield* made("ftruncate", file, 100n);
  yield* made("pipe", DATA, 0x800);
  const things = {
    file,
    directory: yield* made("open", ...put("/tmp"), 0, 0),
    readOnly: yield* made("open", ...put("/embedded"), 0, 0),
    pipe: process.get(DATA, 4).readInt32LE(),
    tcp: yield* made("socket", 2, TCP | 0x800, 0),
    udp: yield* made("socket", 2, UDP | 0x800, 0),
    epoll: yield* made("epoll_create", 0),
    timer: yield* made("timerfd_create", 1, 0),
    end,
    path: put,
  };
  process.put(OTHER, Buffer.from(Uint32Array.of(DATA, 16).buffer)); // a piece; as a pollfd one whose descriptor is not open
  process.put(OTHER + 64, Buffer.from([2, 0, 0x30, 0x39, 0, 0, 0, 0, ...Array<number>(8).fill(0)]));
  process.put(OTHER + 96, Buffer.from(BigUint64Array.of(64n, 1024n).buffer));
  return things;
}
