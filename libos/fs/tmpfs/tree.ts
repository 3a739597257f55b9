// What a tmpfs does with names and inodes, as libos/optional/with_tmpfs.ts declares it. What POSIX asks of paths – that a directory is one,
// that a name is free, that nothing is moved into itself – has been looked at by who calls (libos/posix/paths.ts). Directories and
// inodes are handed over as addresses. After fork() parent and child have a copy each, as of all memory.
import { EINVAL, ENOENT } from "../../../kernel/errno";
import { wallClockNow } from "../../../kernel/time/clock";
import { S_IFDIR, S_IFLNK, S_IFMT, S_ISGID } from "../../posix/constants";
import { FileStatus } from "../../posix/layout";
import { ListedName } from "../listing";
import { Mount } from "../mounts";
import { tmpfsModified, tmpfsResize } from "./file";
import { Entry, Inode, NO_ENTRY } from "./inode";
import { tmpfsAlloc, tmpfsFree } from "./memory";
import { nameAdd, nameAfter, nameFind, nameForget, nameRemove, nameReserve } from "./names";

/** Bytes that an empty directory, and each name in one, counts as size, as on Linux. */
const EMPTY_SIZE: u64 = 40;
const NAME_SIZE: u64 = 20;
const NANOSECONDS: u64 = 1_000_000_000;
const INODE_SIZE: u32 = <u32>offsetof<Inode>();

function isDirectory(inode: Inode): bool {
  return (inode.mode & S_IFMT) == S_IFDIR;
}

/** An inode without a name: its address, -ENOSPC, -ENOMEM. */
function inodeMake(mount: Mount, mode: u32): i32 {
  const block = tmpfsAlloc(mount, INODE_SIZE, false);
  if (block < 0) return block;
  const inode = changetype<Inode>(<usize>block);
  inode.mode = mode;
  inode.mount = changetype<usize>(mount);
  inode.number = ++mount.lastNumber;
  inode.modified = wallClockNow();
  inode.accessed = inode.modified;
  inode.changed = inode.modified;
  if (isDirectory(inode)) {
    inode.links = 2;
    inode.size = EMPTY_SIZE;
  }
  mount.files += 1;
  return block;
}

/** Frees an inode that has neither names nor holders, and what it holds itself. */
function inodeFree(start: Inode): void {
  let inode = start;
  while (inode.links == 0 && inode.references == 0) {
    const mount = changetype<Mount>(inode.mount);
    const parent = inode.parent;
    if ((inode.mode & S_IFMT) == S_IFLNK) tmpfsFree(mount, inode.tree, <u32>inode.size);
    else if (!isDirectory(inode)) tmpfsResize(inode, 0);
    tmpfsFree(mount, changetype<usize>(inode), INODE_SIZE);
    mount.files -= 1;
    if (parent == 0) return;
    inode = changetype<Inode>(parent);
    inode.references -= 1;
  }
}

/** Makes the uppermost directory of `mount`: its address, or -errno. */
export function tmpfsRoot(mount: Mount): i32 {
  return inodeMake(mount, S_IFDIR | 0x3ff); // rwxrwxrwt
}

/** The inode that `directory` has under the name; 0 for none. */
export function tmpfsLookup(directory: Inode, name: usize, length: u32): usize {
  const entry = nameFind(directory, name, length);
  return entry == NO_ENTRY ? 0 : entry.inode;
}

function nameIsGood(name: usize, length: u32): bool {
  for (let i: u32 = 0; i < length; i++) if (load<u8>(name + i) == 0) return false;
  return true;
}

/** Puts `parent` in place of what directory `inode` was made in. */
function adopt(inode: Inode, parent: Inode): void {
  inode.parent = changetype<usize>(parent);
  parent.references += 1;
  parent.links += 1;
}

/** Names `inode` so in `directory` with the memory at `entry`. */
function enter(directory: Inode, entry: usize, name: usize, length: u32, inode: Inode): void {
  nameAdd(directory, changetype<Entry>(entry), name, length, inode);
  directory.size += NAME_SIZE;
  tmpfsModified(directory);
}

/** Takes the name away: the inode has a link less. */
function leave(entry: Entry): void {
  const directory = changetype<Inode>(entry.directory);
  const mount = changetype<Mount>(directory.mount);
  nameRemove(mount, entry);
  directory.size -= NAME_SIZE;
  tmpfsModified(directory);
}

/**
 * Makes what `mode` (S_IF… and permissions) says, under a name that is free; `text` is that of a symbolic link. The inode's address, or
 * -ENOENT (the directory has been removed), -EINVAL (a zero byte in the name), -ENOSPC, -ENOMEM.
 */
export function tmpfsMake(directory: Inode, name: usize, length: u32, mode: u32, text: usize, textLength: u32): i32 {
  if (directory.links == 0) return -ENOENT;
  if (!nameIsGood(name, length)) return -EINVAL;
  const mount = changetype<Mount>(directory.mount);
  const inherits = (directory.mode & S_ISGID) != 0 && (mode & S_IFMT) == S_IFDIR;
  const entry = nameReserve(mount, length, false);
  if (entry < 0) return entry;
  const made = inodeMake(mount, inherits ? mode | S_ISGID : mode);
  const copy = made < 0 || textLength == 0 ? 0 : tmpfsAlloc(mount, textLength, false);
  if (made < 0 || copy < 0) {
    nameForget(mount, <usize>entry, length);
    if (made >= 0) tmpfsInodeUnmake(changetype<Inode>(<usize>made));
    return made < 0 ? made : copy;
  }
  const inode = changetype<Inode>(<usize>made);
  if (copy != 0) {
    memory.copy(<usize>copy, text, textLength);
    inode.tree = <usize>copy;
    inode.size = textLength;
  }
  if (isDirectory(inode)) adopt(inode, directory);
  else inode.links = 1;
  enter(directory, <usize>entry, name, length, inode);
  return made;
}

/** Makes a file without a name and with one holder; `linkable`: tmpfsLink() may give it one. Its address, -ENOSPC, -ENOMEM. */
export function tmpfsMakeUnnamed(mount: Mount, mode: u32, linkable: bool): i32 {
  const made = inodeMake(mount, mode);
  if (made < 0) return made;
  const inode = changetype<Inode>(<usize>made);
  inode.references = 1;
  inode.linkable = linkable;
  return made;
}

/** Takes an inode back that never got a name or contents. */
function tmpfsInodeUnmake(inode: Inode): void {
  const mount = changetype<Mount>(inode.mount);
  mount.files -= 1;
  tmpfsFree(mount, changetype<usize>(inode), INODE_SIZE);
}

/** Gives `inode`, which is no directory, one more name, which is free: 0, -ENOENT, -EINVAL, -ENOSPC, -ENOMEM. */
export function tmpfsLink(directory: Inode, name: usize, length: u32, inode: Inode): i32 {
  if (directory.links == 0 || (inode.links == 0 && !inode.linkable)) return -ENOENT;
  if (!nameIsGood(name, length)) return -EINVAL;
  const entry = nameReserve(changetype<Mount>(directory.mount), length, false);
  if (entry < 0) return entry;
  inode.links += 1;
  inode.linkable = false;
  inode.changed = wallClockNow();
  enter(directory, <usize>entry, name, length, inode);
  return 0;
}

/** Takes a name away that is there; of a directory, which is empty, the directory with it. */
export function tmpfsRemove(directory: Inode, name: usize, length: u32): void {
  const entry = nameFind(directory, name, length);
  const inode = changetype<Inode>(entry.inode);
  leave(entry);
  inode.changed = directory.changed;
  if (isDirectory(inode)) {
    inode.links = 0;
    directory.links -= 1;
  } else inode.links -= 1;
  inodeFree(inode);
}

/** Whether directory `inode` has no names. */
export function tmpfsIsEmpty(inode: Inode): bool {
  return inode.first == 0;
}

/**
 * Gives `inode`, named `from` in `oldDirectory`, the name `to` in `directory` instead. What that named, if anything, is gone: an empty
 * directory when it is one itself. 0, -ENOENT, -EINVAL, -ENOMEM.
 */
export function tmpfsRename(
  oldDirectory: Inode,
  from: usize,
  fromLength: u32,
  directory: Inode,
  to: usize,
  toLength: u32,
): i32 {
  if (directory.links == 0) return -ENOENT;
  if (!nameIsGood(to, toLength)) return -EINVAL;
  const entry = nameReserve(changetype<Mount>(directory.mount), toLength, true);
  if (entry < 0) return entry;
  if (nameFind(directory, to, toLength) != NO_ENTRY) tmpfsRemove(directory, to, toLength);
  const old = nameFind(oldDirectory, from, fromLength);
  const inode = changetype<Inode>(old.inode);
  leave(old);
  enter(directory, <usize>entry, to, toLength, inode);
  inode.changed = directory.changed;
  if (isDirectory(inode) && oldDirectory != directory) {
    oldDirectory.links -= 1;
    oldDirectory.references -= 1;
    adopt(inode, directory);
  }
  return 0;
}

/** A holder less. */
export function tmpfsRelease(inode: Inode): void {
  inode.references -= 1;
  inodeFree(inode);
}

/** Fills `status`, which is zero. */
export function tmpfsStatus(inode: Inode, status: FileStatus): void {
  status.mode = inode.mode;
  status.links = inode.links;
  status.user = inode.user;
  status.group = inode.group;
  status.inode = inode.number;
  status.size = <i64>inode.size;
  status.blocks = <i64>(inode.dataPages << 3);
  status.accessSeconds = <i64>(inode.accessed / NANOSECONDS);
  status.accessNanoseconds = <i64>(inode.accessed % NANOSECONDS);
  status.modifiedSeconds = <i64>(inode.modified / NANOSECONDS);
  status.modifiedNanoseconds = <i64>(inode.modified % NANOSECONDS);
  status.changeSeconds = <i64>(inode.changed / NANOSECONDS);
  status.changeNanoseconds = <i64>(inode.changed % NANOSECONDS);
}

/** Fills `listed` with the first name behind the position that it has in `next`; false at the end. */
export function tmpfsList(directory: Inode, listed: ListedName): bool {
  const entry = nameAfter(directory, listed.next);
  if (entry == NO_ENTRY) return false;
  const inode = changetype<Inode>(entry.inode);
  listed.name = entry.name();
  listed.length = entry.length;
  listed.type = inode.mode & S_IFMT;
  listed.node = inode.number;
  listed.next = entry.sequence;
  return true;
}
