// The working directory, where relative paths begin.
import { EBADF, EFAULT, ENOTDIR, ERANGE } from "../../kernel/errno";
import { filesEnter, filesLeave } from "../fs/lock";
import { placePath } from "../fs/place_path";
import { Mount } from "../fs/mounts";
import { WALK_SIZE, Walk } from "../fs/walk";
import { setWorkingDirectory, workingDirectory, workingDirectoryMount } from "../fs/working_directory";
import { descriptorFile } from "../process/descriptors";
import { KIND_DIRECTORY, NO_FILE } from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { AT_FDCWD, PATH_MAX } from "./constants";
import { userPath } from "./user_path";

const walk = changetype<Walk>(memory.data(WALK_SIZE, 8));
const text = memory.data(4096, 8); // PATH_MAX bytes

export function posix_chdir(path: u32, pathLength: u32): i32 {
  filesEnter();
  const error = userPath(AT_FDCWD, path, pathLength, true, walk);
  return filesLeave(error != 0 ? error : enter());
}

/** Goes to where `walk` has led. */
function enter(): i32 {
  return walk.isDirectory() ? setWorkingDirectory(walk.mount, walk.node) : -ENOTDIR;
}

export function posix_fchdir(fd: i32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (file.kind != KIND_DIRECTORY) return -ENOTDIR;
  return setWorkingDirectory(changetype<Mount>(file.mount), file.node);
}

/** Writes the path to `buffer`, without a zero byte: its length, -ENOENT when the directory has been removed, -ERANGE. */
export function posix_getcwd(buffer: u32, size: u32): i32 {
  filesEnter();
  return filesLeave(tellPath(buffer, size));
}

function tellPath(buffer: u32, size: u32): i32 {
  const length = placePath(workingDirectoryMount(), workingDirectory(), text, PATH_MAX);
  if (length < 0) return length;
  if (<u32>length > size) return -ERANGE;
  const bytes = userBuffer(buffer, length);
  if (bytes == 0) return -EFAULT;
  memory.copy(bytes, text, length);
  return length;
}
