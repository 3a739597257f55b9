// The mount table: which file system is at which path. Mounts are made when the first path is walked and stay until the end. Each
// covers a directory of another one – of the image's own tree, where that directory need not be there for it, or of a tmpfs.
// A place in the tree is a mount and a node in it, a number that its kind of file system gives meaning to (node.ts).
// Invariants: mount 0 is the root; the table only grows; a mount's path is canonical: absolute, no empty component, no dots.
import { EBUSY, EINVAL, ENAMETOOLONG, ENOSPC } from "../../kernel/errno";
import { bytesEqual } from "../../kernel/text";
import { NAME_MAX } from "../posix/constants";

/** What is embedded in the image, and the directories that others are mounted on (root.ts). */
export const FS_ROOT: u32 = 0;
/** The devices (devices.ts). */
export const FS_DEVICES: u32 = 1;
/** Files in memory (tmpfs/). */
export const FS_TMPFS: u32 = 2;
/** What is known of process and system (proc/). */
export const FS_PROC: u32 = 3;
/** Files on a block device (ext2/). */
export const FS_DISK: u32 = 4;

/** A file system at its place. */
@unmanaged
@final
export class Mount {
  /** FS_… */
  kind: u32;
  /** The path, of the root "". */
  path: usize;
  pathLength: u32;
  /** Its number, counted from 0: the device of its files. */
  index: u32;
  /** The mount whose directory `coveredNode` it covers; of the root none. */
  covered: usize;
  /** Files that a tmpfs has. */
  files: u32;
  coveredNode: u64;
  /** The node of its own uppermost directory. */
  root: u64;
  /** Of a tmpfs: bytes that it may take and does take, names and indices included. */
  capacity: u64;
  used: u64;
  /** Of a tmpfs: the number of the file that was made last. */
  lastNumber: u64;
  /** Of a disk: its Volume. */
  volume: usize;
}

const MOUNT_SIZE: usize = 72;
const MOUNTS: u32 = 16;
const SLASH: u8 = 0x2f;
const DOT: u8 = 0x2e;

/** No mount. */
export const NO_MOUNT: Mount = changetype<Mount>(0);

const table = memory.data(1152, 8); // MOUNTS of them
let count: u32 = 0;

/** How many there are. */
export function mountCount(): u32 {
  return count;
}

/** Mount `index` < mountCount(). */
export function mountAt(index: u32): Mount {
  return changetype<Mount>(table + <usize>index * MOUNT_SIZE);
}

/** What is mounted on directory `node` of `mount`; NO_MOUNT for nothing. */
export function mountOn(mount: Mount, node: u64): Mount {
  for (let i: u32 = 1; i < count; i++) {
    const other = mountAt(i);
    if (other.coveredNode == node && other.covered == changetype<usize>(mount)) return other;
  }
  return NO_MOUNT;
}

/** 0 when the `length` bytes at `path` are canonical and their components not too long. */
function checkPath(path: usize, length: u32): i32 {
  let start: u32 = 0;
  while (start < length) {
    if (load<u8>(path + start) != SLASH) return -EINVAL;
    let end = ++start;
    while (end < length && load<u8>(path + end) != SLASH) end++;
    const size = end - start;
    if (size > NAME_MAX) return -ENAMETOOLONG;
    const dots = load<u8>(path + start) == DOT && (size == 1 || (size == 2 && load<u8>(path + start + 1) == DOT));
    if (size == 0 || dots) return -EINVAL;
    start = end;
  }
  return 0;
}

/**
 * A new row of the table for a file system at `path`, which must stay where it is. What it covers is for mountCover() to say.
 * Returns the index, or -EINVAL (the path is not canonical), -ENAMETOOLONG, -EBUSY (there is something), -ENOSPC.
 */
export function mountAdd(kind: u32, path: usize, length: u32): i32 {
  const error = checkPath(path, length);
  if (error != 0) return error;
  if (count == MOUNTS) return -ENOSPC;
  for (let i: u32 = 0; i < count; i++) {
    const other = mountAt(i);
    if (other.pathLength == length && bytesEqual(other.path, path, length)) return -EBUSY;
  }
  const mount = mountAt(count);
  memory.fill(changetype<usize>(mount), 0, MOUNT_SIZE);
  mount.kind = kind;
  mount.path = path;
  mount.pathLength = length;
  mount.index = count;
  count += 1;
  return mount.index;
}

/** Takes the last row away again: what it was for could not be made. */
export function mountForget(): void {
  count -= 1;
}

/** Puts `mount` over directory `node` of `covered`. */
export function mountCover(mount: Mount, covered: Mount, node: u64): void {
  mount.covered = changetype<usize>(covered);
  mount.coveredNode = node;
}
