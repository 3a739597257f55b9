// Directories: files of entries, each a name, its inode's number and type, and the way to the next entry in the same block. A name is looked for from
// the beginning. The hash tree that Linux may have made beside hides in entries without a name; a change here ends it (FLAG_INDEX), and the
// directory goes on without.
// Invariant of a block that is right: entries fill it exactly, each long enough for its name.
import { EINVAL, EIO } from "../../../kernel/errno";
import { bytesEqual } from "../../../kernel/text";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFREG, S_IFSOCK } from "../../posix/constants";
import { blockMap, blockMapMake } from "./block_map";
import { Buffer, NO_BUFFER } from "./buffers";
import { cacheFresh, cacheKeep, cachePeek } from "./cache";
import { NO_INODE, inodeAt, inodeChange, inodeSetSize, inodeSize, inodeTouch } from "./inode";
import { journalChange } from "./journal";
import { DirectoryEntry, ENTRY_HEADER, FLAG_INDEX } from "./layout";
import { Volume } from "./volume";

const DOT: u8 = 0x2e;
const SLASH: u8 = 0x2f;
const DOTS: u16 = 0x2e2e;

export const NO_ENTRY: DirectoryEntry = changetype<DirectoryEntry>(0);

// Where directoryFind() has found a name.
let foundBuffer: Buffer = NO_BUFFER;
let foundEntry: usize = 0;
let foundBefore: usize = 0;

/** What an entry says of the type S_IF…. */
export function entryType(type: u32): u8 {
  switch (type) {
    case S_IFREG:
      return 1;
    case S_IFDIR:
      return 2;
    case S_IFCHR:
      return 3;
    case S_IFBLK:
      return 4;
    case S_IFIFO:
      return 5;
    case S_IFSOCK:
      return 6;
    case S_IFLNK:
      return 7;
    default:
      return 0;
  }
}

/** Where the bytes of an entry's name are. */
export function entryName(entry: DirectoryEntry): usize {
  return changetype<usize>(entry) + ENTRY_HEADER;
}

/** Bytes of an entry with a name of `length`. */
function entrySize(length: u32): u32 {
  return (ENTRY_HEADER + length + 3) & ~3;
}

/** Bytes from `at` to the next entry in a block that ends at `end`; 0 when the entry is not right. */
function entryStep(at: usize, end: usize): u32 {
  if (end - at < ENTRY_HEADER) return 0;
  const entry = changetype<DirectoryEntry>(at);
  const length = <u32>entry.length;
  const isRight = (length & 3) == 0 && length >= entrySize(entry.nameLength) && length <= <u32>(end - at);
  return isRight ? length : 0;
}

/** Whether the name is "." or "..". */
function isDots(entry: DirectoryEntry): bool {
  const name = entryName(entry);
  if (entry.nameLength == 1) return load<u8>(name) == DOT;
  return entry.nameLength == 2 && load<u16>(name) == DOTS;
}

/** Blocks of a directory; -EIO. */
function blockCount(volume: Volume, directory: u32): i64 {
  const inode = inodeAt(volume, directory);
  return inode == NO_INODE ? -EIO : <i64>(inodeSize(inode) >> volume.blockShift);
}

/** Block `logical` of a directory, as cachePeek() has it; NO_BUFFER when it cannot be read. */
function peek(volume: Volume, directory: u32, logical: u64): Buffer {
  const block = blockMap(volume, directory, logical);
  return block <= 0 ? NO_BUFFER : cachePeek(volume, <u32>block);
}

/** The inode that `directory` has under a name: 0 for none, -EIO. */
export function directoryFind(volume: Volume, directory: u32, name: usize, length: u32): i64 {
  const count = blockCount(volume, directory);
  if (count < 0) return count;
  for (let logical: i64 = 0; logical < count; logical++) {
    const buffer = peek(volume, directory, logical);
    if (buffer == NO_BUFFER) return -EIO;
    const end = buffer.address + volume.blockSize;
    let before: usize = 0;
    for (let at = buffer.address; at < end;) {
      const step = entryStep(at, end);
      if (step == 0) return -EIO;
      const entry = changetype<DirectoryEntry>(at);
      if (entry.inode != 0 && entry.nameLength == length && bytesEqual(entryName(entry), name, length)) {
        cacheKeep(volume, buffer);
        foundBuffer = buffer;
        foundEntry = at;
        foundBefore = before;
        return entry.inode;
      }
      before = at;
      at += step;
    }
  }
  return 0;
}

/** Whether a name is one: no slash, no zero byte. The app may change it while a call waits. */
export function nameIsGood(name: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(name + i);
    if (byte == 0 || byte == SLASH) return false;
  }
  return length != 0;
}

function write(at: usize, length: u32, inode: u32, type: u32, name: usize, nameLength: u32): void {
  const entry = changetype<DirectoryEntry>(at);
  entry.inode = inode;
  entry.length = <u16>length;
  entry.nameLength = <u8>nameLength;
  entry.type = entryType(type);
  memory.copy(entryName(entry), name, nameLength);
}

/** Where in `buffer` an entry of `size` bytes fits, behind what is in use; 0 for nowhere, and then `isBroken` says whether it is right. */
let isBroken = false;
function roomIn(volume: Volume, buffer: Buffer, size: u32): usize {
  const end = buffer.address + volume.blockSize;
  isBroken = false;
  for (let at = buffer.address; at < end;) {
    const step = entryStep(at, end);
    isBroken = step == 0;
    if (isBroken) return 0;
    const entry = changetype<DirectoryEntry>(at);
    const used = entry.inode == 0 ? 0 : entrySize(entry.nameLength);
    if (step - used >= size) return at;
    at += step;
  }
  return 0;
}

/** A block more for a directory, with one entry that has no name: its buffer, or NO_BUFFER with `failure`. */
let failure: i32 = 0;
function extend(volume: Volume, directory: u32, logical: i64): Buffer {
  const block = blockMapMake(volume, directory, <u64>logical);
  failure = <i32>min<i64>(block, 0);
  if (block < 0) return NO_BUFFER;
  const buffer = cacheFresh(volume, <u32>block);
  const inode = inodeChange(volume, directory);
  failure = -EIO;
  if (buffer == NO_BUFFER || inode == NO_INODE) return NO_BUFFER;
  journalChange(volume, buffer);
  changetype<DirectoryEntry>(buffer.address).length = <u16>volume.blockSize;
  inodeSetSize(volume, inode, (<u64>(logical + 1)) << volume.blockShift);
  return buffer;
}

/** Adds a name, which is not there: 0, or -EINVAL, -ENOSPC, -EIO with nothing changed that matters. */
export function directoryAdd(volume: Volume, directory: u32, name: usize, length: u32, inode: u32, type: u32): i32 {
  const count = blockCount(volume, directory);
  if (count < 0) return <i32>count;
  const size = entrySize(length);
  let buffer = NO_BUFFER;
  let at: usize = 0;
  for (let logical: i64 = 0; logical < count && at == 0; logical++) {
    buffer = peek(volume, directory, logical);
    if (buffer == NO_BUFFER) return -EIO;
    at = roomIn(volume, buffer, size);
    if (isBroken) return -EIO;
  }
  if (at == 0) {
    buffer = extend(volume, directory, count);
    if (buffer == NO_BUFFER) return failure;
    at = buffer.address;
  }
  cacheKeep(volume, buffer);
  if (!nameIsGood(name, length)) return -EINVAL;
  const own = inodeChange(volume, directory);
  if (own == NO_INODE) return -EIO;
  own.flags &= ~FLAG_INDEX;
  inodeTouch(volume, own);
  journalChange(volume, buffer);
  const entry = changetype<DirectoryEntry>(at);
  const whole = <u32>entry.length;
  const used = entry.inode == 0 ? 0 : entrySize(entry.nameLength);
  if (used != 0) entry.length = <u16>used;
  write(at + used, whole - used, inode, type, name, length);
  return 0;
}

/** Begins to change the directory that directoryFind() has just found a name in: false when its inode cannot be read. */
function changeFound(volume: Volume, directory: u32): bool {
  const own = inodeChange(volume, directory);
  if (own == NO_INODE) return false;
  own.flags &= ~FLAG_INDEX;
  inodeTouch(volume, own);
  journalChange(volume, foundBuffer);
  return true;
}

/** Takes away the name that directoryFind() has just found: 0 or -EIO. */
export function directoryRemoveFound(volume: Volume, directory: u32): i32 {
  if (!changeFound(volume, directory)) return -EIO;
  const entry = changetype<DirectoryEntry>(foundEntry);
  entry.inode = 0;
  if (foundBefore != 0) changetype<DirectoryEntry>(foundBefore).length += entry.length;
  return 0;
}

/** Has the name that directoryFind() has just found name another inode: 0 or -EIO. */
export function directoryReplaceFound(volume: Volume, directory: u32, inode: u32, type: u32): i32 {
  if (!changeFound(volume, directory)) return -EIO;
  const entry = changetype<DirectoryEntry>(foundEntry);
  entry.inode = inode;
  entry.type = entryType(type);
  return 0;
}

const dots = memory.data(4, 4);

/** Writes the first block of directory `number`, which is new and has `buffer` for it: "." and "..". */
export function directoryBegin(volume: Volume, buffer: Buffer, number: u32, parent: u32): void {
  store<u16>(dots, DOTS);
  const first = entrySize(1);
  write(buffer.address, first, number, S_IFDIR, dots, 1);
  write(buffer.address + first, volume.blockSize - first, parent, S_IFDIR, dots, 2);
}

/** Finds "..", in the first block: the directory above, or -EIO. */
export function directoryParent(volume: Volume, directory: u32): i64 {
  store<u16>(dots, DOTS);
  const parent = directoryFind(volume, directory, dots, 2);
  return parent == 0 ? -EIO : parent;
}

/** Has ".." be `parent`: 0 or -EIO. */
export function directorySetParent(volume: Volume, directory: u32, parent: u32): i32 {
  const before = directoryParent(volume, directory);
  if (before < 0) return <i32>before;
  journalChange(volume, foundBuffer);
  changetype<DirectoryEntry>(foundEntry).inode = parent;
  return 0;
}

/** Where directoryNext() has come to: the position behind what it has found. */
let nextPosition: u64 = 0;
export function directoryPosition(): u64 {
  return nextPosition;
}

/**
 * The first entry with a name at or behind byte `position` of a directory, "." and ".." left out; NO_ENTRY at the end, or with -EIO in
 * directoryFailure(). Good until the cache is asked for something. Positions outlast changes: each block is gone through from its beginning.
 */
export function directoryNext(volume: Volume, directory: u32, position: u64): DirectoryEntry {
  const count = blockCount(volume, directory);
  failure = <i32>min<i64>(count, 0);
  for (let logical = <i64>(position >> volume.blockShift); logical < count; logical++) {
    const buffer = peek(volume, directory, logical);
    const start = (<u64>logical) << volume.blockShift;
    const end: usize = buffer == NO_BUFFER ? 0 : buffer.address + volume.blockSize;
    failure = -EIO;
    if (end == 0) return NO_ENTRY;
    for (let at = buffer.address; at < end;) {
      const step = entryStep(at, end);
      if (step == 0) return NO_ENTRY;
      const entry = changetype<DirectoryEntry>(at);
      const offset = start + (at - buffer.address);
      if (offset >= position && entry.inode != 0 && !isDots(entry)) {
        nextPosition = offset + step;
        return entry;
      }
      at += step;
    }
    failure = 0;
  }
  return NO_ENTRY;
}

/** Why directoryNext() has found nothing: 0 at the end, -EIO. */
export function directoryFailure(): i32 {
  return failure;
}

/** Whether a directory has no names but "." and "..": 1 or 0, -EIO. */
export function directoryIsEmpty(volume: Volume, directory: u32): i32 {
  const entry = directoryNext(volume, directory, 0);
  return entry != NO_ENTRY ? 0 : failure != 0 ? failure : 1;
}
