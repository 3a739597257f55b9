// What the tests of tmpfs have in common: an app in JavaScript that makes calls on files.
import assert from "node:assert/strict";
import type { Piece } from "../../fake/calls.ts";
import type { FileCalls, FileStatus, FileSystem } from "./file_calls.ts";

export const PAGE = 4096;
export const TMPFS_MAGIC = 0x01021994;
export const ROMFS_MAGIC = 0x7275;

export function status(told: FileStatus | number): FileStatus {
  assert.ok(typeof told !== "number", String(told));
  return told;
}

export function system(told: FileSystem | number): FileSystem {
  assert.ok(typeof told !== "number", String(told));
  return told;
}

/** Writes `chunk` again and again until that fails: the bytes written, and the error. */
export function* fill(files: FileCalls, fd: number, chunk: Uint8Array): Piece<[number, number]> {
  for (let size = 0; ;) {
    const result = yield* files.write(fd, chunk);
    if (result <= 0) return [size, result];
    size += result;
  }
}
