// execveat, which execve and fexecve are, and what programs ask of how they were started. An app of an image without other programs has
// arguments and environment from the command line (process.ts); where they may come from elsewhere, the calls are these (programs_…,
// tools/image/glue.ts).
import { appMaximumPages, appName, appPrograms } from "../../kernel/boot";
import { EACCES, EBADF, EFAULT, EINVAL, ELOOP, ENOEXEC } from "../../kernel/errno";
import { appSpaceGrowAgain } from "../../kernel/memory/app_renewal";
import { APP_LIMIT } from "../../kernel/memory/app_space";
import { embeddedFile } from "../fs/embedded";
import { FS_ROOT, Mount } from "../fs/mounts";
import { nodeStatus, nodeType } from "../fs/node";
import { rootFileIndex } from "../fs/root";
import { WALK_SIZE, Walk } from "../fs/walk";
import { descriptorFile } from "../process/descriptors";
import { execBegin, execPrepare } from "../process/exec";
import { exitHandlerAdd } from "../process/exit_handlers";
import { KIND_DIRECTORY, KIND_FILE, NO_FILE } from "../process/open_file";
import {
  StartTexts,
  startDataArguments,
  startDataEnvironment,
  startDataNameLength,
  startDataSetEnvironment,
  startDataTake,
} from "../process/start_data";
import { app_memory_size, userBuffer } from "../process/user_memory";
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, S_IFLNK, S_IFREG } from "./constants";
import { FILE_STATUS_SIZE, FileStatus } from "./layout";
import { writeArguments, writeEnvironment } from "./process";
import { userPath } from "./user_path";

const EXECUTE: u32 = 0x49; // --x--x--x
const WASM_PAGE_SHIFT: u32 = 16;

const walk = changetype<Walk>(memory.data(WALK_SIZE, 8));
const status = changetype<FileStatus>(memory.data(FILE_STATUS_SIZE, 8));

/** The number of the program in regular file `node`, from 0: -EACCES, -ENOEXEC. */
function programIn(mount: Mount, node: u64): i32 {
  if (nodeType(mount, node) != S_IFREG) return -EACCES;
  memory.fill(changetype<usize>(status), 0, FILE_STATUS_SIZE);
  nodeStatus(mount, node, status);
  if ((status.mode & EXECUTE) == 0) return -EACCES;
  if (mount.kind != FS_ROOT) return -ENOEXEC;
  const number = <i32>embeddedFile(rootFileIndex(node)).program - 1;
  return number >= 0 && <u32>number < appPrograms() ? number : -ENOEXEC;
}

/** The number of the program that an open file is: -EBADF, -EACCES, -ENOEXEC. */
function programOpen(fd: i32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (file.kind != KIND_FILE && file.kind != KIND_DIRECTORY) return -EACCES;
  return programIn(changetype<Mount>(file.mount), file.node);
}

/** The number of the program that a path names, or with AT_EMPTY_PATH and no path the descriptor `directory`; -errno. */
function programNamed(directory: i32, path: u32, pathLength: u32, flags: i32): i32 {
  if (pathLength == 0 && (flags & AT_EMPTY_PATH) != 0 && directory != AT_FDCWD) return programOpen(directory);
  const following = (flags & AT_SYMLINK_NOFOLLOW) == 0;
  const error = userPath(directory, path, pathLength, following, walk);
  if (error != 0) return error;
  if (!following && nodeType(walk.mount, walk.node) == S_IFLNK) return -ELOOP;
  return programIn(walk.mount, walk.node);
}

export function posix_execveat(
  directory: i32,
  path: u32,
  pathLength: u32,
  argumentsAt: u32,
  argumentsLength: u32,
  environmentAt: u32,
  environmentLength: u32,
  flags: i32,
): i32 {
  if ((flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) != 0) return -EINVAL;
  const number = programNamed(directory, path, pathLength, flags);
  if (number < 0 && number != -ENOEXEC) return number;
  const refused = startDataTake(argumentsAt, argumentsLength, environmentAt, environmentLength);
  if (refused != 0) return refused;
  if (number < 0) return number;
  const missing = execPrepare(number);
  if (missing == 0) execBegin(number);
  return missing;
}

/** Copies up to `length` bytes to app memory: how many, or -EFAULT. */
function copyOut(buffer: u32, length: u32, source: usize, available: u32): i32 {
  const bytes = userBuffer(buffer, length);
  if (bytes == 0) return -EFAULT;
  const count = min(length, available);
  memory.copy(bytes, source, count);
  return <i32>count;
}

/** The program's name, with its zero byte: what execve was given as argument 0, or else the image's. */
export function posix_program_name(buffer: u32, length: u32): i32 {
  const given = startDataArguments();
  if (given.address != 0) return copyOut(buffer, length, given.address, startDataNameLength());
  let end = appName();
  while (load<u8>(end) != 0) end++;
  return copyOut(buffer, length, appName(), <u32>(end - appName()) + 1);
}

export function posix_environment_set(texts: u32, length: u32): i32 {
  return startDataSetEnvironment(texts, length);
}

export function posix_atexit(handler: u32): i32 {
  return handler == 0 ? -EINVAL : exitHandlerAdd(handler);
}

export function programs_arguments_size(): i32 {
  const given = startDataArguments();
  return given.address == 0 ? writeArguments(0, 0) : given.length - startDataNameLength();
}

export function programs_arguments_get(buffer: u32, length: u32): i32 {
  const given = startDataArguments();
  if (given.address != 0) {
    const name = startDataNameLength();
    return copyOut(buffer, length, given.address + name, given.length - name);
  }
  const bytes = userBuffer(buffer, length);
  return bytes == 0 ? -EFAULT : min(writeArguments(bytes, length), length);
}

export function programs_environment_size(): i32 {
  const own: StartTexts = startDataEnvironment();
  return own.address == 0 ? writeEnvironment(0, 0) : own.length;
}

export function programs_environment_get(buffer: u32, length: u32): i32 {
  const own = startDataEnvironment();
  if (own.address != 0) return copyOut(buffer, length, own.address, own.length);
  const bytes = userBuffer(buffer, length);
  return bytes == 0 ? -EFAULT : min(writeEnvironment(bytes, length), length);
}

export function programs_memory_grow(pages: u32): u32 {
  const before = app_memory_size();
  const most = min(appMaximumPages(), APP_LIMIT >> WASM_PAGE_SHIFT);
  if (before > most || pages > most - before) return -1;
  return appSpaceGrowAgain((before + pages) << WASM_PAGE_SHIFT) == 0 ? before : -1;
}
