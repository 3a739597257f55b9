// What is set and told of files by path or descriptor: their length and times, and the file system they are in.
import { EBADF, EFAULT, EINVAL, EISDIR, EROFS } from "../../kernel/errno";
import { PAGE_SHIFT, PAGE_SIZE } from "../../kernel/memory/pages";
import { wallClockNow } from "../../kernel/time/clock";
import { TIME_KEPT, mountIsWritable, nodeResize, nodeSetTimes } from "../fs/changes";
import { filesEnter, filesLeave } from "../fs/lock";
import { FS_DISK, FS_PROC, FS_ROOT, FS_TMPFS, Mount } from "../fs/mounts";
import { nodeType } from "../fs/node";
import { WALK_SIZE, Walk } from "../fs/walk";
import { workingDirectoryMount } from "../fs/working_directory";
import { descriptorFile } from "../process/descriptors";
import { KIND_FILE, NO_FILE, openFileHold, openFileIsWritable, openFileRelease } from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { diskStatistics, diskSync, diskSyncAll } from "../optional/with_disk";
import {
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  EXT2_SUPER_MAGIC,
  NAME_MAX,
  PROC_SUPER_MAGIC,
  ROMFS_MAGIC,
  ST_RDONLY,
  S_IFDIR,
  S_IFREG,
  TMPFS_MAGIC,
  UTIME_NOW,
  UTIME_OMIT,
} from "./constants";
import { FILE_SYSTEM_STATUS_SIZE, FileSystemStatus, TIME_SPEC_SIZE, TimeSpec } from "./layout";
import { userPath } from "./user_path";

const NANOSECONDS: i64 = 1_000_000_000;

const walk = changetype<Walk>(memory.data(WALK_SIZE, 8));

export function posix_truncate(path: u32, pathLength: u32, size: i64): i32 {
  if (size < 0) return -EINVAL;
  filesEnter();
  return filesLeave(truncate(path, pathLength, size));
}

function truncate(path: u32, pathLength: u32, size: i64): i32 {
  const error = userPath(AT_FDCWD, path, pathLength, true, walk);
  if (error != 0) return error;
  const type = nodeType(walk.mount, walk.node);
  if (type == S_IFDIR) return -EISDIR;
  if (type != S_IFREG) return -EINVAL;
  if (!mountIsWritable(walk.mount)) return -EROFS;
  return nodeResize(walk.mount, walk.node, <u64>size, false);
}

export function posix_ftruncate(fd: i32, size: i64): i32 {
  if (size < 0) return -EINVAL;
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (file.kind != KIND_FILE || !openFileIsWritable(file)) return -EINVAL;
  openFileHold(file);
  const error = nodeResize(changetype<Mount>(file.mount), file.node, <u64>size, true);
  openFileRelease(file);
  return error;
}

/** Of a file in memory there is nothing to wait for. */
export function posix_fsync(fd: i32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (file.mount == 0) return -EINVAL;
  const mount = changetype<Mount>(file.mount);
  return mount.kind == FS_DISK ? diskSync(mount) : 0;
}

/** Of all volumes, as well as it goes. */
export function posix_sync(): void {
  diskSyncAll();
}

/** The time that the TimeSpec at `address` asks for, ns. */
function wanted(address: usize, now: u64): u64 {
  const time = changetype<TimeSpec>(address);
  if (time.nanoseconds == UTIME_OMIT) return TIME_KEPT;
  return time.nanoseconds == UTIME_NOW ? now : <u64>(time.seconds * NANOSECONDS + time.nanoseconds);
}

function isTime(address: usize): bool {
  const nanoseconds = changetype<TimeSpec>(address).nanoseconds;
  return <u64>nanoseconds < <u64>NANOSECONDS || nanoseconds == UTIME_NOW || nanoseconds == UTIME_OMIT;
}

function isOmitted(address: usize): bool {
  return changetype<TimeSpec>(address).nanoseconds == UTIME_OMIT;
}

/** Sets the times of a node to the two TimeSpecs at `times`; to the present when that is 0. */
function setTimes(mount: Mount, node: u64, times: usize): i32 {
  const now = wallClockNow();
  const accessed = times == 0 ? now : wanted(times, now);
  return nodeSetTimes(mount, node, accessed, times == 0 ? now : wanted(times + TIME_SPEC_SIZE, now));
}

/** `path` 0: of the descriptor itself. */
export function posix_utimensat(fd: i32, path: u32, pathLength: u32, times: u32, flags: i32): i32 {
  filesEnter();
  return filesLeave(changeTimes(fd, path, pathLength, times, flags));
}

function changeTimes(fd: i32, path: u32, pathLength: u32, times: u32, flags: i32): i32 {
  const pair = times == 0 ? 0 : userBuffer(times, TIME_SPEC_SIZE << 1);
  if (times != 0) {
    if (pair == 0) return -EFAULT;
    if (!isTime(pair) || !isTime(pair + TIME_SPEC_SIZE)) return -EINVAL;
    if (isOmitted(pair) && isOmitted(pair + TIME_SPEC_SIZE)) return 0;
  }
  if ((flags & ~AT_SYMLINK_NOFOLLOW) != 0 || (path == 0 && flags != 0)) return -EINVAL;
  if (path != 0) {
    const error = userPath(fd, path, pathLength, (flags & AT_SYMLINK_NOFOLLOW) == 0, walk);
    return error != 0 ? error : setTimes(walk.mount, walk.node, pair);
  }
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  return file.mount == 0 ? -EROFS : setTimes(changetype<Mount>(file.mount), file.node, pair);
}

/** The number by which Linux knows a kind of file system. */
function fileSystemType(kind: u32): i64 {
  if (kind == FS_ROOT) return ROMFS_MAGIC;
  if (kind == FS_DISK) return EXT2_SUPER_MAGIC;
  return kind == FS_PROC ? PROC_SUPER_MAGIC : TMPFS_MAGIC;
}

/** Tells of the file system `mount`. */
function describe(mount: Mount, target: u32): i32 {
  const bytes = userBuffer(target, FILE_SYSTEM_STATUS_SIZE);
  if (bytes == 0) return -EFAULT;
  memory.fill(bytes, 0, FILE_SYSTEM_STATUS_SIZE);
  const status = changetype<FileSystemStatus>(bytes);
  status.type = fileSystemType(mount.kind);
  status.blockSize = PAGE_SIZE;
  status.nameLength = NAME_MAX;
  if (mount.kind == FS_DISK) {
    diskStatistics(mount, status);
    return 0;
  }
  if (mount.kind != FS_TMPFS) {
    status.flags = ST_RDONLY;
    return 0;
  }
  status.blocks = mount.capacity >> PAGE_SHIFT;
  status.blocksFree = mount.used >= mount.capacity ? 0 : (mount.capacity - mount.used) >> PAGE_SHIFT;
  // A file takes a little of the same room: as many more as there are pages is a fair guess.
  status.filesFree = status.blocksFree;
  status.files = status.filesFree + mount.files;
  return 0;
}

export function posix_statfs(path: u32, pathLength: u32, target: u32): i32 {
  filesEnter();
  const error = userPath(AT_FDCWD, path, pathLength, true, walk);
  return filesLeave(error != 0 ? error : describe(walk.mount, target));
}

export function posix_fstatfs(fd: i32, target: u32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  const working = workingDirectoryMount(); // there are mounts from now on
  // What has no name is told to be where names are.
  return describe(file.mount == 0 ? working : changetype<Mount>(file.mount), target);
}
