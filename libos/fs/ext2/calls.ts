// What libos/optional/with_disk.ts declares: each function takes the lock, looks whether the volume can be used, and does it. A node of a disk
// is an inode's number and type (libos/fs/disk_node.ts).
import { EIO, ENOENT } from "../../../kernel/errno";
import { blkfrontForked } from "../../blk/blkfront";
import { O_APPEND, O_DSYNC } from "../../posix/constants";
import { FileStatus, FileSystemStatus } from "../../posix/layout";
import { OpenFile, openFileHold, openFileRelease } from "../../process/open_file";
import { diskNode, diskNodeNumber } from "../disk_node";
import { ListedName } from "../listing";
import { Mount } from "../mounts";
import { blockMap } from "./block_map";
import { NO_BUFFER, cacheStep } from "./buffers";
import { cacheRead } from "./cache";
import {
  NO_ENTRY,
  directoryFailure,
  directoryFind,
  directoryIsEmpty,
  directoryNext,
  directoryParent,
  directoryPosition,
  entryName,
} from "./directory";
import { fileRead, fileResize, fileWrite, fileWritten } from "./file";
import { heldParent, hold, release } from "./holders";
import {
  NO_INODE,
  inodeAccessed,
  inodeAt,
  inodeChange,
  inodeChanged,
  inodeGroup,
  inodeModified,
  inodeSetAccessed,
  inodeSetChanged,
  inodeSetGroup,
  inodeSetModified,
  inodeSetUser,
  inodeSize,
  inodeType,
  inodeUser,
} from "./inode";
import { journalBegin, journalSync } from "./journal";
import { FAST_LINK_SIZE, Inode } from "./layout";
import { diskLock, diskUnlock, lockForked } from "./lock";
import { volumeClose } from "./open";
import { Volume } from "./volume";
import { volumeAt, volumesCount } from "./volumes";
import { wallClockNow } from "../../../kernel/time/clock";

export { diskLock, diskUnlock } from "./lock";
export { diskMount, diskStart } from "./mount";
export { diskLinkName, diskMake, diskMakeUnnamed, diskRemove, diskRename } from "./name_calls";

const NANOSECONDS: u64 = 1_000_000_000;
const PERMISSIONS: u16 = 0xfff;
const KEPT: u64 = u64.MAX_VALUE;
const OWNER_KEPT: u32 = u32.MAX_VALUE;

function volumeOf(mount: Mount): Volume {
  return changetype<Volume>(mount.volume);
}

/** Takes the lock: 0, or -EIO, with the lock, when the volume is gone. */
export function diskEnter(mount: Mount): i32 {
  diskLock();
  return volumeOf(mount).isClosed || volumeOf(mount).device.isForbidden ? -EIO : 0;
}

/** Gives it back, and hands on `result`. */
export function diskLeave(result: i32): i32 {
  diskUnlock();
  return result;
}

/** Stores the node of inode `number`, which was found, at `nodeAt`; 0 or less is handed on. */
function found(volume: Volume, number: i64, nodeAt: usize): i32 {
  store<u64>(nodeAt, 0);
  if (number <= 0) return <i32>number;
  const inode = inodeAt(volume, <u32>number);
  if (inode == NO_INODE) return -EIO;
  store<u64>(nodeAt, diskNode(<u32>number, inodeType(inode)));
  return 0;
}

export function diskLookup(mount: Mount, directory: u64, name: usize, length: u32, nodeAt: usize): i32 {
  const error = diskEnter(mount);
  return diskLeave(error != 0 ? error : lookup(volumeOf(mount), diskNodeNumber(directory), name, length, nodeAt));
}

function lookup(volume: Volume, directory: u32, name: usize, length: u32, nodeAt: usize): i32 {
  const inode = inodeAt(volume, directory);
  if (inode == NO_INODE) return -EIO;
  return found(volume, inode.links == 0 ? 0 : directoryFind(volume, directory, name, length), nodeAt);
}

export function diskParent(mount: Mount, directory: u64, nodeAt: usize): i32 {
  const error = diskEnter(mount);
  return diskLeave(error != 0 ? error : parent(volumeOf(mount), diskNodeNumber(directory), nodeAt));
}

function parent(volume: Volume, directory: u32, nodeAt: usize): i32 {
  const inode = inodeAt(volume, directory);
  if (inode == NO_INODE) return -EIO;
  const above = inode.links == 0 ? <i64>heldParent(volume, directory) : directoryParent(volume, directory);
  return found(volume, above, nodeAt);
}

export function diskLink(mount: Mount, node: u64, lengthAt: usize): i32 {
  const error = diskEnter(mount);
  return diskLeave(error != 0 ? error : link(volumeOf(mount), diskNodeNumber(node), lengthAt));
}

function link(volume: Volume, number: u32, lengthAt: usize): i32 {
  const inode = inodeAt(volume, number);
  if (inode == NO_INODE) return -EIO;
  const length = <u32>min<u64>(inodeSize(inode), volume.blockSize);
  store<u32>(lengthAt, length);
  if (length < FAST_LINK_SIZE) return <i32>inode.at(0);
  const block = blockMap(volume, number, 0);
  const buffer = block <= 0 ? NO_BUFFER : cacheRead(volume, <u32>block);
  return buffer == NO_BUFFER ? -EIO : <i32>buffer.address;
}

export function diskStatus(mount: Mount, node: u64, status: FileStatus): i32 {
  const error = diskEnter(mount);
  return diskLeave(error != 0 ? error : describe(volumeOf(mount), diskNodeNumber(node), status));
}

function describe(volume: Volume, number: u32, status: FileStatus): i32 {
  const inode = inodeAt(volume, number);
  if (inode == NO_INODE) return -EIO;
  const accessed = inodeAccessed(volume, inode);
  const modified = inodeModified(volume, inode);
  const changed = inodeChanged(volume, inode);
  status.mode = inode.mode;
  status.links = inode.links;
  status.user = inodeUser(inode);
  status.group = inodeGroup(inode);
  status.inode = number;
  status.size = <i64>inodeSize(inode);
  status.blocks = inode.blocks;
  status.accessSeconds = <i64>(accessed / NANOSECONDS);
  status.accessNanoseconds = <i64>(accessed % NANOSECONDS);
  status.modifiedSeconds = <i64>(modified / NANOSECONDS);
  status.modifiedNanoseconds = <i64>(modified % NANOSECONDS);
  status.changeSeconds = <i64>(changed / NANOSECONDS);
  status.changeNanoseconds = <i64>(changed % NANOSECONDS);
  return 0;
}

export function diskList(mount: Mount, directory: u64, listed: ListedName): i32 {
  const error = diskEnter(mount);
  return diskLeave(error != 0 ? error : list(volumeOf(mount), diskNodeNumber(directory), listed));
}

function list(volume: Volume, directory: u32, listed: ListedName): i32 {
  const inode = inodeAt(volume, directory);
  if (inode == NO_INODE) return -EIO;
  if (inode.links == 0) return -ENOENT;
  const entry = directoryNext(volume, directory, listed.next);
  if (entry == NO_ENTRY) return directoryFailure();
  listed.name = entryName(entry);
  listed.length = entry.nameLength;
  listed.node = entry.inode;
  listed.type = typeOf(entry.type);
  listed.next = directoryPosition();
  return 1;
}

/** S_IF… of what an entry says; 0 for what is not known. */
function typeOf(type: u8): u32 {
  switch (type) {
    case 1:
      return 0x8000;
    case 2:
      return 0x4000;
    case 3:
      return 0x2000;
    case 4:
      return 0x6000;
    case 5:
      return 0x1000;
    case 6:
      return 0xc000;
    case 7:
      return 0xa000;
    default:
      return 0;
  }
}

export function diskIsEmpty(mount: Mount, directory: u64): i32 {
  const error = diskEnter(mount);
  return diskLeave(error != 0 ? error : directoryIsEmpty(volumeOf(mount), diskNodeNumber(directory)));
}

export function diskHold(mount: Mount, node: u64): i32 {
  const error = diskEnter(mount);
  return diskLeave(error != 0 ? error : hold(volumeOf(mount), diskNodeNumber(node)));
}

export function diskRelease(mount: Mount, node: u64): void {
  diskLock();
  if (!volumeOf(mount).device.isForbidden) release(volumeOf(mount), diskNodeNumber(node));
  diskUnlock();
}

export function diskRead(file: OpenFile, target: usize, count: u32, offset: u64): i32 {
  openFileHold(file);
  const mount = changetype<Mount>(file.mount);
  let result = diskEnter(mount);
  if (result == 0) result = fileRead(volumeOf(mount), diskNodeNumber(file.node), target, count, offset);
  diskUnlock();
  openFileRelease(file);
  return result;
}

export function diskWrite(file: OpenFile, source: usize, count: u32, offset: u64, endAt: usize): i32 {
  openFileHold(file);
  const mount = changetype<Mount>(file.mount);
  const volume = volumeOf(mount);
  const appending = (file.flags & O_APPEND) != 0;
  let result = diskEnter(mount);
  if (result == 0) result = fileWrite(volume, diskNodeNumber(file.node), source, count, offset, appending);
  const end = fileWritten();
  if (result > 0 && (file.flags & O_DSYNC) != 0) {
    const error = journalSync(volume);
    if (error != 0) result = error;
  }
  diskUnlock();
  openFileRelease(file);
  if (result > 0) store<u64>(endAt, end);
  return result;
}

export function diskResize(mount: Mount, node: u64, size: u64, always: bool): i32 {
  const error = diskEnter(mount);
  return diskLeave(error != 0 ? error : fileResize(volumeOf(mount), diskNodeNumber(node), size, always));
}

/** Begins to change an inode in a transaction: NO_INODE with `failure`. */
let failure: i32 = 0;
function changing(mount: Mount, node: u64): Inode {
  const volume = volumeOf(mount);
  failure = diskEnter(mount);
  if (failure == 0) failure = journalBegin(volume);
  if (failure != 0) return NO_INODE;
  failure = -EIO;
  return inodeChange(volume, diskNodeNumber(node));
}

export function diskSetTimes(mount: Mount, node: u64, accessed: u64, modified: u64): i32 {
  const inode = changing(mount, node);
  if (inode == NO_INODE) return diskLeave(failure);
  const volume = volumeOf(mount);
  if (accessed != KEPT) inodeSetAccessed(volume, inode, accessed);
  if (modified != KEPT) inodeSetModified(volume, inode, modified);
  inodeSetChanged(volume, inode, wallClockNow());
  return diskLeave(0);
}

export function diskSetMode(mount: Mount, node: u64, mode: u32): i32 {
  const inode = changing(mount, node);
  if (inode == NO_INODE) return diskLeave(failure);
  inode.mode = (inode.mode & ~PERMISSIONS) | ((<u16>mode) & PERMISSIONS);
  inodeSetChanged(volumeOf(mount), inode, wallClockNow());
  return diskLeave(0);
}

export function diskSetOwner(mount: Mount, node: u64, user: u32, group: u32, lost: u32): i32 {
  const inode = changing(mount, node);
  if (inode == NO_INODE) return diskLeave(failure);
  if (user != OWNER_KEPT) inodeSetUser(inode, user);
  if (group != OWNER_KEPT) inodeSetGroup(inode, group);
  inode.mode &= ~(<u16>lost);
  inodeSetChanged(volumeOf(mount), inode, wallClockNow());
  return diskLeave(0);
}

export function diskSyncAll(): void {
  diskLock();
  for (let i: u32 = 0; i < volumesCount(); i++) {
    const volume = volumeAt(i);
    if (!volume.isClosed && !volume.device.isForbidden) journalSync(volume);
  }
  diskUnlock();
}

export function diskSync(mount: Mount): i32 {
  const error = diskEnter(mount);
  return diskLeave(error != 0 ? error : journalSync(volumeOf(mount)));
}

export function diskStatistics(mount: Mount, status: FileSystemStatus): void {
  diskLock();
  const volume = volumeOf(mount);
  status.blockSize = volume.blockSize;
  status.blocks = volume.superblock.blocks;
  status.blocksFree = volume.superblock.freeBlocks;
  status.files = volume.inodes;
  status.filesFree = volume.superblock.freeInodes;
  diskUnlock();
}

export function diskFinish(): void {
  diskLock();
  cacheStep();
  for (let i: u32 = 0; i < volumesCount(); i++) {
    if (!volumeAt(i).device.isForbidden) volumeClose(volumeAt(i));
  }
  diskUnlock();
}

/** Export, by libos/optional/with_fork_disk.ts. */
export function diskForked(): void {
  blkfrontForked();
  lockForked();
}
