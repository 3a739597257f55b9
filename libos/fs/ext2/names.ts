// What changes names: making, linking, removing, renaming. Each is one transaction, so after a crash it has happened or not. What POSIX asks of
// paths has been looked at by who calls (libos/posix/paths.ts).
import { EINVAL, EIO, EMLINK, ENAMETOOLONG, ENOENT, EPERM } from "../../../kernel/errno";
import { wallClockNow } from "../../../kernel/time/clock";
import { S_IFDIR, S_IFLNK, S_IFMT, S_ISGID } from "../../posix/constants";
import { blockFree, inodeGive, inodeTake } from "./bitmaps";
import { blockMapMake } from "./block_map";
import { NO_BUFFER } from "./buffers";
import { cacheFresh } from "./cache";
import {
  directoryAdd,
  directoryBegin,
  directoryFind,
  directoryRemoveFound,
  directoryReplaceFound,
  directorySetParent,
  nameIsGood,
} from "./directory";
import { hold, holdParent, isHeld, isLinkable, linkableSet } from "./holders";
import {
  NO_INODE,
  inodeAt,
  inodeChange,
  inodeIsDirectory,
  inodeReset,
  inodeSetChanged,
  inodeSetSize,
  inodeType,
} from "./inode";
import { journalAbort, journalBegin, journalChange, journalData } from "./journal";
import { FAST_LINK_SIZE, LINKS_MAXIMUM } from "./layout";
import { orphanAdd, orphanDelete, orphanRemove } from "./orphans";
import { Volume } from "./volume";

/** Why a name cannot be made in `directory`; 0 when it can. */
function checkDirectory(volume: Volume, directory: u32, name: usize, length: u32): i32 {
  const inode = inodeAt(volume, directory);
  if (inode == NO_INODE) return -EIO;
  if (inode.links == 0) return -ENOENT;
  return nameIsGood(name, length) ? 0 : -EINVAL;
}

/** A change that is half made cannot be taken back: the volume stays as it was committed last. */
function failed(volume: Volume): i32 {
  journalAbort(volume);
  return -EIO;
}

/** Gives the new inode `number` its contents, of a directory in `parent` or a link with `text`: 0, -ENOSPC, -EIO. */
function fill(volume: Volume, number: u32, parent: u32, text: usize, length: u32): i32 {
  const inode = inodeChange(volume, number);
  if (inode == NO_INODE) return -EIO;
  const isDirectory = inodeIsDirectory(inode);
  if (!isDirectory && length == 0) return 0;
  if (!isDirectory) inodeSetSize(volume, inode, length);
  if (!isDirectory && length < FAST_LINK_SIZE) {
    memory.copy(inode.at(0), text, length);
    return 0;
  }
  const block = blockMapMake(volume, number, 0);
  if (block < 0) return <i32>block;
  const buffer = cacheFresh(volume, <u32>block);
  const own = inodeChange(volume, number);
  if (buffer == NO_BUFFER || own == NO_INODE) return -EIO;
  if (!isDirectory) {
    memory.copy(buffer.address, text, length);
    journalData(volume, buffer);
    return 0;
  }
  journalChange(volume, buffer);
  directoryBegin(volume, buffer, number, parent);
  inodeSetSize(volume, own, volume.blockSize);
  return 0;
}

/** Takes back inode `number`, which got no name. */
function unmake(volume: Volume, number: u32): void {
  const inode = inodeChange(volume, number);
  if (inode == NO_INODE) return journalAbort(volume);
  const isDirectory = inodeIsDirectory(inode);
  const block = inode.blocks == 0 ? 0 : load<u32>(inode.at(0));
  inode.links = 0;
  inode.deleted = <u32>(wallClockNow() / 1_000_000_000);
  if (block != 0 && blockFree(volume, block, isDirectory) != 0) return;
  inodeGive(volume, number, isDirectory);
}

/** Makes what `mode` says under a name that is free: its inode's number, or -errno. `text` is that of a link. */
export function make(
  volume: Volume,
  directory: u32,
  name: usize,
  length: u32,
  mode: u32,
  text: usize,
  textLength: u32,
): i64 {
  const isDirectory = (mode & S_IFMT) == S_IFDIR;
  let error = journalBegin(volume);
  if (error == 0) error = checkDirectory(volume, directory, name, length);
  if (error != 0) return error;
  const parent = inodeAt(volume, directory);
  if (isDirectory && parent.links >= LINKS_MAXIMUM) return -EMLINK;
  if ((mode & S_IFMT) == S_IFLNK && textLength >= volume.blockSize) return -ENAMETOOLONG;
  const inherited = isDirectory ? (<u32>parent.mode) & S_ISGID : 0;
  const taken = inodeTake(volume, directory, isDirectory);
  if (taken < 0) return taken;
  const number = <u32>taken;
  const inode = inodeChange(volume, number);
  if (inode == NO_INODE) return failed(volume);
  inodeReset(volume, inode, mode | inherited);
  inode.links = isDirectory ? 2 : 1;
  error = fill(volume, number, directory, text, textLength);
  if (error == 0) error = directoryAdd(volume, directory, name, length, number, mode & S_IFMT);
  if (error != 0) {
    unmake(volume, number);
    return error;
  }
  if (!isDirectory) return number;
  const above = inodeChange(volume, directory);
  if (above == NO_INODE) return failed(volume);
  above.links += 1;
  return number;
}

/** Gives inode `number` one more name, which is free: 0 or -errno. */
export function addName(volume: Volume, directory: u32, name: usize, length: u32, number: u32): i32 {
  let error = journalBegin(volume);
  if (error == 0) error = checkDirectory(volume, directory, name, length);
  if (error != 0) return error;
  const inode = inodeAt(volume, number);
  if (inode == NO_INODE) return -EIO;
  if (inodeIsDirectory(inode)) return -EPERM;
  const isFirst = inode.links == 0;
  if (isFirst && !isLinkable(volume, number)) return -ENOENT;
  if (inode.links >= LINKS_MAXIMUM) return -EMLINK;
  const type = inodeType(inode);
  error = directoryAdd(volume, directory, name, length, number, type);
  if (error != 0) return error;
  const own = inodeChange(volume, number);
  if (own == NO_INODE) return failed(volume);
  own.links += 1;
  inodeSetChanged(volume, own, wallClockNow());
  return isFirst ? leaveOrphans(volume, number) : 0;
}

/** Inode `number`, which was made without one, has its first name: 0 or -EIO. */
function leaveOrphans(volume: Volume, number: u32): i32 {
  if (orphanRemove(volume, number) != 0) return failed(volume);
  linkableSet(volume, number, false);
  return 0;
}

/**
 * Makes a file without a name, near `directory`, that is held, and in the list of orphans as long as it has none: its inode's number, or -errno. `linkable`: addName() may
 * give it one.
 */
export function makeUnnamed(volume: Volume, directory: u32, mode: u32, linkable: bool): i64 {
  let error = journalBegin(volume);
  if (error != 0) return error;
  const parent = inodeAt(volume, directory);
  if (parent == NO_INODE) return -EIO;
  if (parent.links == 0) return -EPERM;
  const taken = inodeTake(volume, directory, false);
  if (taken < 0) return taken;
  const number = <u32>taken;
  const inode = inodeChange(volume, number);
  if (inode == NO_INODE) return failed(volume);
  inodeReset(volume, inode, mode);
  if (orphanAdd(volume, number) != 0) return failed(volume);
  error = hold(volume, number);
  if (error == 0) linkableSet(volume, number, linkable);
  else orphanDelete(volume, number);
  return error != 0 ? error : number;
}

/** Inode `number` has lost a name, in directory `parent`: 0, 1 when it was the last, -EIO. */
function unlink(volume: Volume, number: u32, parent: u32): i32 {
  const inode = inodeChange(volume, number);
  if (inode == NO_INODE) return -EIO;
  const isDirectory = inodeIsDirectory(inode);
  inode.links = isDirectory || inode.links == 0 ? 0 : inode.links - 1;
  inodeSetChanged(volume, inode, wallClockNow());
  if (inode.links != 0) return 0;
  const error = orphanAdd(volume, number);
  if (error != 0) return error;
  if (!isDirectory) return 1;
  const above = inodeChange(volume, parent);
  if (above == NO_INODE) return -EIO;
  above.links -= 1;
  if (isHeld(volume, number)) holdParent(volume, number, parent);
  return 1;
}

/** Takes a name away that is there; of an empty directory the directory with it. 0 or -errno. */
export function removeName(volume: Volume, directory: u32, name: usize, length: u32): i32 {
  const error = journalBegin(volume);
  if (error != 0) return error;
  const number = directoryFind(volume, directory, name, length);
  if (number <= 0) return -EIO;
  if (directoryRemoveFound(volume, directory) != 0) return failed(volume);
  const last = unlink(volume, <u32>number, directory);
  if (last < 0) return failed(volume);
  return last == 1 && !isHeld(volume, <u32>number) ? orphanDelete(volume, <u32>number) : 0;
}

/** Gives what is named `from` the name `to` instead, and removes what that named: 0 or -errno. */
export function rename(
  volume: Volume,
  oldDirectory: u32,
  from: usize,
  fromLength: u32,
  directory: u32,
  to: usize,
  toLength: u32,
): i32 {
  let error = journalBegin(volume);
  if (error == 0) error = checkDirectory(volume, directory, to, toLength);
  if (error != 0) return error;
  const found = directoryFind(volume, oldDirectory, from, fromLength);
  if (found <= 0) return -EIO;
  const number = <u32>found;
  const inode = inodeAt(volume, number);
  const target = inodeAt(volume, directory);
  if (inode == NO_INODE || target == NO_INODE) return -EIO;
  const isMoved = inodeIsDirectory(inode) && directory != oldDirectory;
  const type = inodeType(inode);
  const links = target.links;
  const replaced = directoryFind(volume, directory, to, toLength);
  if (replaced < 0) return -EIO;
  if (isMoved && replaced == 0 && links >= LINKS_MAXIMUM) return -EMLINK;
  if (replaced == 0) error = directoryAdd(volume, directory, to, toLength, number, type);
  else error = directoryReplaceFound(volume, directory, number, type);
  if (error != 0) return error;
  error = leave(volume, oldDirectory, from, fromLength, number);
  if (error == 0 && isMoved) error = moveDirectory(volume, number, oldDirectory, directory);
  const last = error != 0 || replaced == 0 ? 0 : unlink(volume, <u32>replaced, directory);
  if (error != 0 || last < 0) return failed(volume);
  return last == 1 && !isHeld(volume, <u32>replaced) ? orphanDelete(volume, <u32>replaced) : 0;
}

/** Takes the old name of inode `number` away: 0 or -EIO. */
function leave(volume: Volume, directory: u32, name: usize, length: u32, number: u32): i32 {
  const found = directoryFind(volume, directory, name, length);
  if (found != <i64>number || directoryRemoveFound(volume, directory) != 0) return -EIO;
  const inode = inodeChange(volume, number);
  if (inode == NO_INODE) return -EIO;
  inodeSetChanged(volume, inode, wallClockNow());
  return 0;
}

/** Directory `number` is in `directory` now: 0 or -EIO. */
function moveDirectory(volume: Volume, number: u32, oldDirectory: u32, directory: u32): i32 {
  const error = directorySetParent(volume, number, directory);
  if (error != 0) return error;
  const old = inodeChange(volume, oldDirectory);
  if (old == NO_INODE) return -EIO;
  old.links -= 1;
  const above = inodeChange(volume, directory);
  if (above == NO_INODE) return -EIO;
  above.links += 1;
  return 0;
}
