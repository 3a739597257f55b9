// Permissions: umask, chmod and access. They are kept and told; the one user there is, root, is kept from nothing by them.
import { EACCES, EBADF, EINVAL, EROFS } from "../../kernel/errno";
import { mountIsWritable, nodeSetMode } from "../fs/changes";
import { filesEnter, filesLeave } from "../fs/lock";
import { FS_DEVICES, Mount } from "../fs/mounts";
import { nodeStatus, nodeType } from "../fs/node";
import { WALK_SIZE, Walk } from "../fs/walk";
import { descriptorFile } from "../process/descriptors";
import { NO_FILE } from "../process/open_file";
import { R_OK, S_IFCHR, S_IFREG, W_OK, X_OK } from "./constants";
import { FILE_STATUS_SIZE, FileStatus } from "./layout";
import { userPath } from "./user_path";

const ALL: u32 = 0xfff; // S_ISUID … rwxrwxrwx
const EXECUTE: u32 = 0x49; // --x--x--x

const walk = changetype<Walk>(memory.data(WALK_SIZE, 8));
const status = changetype<FileStatus>(memory.data(FILE_STATUS_SIZE, 8));

let mask: u32 = 0x12; // ----w--w-

/** The permissions of a new file that is asked for with `mode`. */
export function fileModeMask(mode: u32): u32 {
  return mode & ALL & ~mask;
}

/** The bits that new files do not get. */
export function fileMask(): u32 {
  return mask;
}

export function posix_umask(bits: u32): i32 {
  const before = mask;
  mask = bits & 0x1ff;
  return before;
}

export function posix_fchmodat(directory: i32, path: u32, pathLength: u32, mode: u32): i32 {
  filesEnter();
  const error = userPath(directory, path, pathLength, true, walk);
  return filesLeave(error != 0 ? error : nodeSetMode(walk.mount, walk.node, mode));
}

export function posix_fchmod(fd: i32, mode: u32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  return file.mount == 0 ? -EROFS : nodeSetMode(changetype<Mount>(file.mount), file.node, mode);
}

/** Whether root may: it may everything but write what is read-only and run what nobody may run. */
export function posix_faccessat(directory: i32, path: u32, pathLength: u32, mode: i32): i32 {
  if ((mode & ~(R_OK | W_OK | X_OK)) != 0) return -EINVAL;
  filesEnter();
  return filesLeave(access(directory, path, pathLength, mode));
}

function access(directory: i32, path: u32, pathLength: u32, mode: i32): i32 {
  const error = userPath(directory, path, pathLength, true, walk);
  if (error != 0) return error;
  const type = nodeType(walk.mount, walk.node);
  const isReadOnly = !mountIsWritable(walk.mount) && !(walk.mount.kind == FS_DEVICES && type == S_IFCHR);
  if ((mode & W_OK) != 0 && isReadOnly) return -EROFS;
  if ((mode & X_OK) == 0 || type != S_IFREG) return 0;
  memory.fill(changetype<usize>(status), 0, FILE_STATUS_SIZE);
  const failure = nodeStatus(walk.mount, walk.node, status);
  if (failure != 0) return failure;
  return (status.mode & EXECUTE) == 0 ? -EACCES : 0;
}
