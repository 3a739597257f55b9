// open and openat, which creat is: from a path and flags to a descriptor.
import { EEXIST, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, ENXIO, EROFS } from "../../kernel/errno";
import { contentsOpen } from "../fs/contents";
import { DEVICE_CONSOLE, devicesDescriptor, devicesNumber } from "../fs/devices";
import { mountIsWritable, nodeMake, nodeResize } from "../fs/changes";
import { filesEnter, filesLeave } from "../fs/lock";
import { FS_DEVICES, Mount } from "../fs/mounts";
import { nodeHold, nodeRelease, nodeType } from "../fs/node";
import { LAST_NAME, WALK_SIZE, Walk, walkOn, walkToParent } from "../fs/walk";
import {
  descriptorClose,
  descriptorDuplicate,
  descriptorFile,
  descriptorFree,
  descriptorOpen,
} from "../process/descriptors";
import { KIND_CONSOLE, KIND_DEVICE, KIND_DIRECTORY, KIND_FILE, openFileIsSocket } from "../process/open_file";
import { NO_UNNAMED, unnamedOpen } from "../optional/with_unnamed";
import {
  AT_FDCWD,
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_RDONLY,
  O_SYNC,
  O_TMPFILE,
  O_TRUNC,
  S_IFDIR,
  S_IFLNK,
  S_IFREG,
} from "./constants";
import { fileModeMask } from "./modes";
import { userPathParent } from "./user_path";

/** Flags that a description keeps. */
const KEPT: i32 = O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC;

/** O_TMPFILE without what it has in common with other flags. */
const UNNAMED: i32 = O_TMPFILE & ~O_DIRECTORY;

const walk = changetype<Walk>(memory.data(WALK_SIZE, 8));

/** A descriptor for the regular file or directory that `walk` has led to. */
function openNode(kind: u32, flags: i32): i32 {
  const object = kind == KIND_FILE ? contentsOpen(walk.mount, walk.node) : 0;
  const fd = descriptorOpen(kind, object, flags & KEPT, (flags & O_CLOEXEC) != 0);
  if (fd < 0) return fd;
  const file = descriptorFile(fd);
  const error = nodeHold(walk.mount, walk.node);
  if (error != 0) {
    descriptorClose(fd);
    return error;
  }
  file.mount = changetype<usize>(walk.mount);
  file.node = walk.node;
  return fd;
}

/** A descriptor for a device, or for what another descriptor refers to. */
function openDevice(flags: i32): i32 {
  const closeOnExec = (flags & O_CLOEXEC) != 0;
  const fd = devicesDescriptor(walk.node);
  if (fd >= 0) {
    // A second descriptor of the description; files and directories have been walked to and get a new one.
    const file = descriptorFile(fd);
    return openFileIsSocket(file) ? -ENXIO : descriptorDuplicate(file, 0, closeOnExec);
  }
  const device = devicesNumber(walk.node);
  const kind = device == DEVICE_CONSOLE ? KIND_CONSOLE : KIND_DEVICE;
  return descriptorOpen(kind, device, flags & (O_ACCMODE | O_NONBLOCK), closeOnExec);
}

/** Opens what is there. */
function openFound(flags: i32): i32 {
  if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return -EEXIST;
  const type = nodeType(walk.mount, walk.node);
  const writing = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
  if (type == S_IFDIR) {
    if (writing || (flags & O_CREAT) != 0) return -EISDIR;
    return openNode(KIND_DIRECTORY, flags);
  }
  if ((flags & O_DIRECTORY) != 0) return -ENOTDIR;
  if (type == S_IFLNK) return -ELOOP;
  if (walk.mount.kind == FS_DEVICES) return openDevice(flags);
  if (!writing) return openNode(KIND_FILE, flags);
  if (!mountIsWritable(walk.mount)) return -EROFS;
  const fd = openNode(KIND_FILE, flags);
  if (fd < 0 || (flags & O_TRUNC) == 0) return fd;
  const error = nodeResize(walk.mount, walk.node, 0, true);
  if (error == 0) return fd;
  descriptorClose(fd);
  return error;
}

/** Makes the file that is missing. */
function openMade(flags: i32, mode: u32): i32 {
  if (!mountIsWritable(walk.parentMount)) return -EROFS;
  const permissions = S_IFREG | fileModeMask(mode);
  const node = nodeMake(walk.parentMount, walk.parentNode, walk.name, walk.nameLength, permissions, 0, 0);
  if (node < 0) return <i32>node;
  walk.mount = walk.parentMount;
  walk.node = <u64>node;
  return openNode(KIND_FILE, flags);
}

/** Opens regular file `node`, which is held for this. */
export function openHeld(mount: Mount, node: u64, flags: i32): i32 {
  walk.mount = mount;
  walk.node = node;
  const fd = openNode(KIND_FILE, flags);
  nodeRelease(mount, node);
  return fd;
}

export function posix_openat(directory: i32, path: u32, pathLength: u32, flags: i32, mode: u32): i32 {
  filesEnter();
  return filesLeave(openAt(directory, path, pathLength, flags, mode));
}

function openAt(directory: i32, path: u32, pathLength: u32, flags: i32, mode: u32): i32 {
  const creating = (flags & O_CREAT) != 0;
  if (creating && (flags & O_DIRECTORY) != 0) return -EINVAL;
  const free = descriptorFree(0);
  if (free < 0) return free;
  if ((flags & UNNAMED) != 0) return unnamedOpen(directory, path, pathLength, flags, mode) ^ NO_UNNAMED;
  const error = userPathParent(directory, path, pathLength, walk);
  if (error != 0) return error;
  if (creating && walk.last == LAST_NAME && walk.slashes) return -EISDIR;
  const following = (flags & O_NOFOLLOW) == 0 && !(creating && (flags & O_EXCL) != 0);
  const missing = walkOn(following, walk);
  if (creating && walk.last == LAST_NAME && walk.slashes) return -EISDIR; // a link has led there
  if (missing == -ENOENT && creating && walk.missing) return openMade(flags, mode);
  return missing != 0 ? missing : openFound(flags);
}

/** Opens what the `length` bytes of path at kernel address `path` name, for reading; as posix_openat. */
export function openPlace(path: usize, length: u32, flags: i32): i32 {
  filesEnter();
  let error = walkToParent(path, length, walk);
  if (error == 0) error = walkOn(true, walk);
  return filesLeave(error != 0 ? error : openFound(flags));
}

export function posix_open(path: u32, pathLength: u32, flags: i32, mode: u32): i32 {
  return posix_openat(AT_FDCWD, path, pathLength, flags, mode);
}
