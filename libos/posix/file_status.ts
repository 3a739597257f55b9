// stat, fstat, getdents, and the calls on descriptors themselves: fcntl, dup, dup2, dup3.
import { EBADF, EFAULT, EINVAL, ENOENT, ENOTDIR } from "../../kernel/errno";
import { DEVICE_CONSOLE, deviceStatus, devicesDescriptor } from "../fs/devices";
import { LISTED_NAME_SIZE, ListedName } from "../fs/listing";
import { filesEnter, filesLeave } from "../fs/lock";
import { FS_DEVICES, FS_TMPFS, Mount } from "../fs/mounts";
import { nodeInode, nodeList, nodeStatus } from "../fs/node";
import { WALK_SIZE, Walk } from "../fs/walk";
import {
  descriptorClose,
  descriptorCloseOnExec,
  descriptorDuplicate,
  descriptorFile,
  descriptorLimit,
  descriptorSet,
  descriptorSetCloseOnExec,
} from "../process/descriptors";
import {
  KIND_CONSOLE,
  KIND_DEVICE,
  KIND_DIRECTORY,
  NO_FILE,
  OpenFile,
  openFileHold,
  openFileIsPipe,
  openFileIsSocket,
  openFileRelease,
} from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  FD_CLOEXEC,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_GETFL,
  F_SETFD,
  F_SETFL,
  O_APPEND,
  O_CLOEXEC,
  O_NONBLOCK,
  S_IFIFO,
  S_IFSOCK,
} from "./constants";
import { DIRECTORY_ENTRY_NAME, DirectoryEntry, FILE_STATUS_SIZE, FileStatus } from "./layout";
import { userPath } from "./user_path";

/** Status flags that F_SETFL sets. */
const SETTABLE: i32 = O_NONBLOCK | O_APPEND;
const PERMISSIONS_OWN: u32 = 0x180; // rw-------
const PERMISSIONS_SOCKET: u32 = 0x1ff;

const walk = changetype<Walk>(memory.data(WALK_SIZE, 8));
const listed = changetype<ListedName>(memory.data(LISTED_NAME_SIZE, 8));

/** Fills `status`, which is zero, with what is known of what a description refers to. */
export function openFileStatus(file: OpenFile, status: FileStatus): i32 {
  if (file.mount != 0) return nodeStatus(changetype<Mount>(file.mount), file.node, status);
  if (file.kind == KIND_CONSOLE) deviceStatus(DEVICE_CONSOLE, status);
  else if (file.kind == KIND_DEVICE) deviceStatus(<u32>file.object, status);
  else describeNameless(file, status);
  return 0;
}

function describeNameless(file: OpenFile, status: FileStatus): void {
  if (openFileIsSocket(file)) status.mode = S_IFSOCK | PERMISSIONS_SOCKET;
  else status.mode = PERMISSIONS_OWN | (openFileIsPipe(file) ? S_IFIFO : 0); // others are of no type
  status.links = 1;
  status.inode = changetype<usize>(file);
}

/** Fills it with what is known of what `place` has been walked to. */
export function placeStatus(place: Walk, status: FileStatus): i32 {
  const fd = place.mount.kind == FS_DEVICES ? devicesDescriptor(place.node) : -1;
  return fd < 0 ? nodeStatus(place.mount, place.node, status) : openFileStatus(descriptorFile(fd), status);
}

export function posix_fstatat(directory: i32, path: u32, pathLength: u32, status: u32, flags: i32): i32 {
  if ((flags & ~AT_SYMLINK_NOFOLLOW) != 0) return -EINVAL;
  filesEnter();
  return filesLeave(statusAt(directory, path, pathLength, status, flags));
}

function statusAt(directory: i32, path: u32, pathLength: u32, status: u32, flags: i32): i32 {
  const error = userPath(directory, path, pathLength, (flags & AT_SYMLINK_NOFOLLOW) == 0, walk);
  if (error != 0) return error;
  const result = userBuffer(status, FILE_STATUS_SIZE);
  if (result == 0) return -EFAULT;
  memory.fill(result, 0, FILE_STATUS_SIZE);
  return placeStatus(walk, changetype<FileStatus>(result));
}

export function posix_stat(path: u32, pathLength: u32, status: u32): i32 {
  return posix_fstatat(AT_FDCWD, path, pathLength, status, 0);
}

export function posix_fstat(fd: i32, status: u32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  const result = userBuffer(status, FILE_STATUS_SIZE);
  if (result == 0) return -EFAULT;
  memory.fill(result, 0, FILE_STATUS_SIZE);
  return openFileStatus(file, changetype<FileStatus>(result));
}

function writeEntry(at: usize, size: u32): void {
  const entry = changetype<DirectoryEntry>(at);
  memory.fill(at, 0, size);
  entry.recordLength = <u16>size;
  entry.nameLength = <u16>listed.length;
  entry.type = <u8>(listed.type >> 12);
  entry.inode = listed.node;
  memory.copy(at + DIRECTORY_ENTRY_NAME, listed.name, listed.length);
}

/** Lists as many names as fit; bytes written, 0 at the end, -EINVAL when not even one fits. */
export function posix_getdents(fd: i32, buffer: u32, length: u32): i32 {
  filesEnter();
  return filesLeave(list(fd, buffer, length));
}

function list(fd: i32, buffer: u32, length: u32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (file.kind != KIND_DIRECTORY) return -ENOTDIR;
  const bytes = userBuffer(buffer, length);
  if (bytes == 0) return -EFAULT;
  const mount = changetype<Mount>(file.mount);
  if (mount.kind == FS_TMPFS && nodeInode(file.node).links == 0) return -ENOENT;
  openFileHold(file);
  const result = listOpen(file, mount, bytes, length);
  openFileRelease(file);
  return result;
}

function listOpen(file: OpenFile, mount: Mount, bytes: usize, length: u32): i32 {
  let done: u32 = 0;
  while (true) {
    listed.next = file.position;
    const more = nodeList(mount, file.node, listed);
    if (more <= 0) return done == 0 ? more : <i32>done;
    const size = (DIRECTORY_ENTRY_NAME + listed.length + 7) & ~7;
    if (size > length - done) return done == 0 ? -EINVAL : <i32>done;
    writeEntry(bytes + done, size);
    done += size;
    file.position = listed.next;
  }
}

export function posix_fcntl(fd: i32, command: i32, argument: i32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (command == F_GETFL) return file.flags;
  if (command == F_SETFL) {
    file.flags = (file.flags & ~SETTABLE) | (argument & SETTABLE);
    return 0;
  }
  if (command == F_GETFD) return descriptorCloseOnExec(fd) ? FD_CLOEXEC : 0;
  if (command == F_SETFD) {
    descriptorSetCloseOnExec(fd, (argument & FD_CLOEXEC) != 0);
    return 0;
  }
  if (command != F_DUPFD && command != F_DUPFD_CLOEXEC) return -EINVAL;
  if (<u32>argument >= descriptorLimit()) return -EINVAL;
  return descriptorDuplicate(file, argument, command == F_DUPFD_CLOEXEC);
}

export function posix_dup(fd: i32): i32 {
  const file = descriptorFile(fd);
  return file == NO_FILE ? -EBADF : descriptorDuplicate(file, 0, false);
}

export function posix_dup2(fd: i32, goal: i32): i32 {
  if (fd == goal) return descriptorFile(fd) == NO_FILE ? -EBADF : goal;
  return duplicateTo(fd, goal, false);
}

export function posix_dup3(fd: i32, goal: i32, flags: i32): i32 {
  if ((flags & ~O_CLOEXEC) != 0 || fd == goal) return -EINVAL;
  return duplicateTo(fd, goal, (flags & O_CLOEXEC) != 0);
}

function duplicateTo(fd: i32, goal: i32, closeOnExec: bool): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE || <u32>goal >= descriptorLimit()) return -EBADF;
  openFileHold(file);
  descriptorClose(goal);
  descriptorSet(goal, file, closeOnExec);
  return goal;
}
