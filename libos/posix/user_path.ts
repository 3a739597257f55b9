// Paths that an app hands over: their bytes are looked at where they are, in its memory.
import { EBADF, EFAULT, ENAMETOOLONG, ENOENT, ENOTDIR } from "../../kernel/errno";
import { Mount } from "../fs/mounts";
import { Walk, walkBelow, walkOn, walkToParent } from "../fs/walk";
import { descriptorFile } from "../process/descriptors";
import { KIND_DIRECTORY, NO_FILE } from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { AT_FDCWD, PATH_MAX } from "./constants";

const SLASH: u8 = 0x2f;

/**
 * Walks to the directory of the path's last component; a relative path begins at `directory`, a descriptor or AT_FDCWD. 0, or -EFAULT,
 * -ENOENT, -ENOTDIR, -ENAMETOOLONG, -ELOOP, -EBADF.
 */
export function userPathParent(directory: i32, path: u32, length: u32, walk: Walk): i32 {
  if (length >= PATH_MAX) return -ENAMETOOLONG;
  const bytes = userBuffer(path, length);
  if (bytes == 0) return -EFAULT;
  if (length == 0) return -ENOENT;
  if (directory != AT_FDCWD && load<u8>(bytes) != SLASH) {
    const file = descriptorFile(directory);
    if (file == NO_FILE) return -EBADF;
    if (file.kind != KIND_DIRECTORY) return -ENOTDIR;
    walkBelow(changetype<Mount>(file.mount), file.node);
  }
  return walkToParent(bytes, length, walk);
}

/** Walks to what the path names, through a symbolic link at its end when `following`. */
export function userPath(directory: i32, path: u32, length: u32, following: bool, walk: Walk): i32 {
  const error = userPathParent(directory, path, length, walk);
  return error != 0 ? error : walkOn(following, walk);
}
