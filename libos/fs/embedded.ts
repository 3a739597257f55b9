// The files embedded in the image: a read-only tree at "/". The blob (made by tools/image/files.ts, little endian):
//
//   u32 magic "KFS1", u32 count
//   count entries, ascending by the bytes of the path:
//     u32 pathOffset, u32 pathLength, u32 dataOffset, u16 mode, u16 program, u64 dataLength, u64 modified (ns),
//     u8[16] half of the SHA-256
//   paths ("/index.html"), data; offsets count from the blob's start
//
// Directories have no entries: they are what stands before a "/" of some path. Paths with a common beginning are
// neighbours in the order, so a directory is a run of entries, named by the index of the first.
// This file knows canonical paths only: absolute, no empty component, no "." or "..", no "/" at the end; "" is the root.
import { filesStart } from "../../kernel/boot";
import { ENOENT } from "../../kernel/errno";

const MAGIC: u32 = 0x3153464b;
const HEADER_SIZE: usize = 8;
const ENTRY_SIZE: usize = 48;
const SLASH: u8 = 0x2f;

/** An entry of the blob. */
@unmanaged
@final
export class EmbeddedFile {
  pathOffset: u32;
  pathLength: u32;
  dataOffset: u32;
  /** S_IFREG and permissions. */
  mode: u16;
  /** The number of the app's module that execve finds here, from 1; 0: it is no program. */
  program: u16;
  dataLength: u64;
  /** ns since 1970. */
  modified: u64;
  hashLow: u64;
  hashHigh: u64;

  /** Address of the path. */
  path(): usize {
    return filesStart() + this.pathOffset;
  }

  /** Address of the contents. */
  data(): usize {
    return filesStart() + this.dataOffset;
  }
}

/** How many files there are. */
function embeddedCount(): u32 {
  const blob = filesStart();
  return load<u32>(blob) == MAGIC ? load<u32>(blob, 4) : 0;
}

/** File `index` < embeddedCount(). */
export function embeddedFile(index: u32): EmbeddedFile {
  return changetype<EmbeddedFile>(filesStart() + HEADER_SIZE + <usize>index * ENTRY_SIZE);
}

/** Orders the first `length` bytes of file `index`'s path against `path`: negative, 0 (it begins so), positive. */
function compareStart(index: u32, path: usize, length: u32): i32 {
  const file = embeddedFile(index);
  const common = min(file.pathLength, length);
  const difference = memory.compare(file.path(), path, common);
  if (difference != 0) return difference;
  return file.pathLength < length ? -1 : 0;
}

/** The first file whose path is not ordered before `path`. */
function lowerBound(path: usize, length: u32): u32 {
  let low: u32 = 0;
  let high = embeddedCount();
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareStart(middle, path, length) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The index of the file at canonical `path`, or -ENOENT. */
export function embeddedFind(path: usize, length: u32): i32 {
  const index = lowerBound(path, length);
  if (index == embeddedCount() || compareStart(index, path, length) != 0) return -ENOENT;
  return embeddedFile(index).pathLength == length ? <i32>index : -ENOENT;
}

/** True when file `index` lies somewhere below the directory `path`. */
function isBelow(index: u32, path: usize, length: u32): bool {
  const file = embeddedFile(index);
  if (file.pathLength <= length || load<u8>(file.path() + length) != SLASH) return false;
  return compareStart(index, path, length) == 0;
}

/** The index of the first file below the directory at canonical `path`, or -ENOENT. The root is there even if empty. */
export function embeddedDirectory(path: usize, length: u32): i32 {
  if (length == 0) return 0;
  const count = embeddedCount();
  // Between "/a" and "/a/b" there may be "/a-c": skip by searching for "/a/" one byte at a time past the slash.
  let low = lowerBound(path, length);
  let high = count;
  while (low < high) {
    const middle = (low + high) >> 1;
    const file = embeddedFile(middle);
    const order = compareStart(middle, path, length);
    const before = order < 0 || (order == 0 && (file.pathLength == length || load<u8>(file.path() + length) < SLASH));
    if (before) low = middle + 1;
    else high = middle;
  }
  return low < count && isBelow(low, path, length) ? <i32>low : -ENOENT;
}

/** Bytes of an EmbeddedChild. */
export const EMBEDDED_CHILD_SIZE: i32 = 20;

/** One name in a directory. */
@unmanaged
@final
export class EmbeddedChild {
  name: usize;
  nameLength: u32;
  /** The first file of the name: the file itself, or the first one below the subdirectory. */
  index: u32;
  isDirectory: bool;
  /** Where the next name begins: the `from` of the next call. */
  next: u32;
}

/** Fills `child` with the name at file `from` of the directory `path`; false when the directory ends before it. */
export function embeddedChild(path: usize, length: u32, from: u32, child: EmbeddedChild): bool {
  const count = embeddedCount();
  if (from >= count || !isBelow(from, path, length)) return false;
  const file = embeddedFile(from);
  const start = length + 1;
  let end = start;
  while (end < file.pathLength && load<u8>(file.path() + end) != SLASH) end++;
  child.name = file.path() + start;
  child.nameLength = end - start;
  child.index = from;
  child.isDirectory = end < file.pathLength;
  child.next = child.isDirectory ? subtreeEnd(from, file.path(), end) : from + 1;
  return true;
}

/** One past the last file below the directory `path`, of which file `first` is one. */
function subtreeEnd(first: u32, path: usize, length: u32): u32 {
  let low = first + 1;
  let high = embeddedCount();
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBelow(middle, path, length)) low = middle + 1;
    else high = middle;
  }
  return low;
}
