// The root file system: what is embedded in the image (embedded.ts), and the directories on the way to other mounts, which need not
// be embedded. Read-only. A node is a path; nodes of files are 1 + their index, those of directories have 1 + the length of the
// path above: (length + 1) << 32 | 1 + the index of the first file below. A directory that is only on the way to a mount has
// ON_THE_WAY | the first such mount's index below instead.
import { bytesEqual } from "../../kernel/text";
import { PATH_MAX, S_IFDIR, S_IFREG } from "../posix/constants";
import { FileStatus } from "../posix/layout";
import {
  EMBEDDED_CHILD_SIZE,
  EmbeddedChild,
  embeddedChild,
  embeddedDirectory,
  embeddedFile,
  embeddedFind,
} from "./embedded";
import { ListedName } from "./listing";
import { Mount, mountAt, mountCount } from "./mounts";

const ON_THE_WAY: u32 = 0x8000_0000;
const SLASH: u8 = 0x2f;
const NANOSECONDS: u64 = 1_000_000_000;
const PERMISSIONS_DIRECTORY: u32 = 0x16d; // r-xr-xr-x

/** The directory "/" itself, where at least it is. */
export const ROOT_NODE: u64 = 0x1_0000_0001;

const scratch = memory.data(4096, 8); // PATH_MAX bytes
const child = changetype<EmbeddedChild>(memory.data(EMBEDDED_CHILD_SIZE, 4));

function directoryNode(length: u32, low: u32): u64 {
  return ((<u64>length + 1) << 32) | low;
}

/** Whether `mount`'s path goes through the directory of `length` bytes at `path`, or ends there. */
function passes(mount: Mount, path: usize, length: u32): bool {
  if (mount.pathLength < length || !bytesEqual(mount.path, path, length)) return false;
  return mount.pathLength == length || load<u8>(mount.path + length) == SLASH;
}

/** The node at canonical `path`; 0 when there is none. */
function find(path: usize, length: u32): u64 {
  const file = embeddedFind(path, length);
  if (file >= 0) return <u64>file + 1;
  const directory = embeddedDirectory(path, length);
  if (directory >= 0) return directoryNode(length, <u32>directory + 1);
  for (let i: u32 = 1; i < mountCount(); i++) {
    if (passes(mountAt(i), path, length)) return directoryNode(length, ON_THE_WAY | i);
  }
  return 0;
}

/** Whether `node` is a directory. */
export function rootIsDirectory(node: u64): bool {
  return node >> 32 != 0;
}

/** The index of the file that `node` is. */
export function rootFileIndex(node: u64): u32 {
  return <u32>node - 1;
}

/** Bytes of the path of directory `node`, which is at rootPath(). */
export function rootPathLength(node: u64): u32 {
  return <u32>(node >> 32) - 1;
}

/** Where the path of directory `node` is. */
export function rootPath(node: u64): usize {
  const low = <u32>node;
  if (rootPathLength(node) == 0) return 0;
  return (low & ON_THE_WAY) != 0 ? mountAt(low & ~ON_THE_WAY).path : embeddedFile(low - 1).path();
}

/** The node of name `name` in `directory`; 0 when there is none. */
export function rootLookup(directory: u64, name: usize, length: u32): u64 {
  const before = rootPathLength(directory);
  if (before + 1 + length > PATH_MAX) return 0;
  memory.copy(scratch, rootPath(directory), before);
  store<u8>(scratch + before, SLASH);
  memory.copy(scratch + before + 1, name, length);
  return find(scratch, before + 1 + length);
}

/** The directory above `directory`; of the root itself. */
export function rootParent(directory: u64): u64 {
  const path = rootPath(directory);
  let length = rootPathLength(directory);
  while (length != 0 && load<u8>(path + --length) != SLASH);
  return find(path, length);
}

/** Fills what there is to tell of `node` in `status`, which is zero. */
export function rootStatus(node: u64, status: FileStatus): void {
  status.inode = node;
  if (rootIsDirectory(node)) {
    status.mode = S_IFDIR | PERMISSIONS_DIRECTORY;
    status.links = 2;
    return;
  }
  const file = embeddedFile(rootFileIndex(node));
  status.mode = file.mode;
  status.links = 1;
  status.size = <i64>file.dataLength;
  status.blocks = <i64>((file.dataLength + 511) >> 9);
  status.modifiedSeconds = <i64>(file.modified / NANOSECONDS);
  status.modifiedNanoseconds = <i64>(file.modified % NANOSECONDS);
  status.accessSeconds = status.modifiedSeconds;
  status.accessNanoseconds = status.modifiedNanoseconds;
  status.changeSeconds = status.modifiedSeconds;
  status.changeNanoseconds = status.modifiedNanoseconds;
  status.hashLow = file.hashLow;
  status.hashHigh = file.hashHigh;
}

/** The component of `mount`'s path behind the directory of `length` bytes: puts it into `listed`. */
function nameOnTheWay(mount: Mount, length: u32, listed: ListedName): void {
  const start = length + 1;
  let end = start;
  while (end < mount.pathLength && load<u8>(mount.path + end) != SLASH) end++;
  listed.name = mount.path + start;
  listed.length = end - start;
}

/**
 * Fills `listed` with the name of `directory` at `position`, which counts the embedded files and then, with ON_THE_WAY, the
 * mounts; false at the end.
 */
export function rootList(directory: u64, position: u64, listed: ListedName): bool {
  const path = rootPath(directory);
  const length = rootPathLength(directory);
  const low = <u32>directory;
  let mount = (<u32>position) & ~ON_THE_WAY;
  if (((<u32>position) & ON_THE_WAY) == 0) {
    const from = position != 0 ? <u32>position : (low & ON_THE_WAY) != 0 ? u32.MAX_VALUE : low - 1;
    if (embeddedChild(path, length, from, child)) {
      listed.name = child.name;
      listed.length = child.nameLength;
      listed.type = child.isDirectory ? S_IFDIR : S_IFREG;
      listed.node = child.isDirectory
        ? directoryNode(length + 1 + child.nameLength, child.index + 1)
        : <u64>child.index + 1;
      listed.next = child.next;
      return true;
    }
    mount = 1;
  }
  for (; mount < mountCount(); mount++) {
    const row = mountAt(mount);
    if (row.pathLength <= length || !passes(row, path, length)) continue;
    nameOnTheWay(row, length, listed);
    // Listed by the first mount that it leads to, and only where it is not embedded: then its node says so.
    listed.node = directoryNode(length + 1 + listed.length, ON_THE_WAY | mount);
    if (rootLookup(directory, listed.name, listed.length) != listed.node) continue;
    listed.type = S_IFDIR;
    listed.next = ON_THE_WAY | (mount + 1);
    return true;
  }
  return false;
}
