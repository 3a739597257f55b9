// Names: the functions path_… that open, make, name, rename and remove. A path begins at a directory's descriptor and stays below it: one that
// begins with a slash, or that leads out of it by ".." or a symbolic link, is refused (EPERM, as by wasmtime; libos/fs/fence.ts).
import { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } from "../posix/constants";
import { AT_REMOVEDIR, AT_SYMLINK_FOLLOW } from "../posix/constants";
import { posix_openat } from "../posix/open";
import {
  posix_linkat,
  posix_mkdirat,
  posix_readlinkat,
  posix_renameat,
  posix_symlinkat,
  posix_unlinkat,
} from "../posix/paths";
import { descriptorFile } from "../process/descriptors";
import { KIND_DIRECTORY, NO_FILE } from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { answerWord, isWord } from "./answer";
import { flagsError, statusFlags } from "./descriptors";
import { WASI_BADF, WASI_FAULT, WASI_INVAL, WASI_NOTDIR, WASI_PERM, WASI_SUCCESS, wasiError } from "./errno";
import { LOOKUP_SYMLINK_FOLLOW, RIGHTS_FD_READ, RIGHTS_FD_READDIR, RIGHTS_FD_WRITE } from "./layout";

const SLASH: u8 = 0x2f;

/** `oflags`. */
const OFLAGS_CREAT: u32 = 1;
const OFLAGS_DIRECTORY: u32 = 2;
const OFLAGS_EXCL: u32 = 4;
const OFLAGS_TRUNC: u32 = 8;
const OFLAGS_ALL: u32 = 0xf;

const NEW_FILE: u32 = 0x1b6; // rw-rw-rw-
const NEW_DIRECTORY: u32 = 0x1ff; // rwxrwxrwx

/** Why the `length` bytes of path at `bytes` are none: EINVAL for a zero byte, EPERM for a path that begins at no descriptor. */
function pathError(bytes: usize, length: u32): u32 {
  if (length != 0 && load<u8>(bytes) == SLASH) return WASI_PERM;
  for (let i: u32 = 0; i < length; i++) if (load<u8>(bytes + i) == 0) return WASI_INVAL;
  return WASI_SUCCESS;
}

/** Why a path from `fd` cannot be walked: EBADF, ENOTDIR, EFAULT, and what is wrong with the path itself. */
export function placeError(fd: i32, path: u32, length: u32): u32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return WASI_BADF;
  if (file.kind != KIND_DIRECTORY) return WASI_NOTDIR;
  const bytes = userBuffer(path, length);
  return bytes == 0 ? WASI_FAULT : pathError(bytes, length);
}

/** O_… for what is to be opened with `rights`. */
function accessMode(rights: u64): i32 {
  if ((rights & RIGHTS_FD_WRITE) == 0) return O_RDONLY;
  return (rights & (RIGHTS_FD_READ | RIGHTS_FD_READDIR)) != 0 ? O_RDWR : O_WRONLY;
}

export function wasi_path_open(
  fd: i32,
  lookup: u32,
  path: u32,
  length: u32,
  open: u32,
  rights: u64,
  _inheriting: u64,
  flags: u32,
  opened: u32,
): u32 {
  let error = placeError(fd, path, length);
  if (error == 0) error = flagsError(flags);
  if (error != 0) return error;
  if ((open & ~OFLAGS_ALL) != 0 || (lookup & ~LOOKUP_SYMLINK_FOLLOW) != 0) return WASI_INVAL;
  if (!isWord(opened)) return WASI_FAULT;
  const how =
    accessMode(rights) |
    statusFlags(flags) |
    ((open & OFLAGS_CREAT) != 0 ? O_CREAT : 0) |
    ((open & OFLAGS_DIRECTORY) != 0 ? O_DIRECTORY : 0) |
    ((open & OFLAGS_EXCL) != 0 ? O_EXCL : 0) |
    ((open & OFLAGS_TRUNC) != 0 ? O_TRUNC : 0) |
    (lookup == 0 ? O_NOFOLLOW : 0);
  return answerWord(posix_openat(fd, path, length, how, NEW_FILE), opened);
}

export function wasi_path_create_directory(fd: i32, path: u32, length: u32): u32 {
  const error = placeError(fd, path, length);
  return error != 0 ? error : wasiError(posix_mkdirat(fd, path, length, NEW_DIRECTORY));
}

export function wasi_path_link(
  oldFd: i32,
  lookup: u32,
  oldPath: u32,
  oldLength: u32,
  fd: i32,
  path: u32,
  length: u32,
): u32 {
  let error = placeError(oldFd, oldPath, oldLength);
  if (error == 0) error = placeError(fd, path, length);
  if (error != 0) return error;
  if ((lookup & ~LOOKUP_SYMLINK_FOLLOW) != 0) return WASI_INVAL;
  const following = lookup != 0 ? AT_SYMLINK_FOLLOW : 0;
  return wasiError(posix_linkat(oldFd, oldPath, oldLength, fd, path, length, following));
}

export function wasi_path_readlink(fd: i32, path: u32, length: u32, buffer: u32, size: u32, used: u32): u32 {
  const error = placeError(fd, path, length);
  if (error != 0) return error;
  return isWord(used) ? answerWord(posix_readlinkat(fd, path, length, buffer, size), used) : WASI_FAULT;
}

export function wasi_path_remove_directory(fd: i32, path: u32, length: u32): u32 {
  const error = placeError(fd, path, length);
  return error != 0 ? error : wasiError(posix_unlinkat(fd, path, length, AT_REMOVEDIR));
}

export function wasi_path_rename(oldFd: i32, oldPath: u32, oldLength: u32, fd: i32, path: u32, length: u32): u32 {
  let error = placeError(oldFd, oldPath, oldLength);
  if (error == 0) error = placeError(fd, path, length);
  return error != 0 ? error : wasiError(posix_renameat(oldFd, oldPath, oldLength, fd, path, length));
}

/** The text of a link is a path from where the link is, which may not begin with a slash. */
export function wasi_path_symlink(text: u32, textLength: u32, fd: i32, path: u32, length: u32): u32 {
  const error = placeError(fd, path, length);
  if (error != 0) return error;
  const bytes = userBuffer(text, textLength);
  if (bytes != 0 && textLength != 0 && load<u8>(bytes) == SLASH) return WASI_PERM;
  return wasiError(posix_symlinkat(text, textLength, fd, path, length));
}

export function wasi_path_unlink_file(fd: i32, path: u32, length: u32): u32 {
  const error = placeError(fd, path, length);
  return error != 0 ? error : wasiError(posix_unlinkat(fd, path, length, 0));
}
