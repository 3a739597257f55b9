// Calls that make, name, rename and remove. Errors come in Linux's order (fs/namei.c): what is wrong with the path, with its last
// component, that the file system is read-only, then what is or is not there.
import {
  EBADF,
  EBUSY,
  EEXIST,
  EFAULT,
  EINVAL,
  EISDIR,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EROFS,
  EXDEV,
} from "../../kernel/errno";
import { mountIsWritable, nodeAddName, nodeIsEmpty, nodeMake, nodeRemove, nodeRename } from "../fs/changes";
import { filesEnter, filesLeave } from "../fs/lock";
import { Mount, NO_MOUNT, mountOn } from "../fs/mounts";
import { nodeLink, nodeLinkLength, nodeParent, nodeType } from "../fs/node";
import { workingDirectory, workingDirectoryMount } from "../fs/working_directory";
import { LAST_DOT, LAST_DOTDOT, LAST_NAME, WALK_SIZE, Walk, walkLookup } from "../fs/walk";
import { descriptorFile } from "../process/descriptors";
import { NO_FILE } from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_FOLLOW,
  PATH_MAX,
  S_IFDIR,
  S_IFLNK,
  S_ISVTX,
} from "./constants";
import { fileModeMask } from "./modes";
import { userPath, userPathParent } from "./user_path";

const PERMISSIONS: u32 = 0x1ff;

const walk = changetype<Walk>(memory.data(WALK_SIZE, 8));
const other = changetype<Walk>(memory.data(WALK_SIZE, 8));

function isDirectory(place: Walk): bool {
  return nodeType(place.mount, place.node) == S_IFDIR;
}

/** Whether something is mounted on what `place` was looked up to. */
function isMountPoint(place: Walk): bool {
  return mountOn(place.mount, place.node) != NO_MOUNT;
}

/**
 * Walks to where something is to be made: 0 with the directory and the free name in `place`. -EEXIST, -EROFS; -ENOENT when slashes
 * follow what is to be no directory; and what is wrong with the path.
 */
function toFreeName(directory: i32, path: u32, length: u32, forDirectory: bool, place: Walk): i32 {
  const error = userPathParent(directory, path, length, place);
  if (error != 0) return error;
  if (place.last != LAST_NAME) return -EEXIST;
  const missing = walkLookup(place);
  if (missing == 0) return -EEXIST;
  if (missing != -ENOENT) return missing;
  if (place.slashes && !forDirectory) return -ENOENT;
  return mountIsWritable(place.parentMount) ? 0 : -EROFS;
}

/** Makes what `mode` says where `walk` has found a free name. */
function make(mode: u32, text: usize, textLength: u32): i32 {
  const node = nodeMake(walk.parentMount, walk.parentNode, walk.name, walk.nameLength, mode, text, textLength);
  return <i32>min<i64>(node, 0);
}

export function posix_mkdirat(directory: i32, path: u32, pathLength: u32, mode: u32): i32 {
  filesEnter();
  return filesLeave(makeDirectory(directory, path, pathLength, mode));
}

function makeDirectory(directory: i32, path: u32, pathLength: u32, mode: u32): i32 {
  const error = toFreeName(directory, path, pathLength, true, walk);
  return error != 0 ? error : make(S_IFDIR | (fileModeMask(mode) & (PERMISSIONS | S_ISVTX)), 0, 0);
}

export function posix_symlinkat(text: u32, textLength: u32, directory: i32, path: u32, pathLength: u32): i32 {
  filesEnter();
  return filesLeave(makeLink(text, textLength, directory, path, pathLength));
}

function makeLink(text: u32, textLength: u32, directory: i32, path: u32, pathLength: u32): i32 {
  const bytes = userBuffer(text, textLength);
  if (textLength >= PATH_MAX) return -ENAMETOOLONG;
  if (bytes == 0) return -EFAULT;
  if (textLength == 0) return -ENOENT;
  const error = toFreeName(directory, path, pathLength, false, walk);
  return error != 0 ? error : make(S_IFLNK | PERMISSIONS, bytes, textLength);
}

export function posix_linkat(
  oldDirectory: i32,
  oldPath: u32,
  oldLength: u32,
  directory: i32,
  path: u32,
  pathLength: u32,
  flags: i32,
): i32 {
  filesEnter();
  return filesLeave(addName(oldDirectory, oldPath, oldLength, directory, path, pathLength, flags));
}

/** Goes to what is open as `fd`, for AT_EMPTY_PATH: 0, -EBADF, -EXDEV (it is in no file system that has names). */
function toDescriptor(fd: i32, place: Walk): i32 {
  place.mount = workingDirectoryMount();
  place.node = workingDirectory();
  if (fd == AT_FDCWD) return 0;
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (file.mount == 0) return -EXDEV;
  place.mount = changetype<Mount>(file.mount);
  place.node = file.node;
  return 0;
}

function addName(
  oldDirectory: i32,
  oldPath: u32,
  oldLength: u32,
  directory: i32,
  path: u32,
  pathLength: u32,
  flags: i32,
): i32 {
  if ((flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) != 0) return -EINVAL;
  const error =
    oldLength == 0 && (flags & AT_EMPTY_PATH) != 0
      ? toDescriptor(oldDirectory, other)
      : userPath(oldDirectory, oldPath, oldLength, (flags & AT_SYMLINK_FOLLOW) != 0, other);
  if (error != 0) return error;
  const taken = toFreeName(directory, path, pathLength, false, walk);
  if (taken != 0) return taken;
  if (walk.parentMount != other.mount) return -EXDEV;
  return nodeAddName(walk.parentMount, walk.parentNode, walk.name, walk.nameLength, other.node);
}

/** Why what `place` names cannot be taken away, as a directory or as something else; 0 when it can. */
function checkRemovable(place: Walk, asDirectory: bool): i32 {
  if (isDirectory(place) != asDirectory) return asDirectory ? -ENOTDIR : -EISDIR;
  if (isMountPoint(place)) return -EBUSY;
  return asDirectory ? checkEmpty(place) : 0;
}

/** 0 when the directory that `place` names has no names; -ENOTEMPTY, -EIO. */
function checkEmpty(place: Walk): i32 {
  const empty = nodeIsEmpty(place.mount, place.node);
  return empty > 0 ? 0 : empty < 0 ? empty : -ENOTEMPTY;
}

export function posix_unlinkat(directory: i32, path: u32, pathLength: u32, flags: i32): i32 {
  filesEnter();
  return filesLeave(removeName(directory, path, pathLength, flags));
}

function removeName(directory: i32, path: u32, pathLength: u32, flags: i32): i32 {
  if ((flags & ~AT_REMOVEDIR) != 0) return -EINVAL;
  const asDirectory = (flags & AT_REMOVEDIR) != 0;
  const error = userPathParent(directory, path, pathLength, walk);
  if (error != 0) return error;
  if (walk.last != LAST_NAME) {
    if (!asDirectory) return -EISDIR;
    return walk.last == LAST_DOT ? -EINVAL : walk.last == LAST_DOTDOT ? -ENOTEMPTY : -EBUSY;
  }
  if (!mountIsWritable(walk.parentMount)) return -EROFS;
  const missing = walkLookup(walk);
  if (missing != 0) return missing;
  if (walk.slashes && !asDirectory) return isDirectory(walk) ? -EISDIR : -ENOTDIR;
  const kept = checkRemovable(walk, asDirectory);
  if (kept != 0) return kept;
  return nodeRemove(walk.parentMount, walk.parentNode, walk.name, walk.nameLength);
}

/** Whether directory `node` is `below` or one that `below` is in: 1 or 0, -EIO. */
function contains(mount: Mount, node: u64, below: u64): i32 {
  let at = below;
  while (at != node) {
    if (at == mount.root) return 0;
    const above = nodeParent(mount, at);
    if (above <= 0) return <i32>above; // 0: it has been removed, and is in nothing
    at = <u64>above;
  }
  return 1;
}

export function posix_renameat(
  oldDirectory: i32,
  oldPath: u32,
  oldLength: u32,
  directory: i32,
  path: u32,
  pathLength: u32,
): i32 {
  filesEnter();
  return filesLeave(rename(oldDirectory, oldPath, oldLength, directory, path, pathLength));
}

function rename(oldDirectory: i32, oldPath: u32, oldLength: u32, directory: i32, path: u32, pathLength: u32): i32 {
  const error = userPathParent(oldDirectory, oldPath, oldLength, other);
  if (error != 0) return error;
  const failure = userPathParent(directory, path, pathLength, walk);
  if (failure != 0) return failure;
  if (walk.parentMount != other.parentMount) return -EXDEV;
  if (other.last != LAST_NAME || walk.last != LAST_NAME) return -EBUSY;
  if (!mountIsWritable(walk.parentMount)) return -EROFS;
  const missing = walkLookup(other);
  if (missing != 0) return missing;
  const unnamed = walkLookup(walk);
  if (unnamed != 0 && unnamed != -ENOENT) return unnamed;
  const moved = isDirectory(other);
  if (!moved && (other.slashes || walk.slashes)) return -ENOTDIR;
  const isInside = moved ? contains(walk.parentMount, other.node, walk.parentNode) : 0;
  if (isInside != 0) return isInside < 0 ? isInside : -EINVAL;
  if (walk.node != 0) {
    const isAbove = isDirectory(walk) ? contains(walk.mount, walk.node, other.parentNode) : 0;
    if (isAbove != 0) return isAbove < 0 ? isAbove : -ENOTEMPTY;
    if (walk.node == other.node) return 0;
    if (isDirectory(walk) != moved) return moved ? -ENOTDIR : -EISDIR;
    if (isMountPoint(walk)) return -EBUSY;
  }
  if (isMountPoint(other)) return -EBUSY;
  const kept = walk.node != 0 && moved ? checkEmpty(walk) : 0;
  if (kept != 0) return kept;
  return nodeRename(
    walk.parentMount,
    other.parentNode,
    other.name,
    other.nameLength,
    walk.parentNode,
    walk.name,
    walk.nameLength,
  );
}

export function posix_readlinkat(directory: i32, path: u32, pathLength: u32, buffer: u32, size: u32): i32 {
  filesEnter();
  return filesLeave(readLink(directory, path, pathLength, buffer, size));
}

function readLink(directory: i32, path: u32, pathLength: u32, buffer: u32, size: u32): i32 {
  if (<i32>size <= 0) return -EINVAL;
  const error = userPath(directory, path, pathLength, false, walk);
  if (error != 0) return error;
  if (nodeType(walk.mount, walk.node) != S_IFLNK) return -EINVAL;
  const text = nodeLink(walk.mount, walk.node);
  if (text < 0) return text;
  const length = min(nodeLinkLength(), size);
  const bytes = userBuffer(buffer, length);
  if (bytes == 0) return -EFAULT;
  memory.copy(bytes, <usize>text, length);
  return length;
}
