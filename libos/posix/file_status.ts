// stat, fstat, getdents, and the calls on descriptors themselves: fcntl, dup, dup2, dup3.
import { EBADF, EFAULT, EINVAL, ENAMETOOLONG, ENOTDIR } from "../../kernel/errno";
import { EmbeddedChild, embeddedChild, embeddedFile } from "../fs/embedded";
import { NO_DEVICE } from "../fs/devices";
import { PathTarget, resolvePath } from "../fs/path";
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
  KIND_FILE,
  NO_FILE,
  OpenFile,
  openFileHold,
  openFileIsAnonymous,
  openFileIsPipe,
} from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import {
  DT_DIR,
  DT_REG,
  FD_CLOEXEC,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_GETFL,
  F_SETFD,
  F_SETFL,
  O_CLOEXEC,
  O_NONBLOCK,
  PATH_MAX,
  S_IFCHR,
  S_IFDIR,
  S_IFIFO,
  S_IFREG,
  S_IFSOCK,
} from "./constants";
import { DIRECTORY_ENTRY_NAME, DirectoryEntry, FILE_STATUS_SIZE, FileStatus } from "./layout";

const NANOSECONDS: u64 = 1_000_000_000;
const PERMISSIONS_FILE: u32 = 0x124; // r--r--r--
const PERMISSIONS_DIRECTORY: u32 = 0x16d; // r-xr-xr-x
const PERMISSIONS_OWN: u32 = 0x180; // rw-------
const PERMISSIONS_DEVICE: u32 = 0x1b6; // rw-rw-rw-

const target = changetype<PathTarget>(memory.data(20, 4));
const child = changetype<EmbeddedChild>(memory.data(20, 4));

/** File `index` of the blob. */
function fileInode(index: u32): u64 {
  return <u64>index + 1;
}

/** A directory is told by its first file and the length of its path: no two have both in common. */
function directoryInode(index: u32, pathLength: u32): u64 {
  return ((<u64>pathLength + 1) << 32) | (<u64>index + 1);
}

function describeFile(status: FileStatus, index: u32): void {
  const file = embeddedFile(index);
  status.mode = S_IFREG | PERMISSIONS_FILE;
  status.links = 1;
  status.size = <i64>file.dataLength;
  status.inode = fileInode(index);
  status.modifiedSeconds = <i64>(file.modified / NANOSECONDS);
  status.modifiedNanoseconds = <i64>(file.modified % NANOSECONDS);
  status.hashLow = file.hashLow;
  status.hashHigh = file.hashHigh;
}

/** The console, a device, a socket. */
function describeSpecial(status: FileStatus, type: u32): void {
  status.mode = type | PERMISSIONS_DEVICE;
  status.links = 1;
}

function describeDirectory(status: FileStatus, index: u32, pathLength: u32): void {
  status.mode = S_IFDIR | PERMISSIONS_DIRECTORY;
  status.links = 2;
  status.inode = directoryInode(index, pathLength);
}

export function posix_stat(path: u32, pathLength: u32, status: u32): i32 {
  if (pathLength > PATH_MAX) return -ENAMETOOLONG;
  const bytes = userBuffer(path, pathLength);
  const result = userBuffer(status, FILE_STATUS_SIZE);
  if (bytes == 0 || result == 0) return -EFAULT;
  const error = resolvePath(bytes, pathLength, target);
  if (error != 0) return error;
  memory.fill(result, 0, FILE_STATUS_SIZE);
  if (target.isDirectory) describeDirectory(changetype<FileStatus>(result), target.index, target.length);
  else if (target.device != NO_DEVICE) describeSpecial(changetype<FileStatus>(result), S_IFCHR);
  else describeFile(changetype<FileStatus>(result), target.index);
  return 0;
}

export function posix_fstat(fd: i32, status: u32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  const result = userBuffer(status, FILE_STATUS_SIZE);
  if (result == 0) return -EFAULT;
  memory.fill(result, 0, FILE_STATUS_SIZE);
  const view = changetype<FileStatus>(result);
  if (file.kind == KIND_FILE) {
    describeFile(view, <u32>file.object);
  } else if (file.kind == KIND_DIRECTORY) {
    describeDirectory(view, <u32>file.object, file.pathLength);
  } else if (openFileIsPipe(file)) {
    view.mode = S_IFIFO | PERMISSIONS_OWN;
    view.links = 1;
  } else if (openFileIsAnonymous(file)) {
    view.mode = PERMISSIONS_OWN; // of no type
    view.links = 1;
  } else {
    describeSpecial(view, file.kind == KIND_CONSOLE || file.kind == KIND_DEVICE ? S_IFCHR : S_IFSOCK);
  }
  return 0;
}

/** Path of directory `file`: the beginning of its first file's. */
function directoryPath(file: OpenFile): usize {
  return file.pathLength == 0 ? 0 : embeddedFile(<u32>file.object).path();
}

function writeEntry(at: usize, size: u32, pathLength: u32): void {
  const entry = changetype<DirectoryEntry>(at);
  memory.fill(at, 0, size);
  entry.recordLength = <u16>size;
  entry.nameLength = <u16>child.nameLength;
  entry.type = child.isDirectory ? DT_DIR : DT_REG;
  entry.inode = child.isDirectory
    ? directoryInode(child.index, pathLength + 1 + child.nameLength)
    : fileInode(child.index);
  memory.copy(at + DIRECTORY_ENTRY_NAME, child.name, child.nameLength);
}

/** Lists as many names as fit; bytes written, 0 at the end, -EINVAL when not even one fits. */
export function posix_getdents(fd: i32, buffer: u32, length: u32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (file.kind != KIND_DIRECTORY) return -ENOTDIR;
  const bytes = userBuffer(buffer, length);
  if (bytes == 0) return -EFAULT;
  let done: u32 = 0;
  while (embeddedChild(directoryPath(file), file.pathLength, <u32>file.position, child)) {
    const size = (DIRECTORY_ENTRY_NAME + child.nameLength + 7) & ~7;
    if (size > length - done) return done == 0 ? -EINVAL : <i32>done;
    writeEntry(bytes + done, size, file.pathLength);
    done += size;
    file.position = child.next;
  }
  return <i32>done;
}

export function posix_fcntl(fd: i32, command: i32, argument: i32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (command == F_GETFL) return file.flags;
  if (command == F_SETFL) {
    file.flags = (file.flags & ~O_NONBLOCK) | (argument & O_NONBLOCK);
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
