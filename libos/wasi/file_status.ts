// What is known of files, by descriptor or path, and what of it can be set: size and times.
import { EROFS } from "../../kernel/errno";
import { wallClockNow } from "../../kernel/time/clock";
import { TIME_KEPT, nodeSetTimes } from "../fs/changes";
import { filesEnter, filesLeave } from "../fs/lock";
import { Mount } from "../fs/mounts";
import { WALK_SIZE, Walk } from "../fs/walk";
import { posix_ftruncate } from "../posix/attributes";
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from "../posix/constants";
import { openFileStatus, placeStatus } from "../posix/file_status";
import { FILE_STATUS_SIZE, FileStatus } from "../posix/layout";
import { userPath } from "../posix/user_path";
import { descriptorFile } from "../process/descriptors";
import { NO_FILE } from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { fileTypeOf } from "./descriptors";
import { WASI_BADF, WASI_FAULT, WASI_INVAL, WASI_SUCCESS, wasiError } from "./errno";
import {
  FILETYPE_BLOCK_DEVICE,
  FILETYPE_CHARACTER_DEVICE,
  FILETYPE_DIRECTORY,
  FILETYPE_REGULAR_FILE,
  FILETYPE_SYMBOLIC_LINK,
  FILETYPE_UNKNOWN,
  FILE_STATUS_WASI_SIZE,
  FileStatusWasi,
  LOOKUP_SYMLINK_FOLLOW,
} from "./layout";
import { placeError } from "./paths";

const NANOSECONDS: u64 = 1_000_000_000;

/** `fstflags`. */
const ATIM: u32 = 1;
const ATIM_NOW: u32 = 2;
const MTIM: u32 = 4;
const MTIM_NOW: u32 = 8;
const FSTFLAGS_ALL: u32 = 0xf;

const walk = changetype<Walk>(memory.data(WALK_SIZE, 8));
const known = changetype<FileStatus>(memory.data(FILE_STATUS_SIZE, 8));

/** WASI's `filetype` for the type that a mode has; that of a socket is known of descriptors only. */
export function fileTypeFor(mode: u32): u8 {
  const type = mode & S_IFMT;
  if (type == S_IFREG) return FILETYPE_REGULAR_FILE;
  if (type == S_IFDIR) return FILETYPE_DIRECTORY;
  if (type == S_IFLNK) return FILETYPE_SYMBOLIC_LINK;
  if (type == S_IFCHR) return FILETYPE_CHARACTER_DEVICE;
  return type == S_IFBLK ? FILETYPE_BLOCK_DEVICE : FILETYPE_UNKNOWN;
}

function time(seconds: i64, nanoseconds: i64): u64 {
  return <u64>seconds * NANOSECONDS + <u64>nanoseconds;
}

/** Tells what `known` has, at kernel address `at`. */
function tell(at: usize, type: u8): void {
  memory.fill(at, 0, FILE_STATUS_WASI_SIZE);
  const status = changetype<FileStatusWasi>(at);
  status.device = known.device;
  status.inode = known.inode;
  status.fileType = type;
  status.links = known.links;
  status.size = known.size;
  status.accessed = time(known.accessSeconds, known.accessNanoseconds);
  status.modified = time(known.modifiedSeconds, known.modifiedNanoseconds);
  status.changed = time(known.changeSeconds, known.changeNanoseconds);
}

export function wasi_fd_filestat_get(fd: i32, target: u32): u32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return WASI_BADF;
  const at = userBuffer(target, FILE_STATUS_WASI_SIZE);
  if (at == 0) return WASI_FAULT;
  memory.fill(changetype<usize>(known), 0, FILE_STATUS_SIZE);
  const error = openFileStatus(file, known);
  if (error != 0) return wasiError(error);
  tell(at, fileTypeOf(file));
  return WASI_SUCCESS;
}

export function wasi_path_filestat_get(fd: i32, lookup: u32, path: u32, length: u32, target: u32): u32 {
  const wrong = placeError(fd, path, length);
  if (wrong != 0) return wrong;
  if ((lookup & ~LOOKUP_SYMLINK_FOLLOW) != 0) return WASI_INVAL;
  const at = userBuffer(target, FILE_STATUS_WASI_SIZE);
  if (at == 0) return WASI_FAULT;
  filesEnter();
  const error = filesLeave(look(fd, path, length, lookup != 0));
  if (error != 0) return wasiError(error);
  tell(at, fileTypeFor(known.mode));
  return WASI_SUCCESS;
}

/** Fills `known` with what is known of what the path names. */
function look(fd: i32, path: u32, length: u32, following: bool): i32 {
  const error = userPath(fd, path, length, following, walk);
  if (error != 0) return error;
  memory.fill(changetype<usize>(known), 0, FILE_STATUS_SIZE);
  return placeStatus(walk, known);
}

export function wasi_fd_filestat_set_size(fd: i32, size: u64): u32 {
  return wasiError(posix_ftruncate(fd, size));
}

/** Whether both ways are asked for to set one time, or anything that is not known. */
function isWrong(flags: u32): bool {
  const both = (flags & (ATIM | ATIM_NOW)) == (ATIM | ATIM_NOW) || (flags & (MTIM | MTIM_NOW)) == (MTIM | MTIM_NOW);
  return both || (flags & ~FSTFLAGS_ALL) != 0;
}

function setTimes(mount: Mount, node: u64, accessed: u64, modified: u64, flags: u32): i32 {
  const now = wallClockNow();
  return nodeSetTimes(
    mount,
    node,
    (flags & ATIM) != 0 ? accessed : (flags & ATIM_NOW) != 0 ? now : TIME_KEPT,
    (flags & MTIM) != 0 ? modified : (flags & MTIM_NOW) != 0 ? now : TIME_KEPT,
  );
}

export function wasi_fd_filestat_set_times(fd: i32, accessed: u64, modified: u64, flags: u32): u32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return WASI_BADF;
  if (isWrong(flags)) return WASI_INVAL;
  if (file.mount == 0) return wasiError(-EROFS);
  filesEnter();
  return wasiError(filesLeave(setTimes(changetype<Mount>(file.mount), file.node, accessed, modified, flags)));
}

export function wasi_path_filestat_set_times(
  fd: i32,
  lookup: u32,
  path: u32,
  length: u32,
  accessed: u64,
  modified: u64,
  flags: u32,
): u32 {
  const wrong = placeError(fd, path, length);
  if (wrong != 0) return wrong;
  if ((lookup & ~LOOKUP_SYMLINK_FOLLOW) != 0 || isWrong(flags)) return WASI_INVAL;
  filesEnter();
  const error = userPath(fd, path, length, lookup != 0, walk);
  return wasiError(filesLeave(error != 0 ? error : setTimes(walk.mount, walk.node, accessed, modified, flags)));
}
