// Whose files are: chown and its kin. It is kept and told, and keeps nobody from anything, as there is one user, root.
import { EBADF, EINVAL, EROFS } from "../../kernel/errno";
import { nodeSetOwner } from "../fs/changes";
import { filesEnter, filesLeave } from "../fs/lock";
import { Mount } from "../fs/mounts";
import { nodeStatus } from "../fs/node";
import { WALK_SIZE, Walk } from "../fs/walk";
import { descriptorFile } from "../process/descriptors";
import { NO_FILE } from "../process/open_file";
import { AT_SYMLINK_NOFOLLOW } from "./constants";
import { FILE_STATUS_SIZE, FileStatus } from "./layout";
import { userPath } from "./user_path";

const walk = changetype<Walk>(memory.data(WALK_SIZE, 8));
const status = changetype<FileStatus>(memory.data(FILE_STATUS_SIZE, 8));

/** `path` 0: of descriptor `fd` itself. */
export function posix_fchownat(fd: i32, path: u32, pathLength: u32, user: u32, group: u32, flags: i32): i32 {
  if ((flags & ~AT_SYMLINK_NOFOLLOW) != 0) return -EINVAL;
  filesEnter();
  return filesLeave(path == 0 ? ofDescriptor(fd, user, group) : ofPath(fd, path, pathLength, user, group, flags));
}

function ofDescriptor(fd: i32, user: u32, group: u32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  return file.mount == 0 ? -EROFS : change(changetype<Mount>(file.mount), file.node, user, group);
}

function ofPath(directory: i32, path: u32, pathLength: u32, user: u32, group: u32, flags: i32): i32 {
  const error = userPath(directory, path, pathLength, (flags & AT_SYMLINK_NOFOLLOW) == 0, walk);
  return error != 0 ? error : change(walk.mount, walk.node, user, group);
}

function change(mount: Mount, node: u64, user: u32, group: u32): i32 {
  memory.fill(changetype<usize>(status), 0, FILE_STATUS_SIZE);
  const error = nodeStatus(mount, node, status);
  return error != 0 ? error : nodeSetOwner(mount, node, user, group, status.mode);
}
