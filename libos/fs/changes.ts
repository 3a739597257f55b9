// What changes a file system, told to the kind that it is of: files in memory (tmpfs/) or on a disk (ext2/). The others are read-only. What
// POSIX asks of paths has been looked at by who calls (libos/posix/paths.ts, open.ts), under the lock of lock.ts.
import { ENOENT, EPERM, EROFS } from "../../kernel/errno";
import { wallClockNow } from "../../kernel/time/clock";
import {
  diskIsEmpty,
  diskLinkName,
  diskMake,
  diskMakeUnnamed,
  diskRemove,
  diskRename,
  diskResize,
  diskSetMode,
  diskSetOwner,
  diskSetTimes,
} from "../optional/with_disk";
import {
  tmpfsLink,
  tmpfsMake,
  tmpfsMakeUnnamed,
  tmpfsModified,
  tmpfsRemove,
  tmpfsRename,
  tmpfsResize,
} from "../optional/with_tmpfs";
import { FS_DISK, FS_TMPFS, Mount } from "./mounts";
import { S_IFDIR, S_IFMT, S_ISGID } from "../posix/constants";
import { nodeInode, nodeType } from "./node";

/** The bits of a mode that chmod() sets: S_ISUID … rwxrwxrwx. */
const PERMISSIONS: u32 = 0xfff;

/** Leaves a time as it is. */
export const TIME_KEPT: u64 = u64.MAX_VALUE;

/** Leaves user or group as it is. */
export const OWNER_KEPT: u32 = u32.MAX_VALUE;

const S_ISUID: u32 = 0x800;
const S_IXGRP: u32 = 8;

const made = memory.data(8, 8);

/** Whether files can be made and changed there. */
export function mountIsWritable(mount: Mount): bool {
  return mount.kind == FS_TMPFS || mount.kind == FS_DISK;
}

/**
 * Makes what `mode` (S_IF… and permissions) says under a name that is free; `text` is that of a symbolic link. Its node, or -ENOENT (the
 * directory has been removed), -EINVAL, -ENOSPC, -ENOMEM, -EMLINK, -ENAMETOOLONG, -EIO, -EROFS.
 */
export function nodeMake(
  mount: Mount,
  directory: u64,
  name: usize,
  length: u32,
  mode: u32,
  text: usize,
  textLength: u32,
): i64 {
  if (mount.kind == FS_TMPFS) return tmpfsMake(nodeInode(directory), name, length, mode, text, textLength);
  const error = diskMake(mount, directory, name, length, mode, text, textLength, made);
  return error != 0 ? error : <i64>load<u64>(made);
}

/**
 * Makes a file without a name in the file system of `directory`, with one holder; `linkable`: nodeAddName() may give it one. Its node, or -EPERM (the directory has
 * been removed from a disk), -ENOSPC, -ENOMEM, -EIO, -EROFS.
 */
export function nodeMakeUnnamed(mount: Mount, directory: u64, mode: u32, linkable: bool): i64 {
  if (mount.kind == FS_TMPFS) return tmpfsMakeUnnamed(mount, mode, linkable);
  const error = diskMakeUnnamed(mount, directory, mode, linkable, made);
  return error != 0 ? error : <i64>load<u64>(made);
}

/** Gives `node` one more name, which is free: -ENOENT (the directory has been removed), -EPERM (it is a directory itself), and as nodeMake(). */
export function nodeAddName(mount: Mount, directory: u64, name: usize, length: u32, node: u64): i32 {
  if (mount.kind == FS_DISK) return diskLinkName(mount, directory, name, length, node);
  if (nodeInode(directory).links == 0) return -ENOENT;
  if (nodeType(mount, node) == S_IFDIR) return -EPERM;
  return tmpfsLink(nodeInode(directory), name, length, nodeInode(node));
}

/** Whether a directory has no names: 1 or 0, -EIO. */
export function nodeIsEmpty(mount: Mount, directory: u64): i32 {
  if (mount.kind == FS_TMPFS) return nodeInode(directory).first == 0 ? 1 : 0;
  return diskIsEmpty(mount, directory);
}

/** Takes a name away that is there; of a directory, which is empty, the directory with it. */
export function nodeRemove(mount: Mount, directory: u64, name: usize, length: u32): i32 {
  if (mount.kind == FS_DISK) return diskRemove(mount, directory, name, length);
  tmpfsRemove(nodeInode(directory), name, length);
  return 0;
}

/** Gives what is named `from` the name `to` instead, and removes what that named. */
export function nodeRename(
  mount: Mount,
  oldDirectory: u64,
  from: usize,
  fromLength: u32,
  directory: u64,
  to: usize,
  toLength: u32,
): i32 {
  if (mount.kind == FS_DISK) return diskRename(mount, oldDirectory, from, fromLength, directory, to, toLength);
  return tmpfsRename(nodeInode(oldDirectory), from, fromLength, nodeInode(directory), to, toLength);
}

/** Makes a regular file `size` bytes long; one that is so already has changed only if `always`. */
export function nodeResize(mount: Mount, node: u64, size: u64, always: bool): i32 {
  if (mount.kind == FS_DISK) return diskResize(mount, node, size, always);
  const inode = nodeInode(node);
  if (always || inode.size != size) tmpfsModified(inode);
  tmpfsResize(inode, size);
  return 0;
}

/** Sets the times of the last read and the last change, ns since 1970 or TIME_KEPT. */
export function nodeSetTimes(mount: Mount, node: u64, accessed: u64, modified: u64): i32 {
  if (mount.kind == FS_DISK) return diskSetTimes(mount, node, accessed, modified);
  if (mount.kind != FS_TMPFS) return -EROFS;
  const inode = nodeInode(node);
  if (accessed != TIME_KEPT) inode.accessed = accessed;
  if (modified != TIME_KEPT) inode.modified = modified;
  inode.changed = wallClockNow();
  return 0;
}

/**
 * Sets user and group, of which OWNER_KEPT leaves one as it is. What makes others of who runs the file is lost with that, as on Linux: S_ISUID, and
 * S_ISGID where the group may run it.
 *
 * @param mode what it is, with its permissions
 */
export function nodeSetOwner(mount: Mount, node: u64, user: u32, group: u32, mode: u32): i32 {
  if (!mountIsWritable(mount)) return -EROFS;
  const lost = (mode & S_IFMT) == S_IFDIR ? 0 : (mode & S_IXGRP) != 0 ? mode & (S_ISUID | S_ISGID) : mode & S_ISUID;
  if (mount.kind == FS_DISK) return diskSetOwner(mount, node, user, group, lost);
  const inode = nodeInode(node);
  if (user != OWNER_KEPT) inode.user = user;
  if (group != OWNER_KEPT) inode.group = group;
  inode.mode &= ~lost;
  inode.changed = wallClockNow();
  return 0;
}

/** Sets the permissions. */
export function nodeSetMode(mount: Mount, node: u64, mode: u32): i32 {
  if (mount.kind == FS_DISK) return diskSetMode(mount, node, mode & PERMISSIONS);
  if (mount.kind != FS_TMPFS) return -EROFS;
  const inode = nodeInode(node);
  inode.mode = (inode.mode & ~PERMISSIONS) | (mode & PERMISSIONS);
  inode.changed = wallClockNow();
  return 0;
}
