// Files without names: open() with O_TMPFILE (fs/namei.c, do_tmpfile). The inode belongs to the file system of the directory, counts against its
// size, and is gone with its last holder; on a disk the list of orphans has it, so that a power cut leaves nothing of it. Unless O_EXCL was said it can
// be given a name, once: linkat() of its descriptor with AT_EMPTY_PATH, or of that in /dev/fd or /proc/self/fd with AT_SYMLINK_FOLLOW.
import { EINVAL, ENOTDIR, EROFS } from "../../kernel/errno";
import { mountIsWritable, nodeMakeUnnamed } from "../fs/changes";
import { WALK_SIZE, Walk, walkOn } from "../fs/walk";
import { NO_UNNAMED } from "../optional/with_unnamed";
import { O_ACCMODE, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, S_IFREG } from "./constants";
import { fileModeMask } from "./modes";
import { openHeld } from "./open";
import { userPathParent } from "./user_path";

const walk = changetype<Walk>(memory.data(WALK_SIZE, 8));

/** Export, by libos/optional/with_unnamed.ts. */
export function unnamedOpen(directory: i32, path: u32, length: u32, flags: i32, mode: u32): i32 {
  return open(directory, path, length, flags, mode) ^ NO_UNNAMED;
}

function open(directory: i32, path: u32, length: u32, flags: i32, mode: u32): i32 {
  if ((flags & O_DIRECTORY) == 0 || (flags & O_ACCMODE) == O_RDONLY) return -EINVAL;
  const error = userPathParent(directory, path, length, walk);
  if (error != 0) return error;
  const missing = walkOn((flags & O_NOFOLLOW) == 0, walk);
  if (missing != 0) return missing;
  if (!walk.isDirectory()) return -ENOTDIR;
  if (!mountIsWritable(walk.mount)) return -EROFS;
  const linkable = (flags & O_EXCL) == 0;
  const node = nodeMakeUnnamed(walk.mount, walk.node, S_IFREG | fileModeMask(mode), linkable);
  return node < 0 ? <i32>node : openHeld(walk.mount, <u64>node, flags);
}
