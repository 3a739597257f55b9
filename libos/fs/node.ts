// Nodes of any file system: what the walk, stat, listings and open files ask of them, told to the kind of file system that the mount
// has. A switch and no table of functions, which would be linked into every image. What is on a disk may have to be waited for, and may not
// be had: so these can fail.
import { ENOENT } from "../../kernel/errno";
import { S_IFDIR, S_IFMT, S_IFREG } from "../posix/constants";
import { FileStatus } from "../posix/layout";
import { diskHold, diskLink, diskList, diskLookup, diskParent, diskRelease, diskStatus } from "../optional/with_disk";
import { procLink, procList, procLookup, procParent, procStatus, procType } from "../optional/with_proc";
import { tmpfsList, tmpfsLookup, tmpfsRelease, tmpfsStatus } from "../optional/with_tmpfs";
import { devicesLink, devicesList, devicesLookup, devicesParent, devicesStatus, devicesType } from "./devices";
import { diskNodeNumber, diskNodeType } from "./disk_node";
import { ListedName } from "./listing";
import { FS_DISK, FS_PROC, FS_ROOT, FS_TMPFS, Mount } from "./mounts";
import { rootIsDirectory, rootList, rootLookup, rootParent, rootStatus } from "./root";
import { Inode } from "./tmpfs/inode";

const BLOCK_SIZE: i64 = 4096;

const linkText = memory.data(4, 4);
const linkLength = memory.data(4, 4);
const found = memory.data(8, 8);

/** The tmpfs inode that node `node` is. */
export function nodeInode(node: u64): Inode {
  return changetype<Inode>(<usize>node);
}

/** S_IF… of a node. */
export function nodeType(mount: Mount, node: u64): u32 {
  switch (mount.kind) {
    case FS_ROOT:
      return rootIsDirectory(node) ? S_IFDIR : S_IFREG;
    case FS_TMPFS:
      return nodeInode(node).mode & S_IFMT;
    case FS_PROC:
      return procType(<u32>node);
    case FS_DISK:
      return diskNodeType(node);
    default:
      return devicesType(node);
  }
}

/** What a disk's function has found, or why not. */
function fromDisk(error: i32): i64 {
  return error != 0 ? error : <i64>load<u64>(found);
}

/** The number by which stat() and listings know a node. */
export function nodeNumber(mount: Mount, node: u64): u64 {
  return mount.kind == FS_DISK ? diskNodeNumber(node) : node;
}

/** The node of the `length` bytes of name at `name` in `directory`, which is above 0; -ENOENT, -EIO. */
export function nodeLookup(mount: Mount, directory: u64, name: usize, length: u32): i64 {
  const node = lookup(mount, directory, name, length);
  return node == 0 ? -ENOENT : node;
}

function lookup(mount: Mount, directory: u64, name: usize, length: u32): i64 {
  switch (mount.kind) {
    case FS_ROOT:
      return rootLookup(directory, name, length);
    case FS_TMPFS:
      return tmpfsLookup(nodeInode(directory), name, length);
    case FS_PROC:
      return procLookup(<u32>directory, name, length);
    case FS_DISK:
      return fromDisk(diskLookup(mount, directory, name, length, found));
    default:
      return devicesLookup(directory, name, length);
  }
}

/** The directory above `directory`, which is not the mount's uppermost; -EIO. */
export function nodeParent(mount: Mount, directory: u64): i64 {
  switch (mount.kind) {
    case FS_ROOT:
      return rootParent(directory);
    case FS_TMPFS:
      return nodeInode(directory).parent;
    case FS_PROC:
      return procParent(<u32>directory);
    case FS_DISK:
      return fromDisk(diskParent(mount, directory, found));
    default:
      return devicesParent(directory);
  }
}

/** Where the text of a symbolic link is, good for the time of a walk; nodeLinkLength() is its length. -EIO. */
export function nodeLink(mount: Mount, node: u64): i32 {
  if (mount.kind == FS_TMPFS) {
    store<u32>(linkLength, <u32>nodeInode(node).size);
    return <i32>nodeInode(node).tree;
  }
  if (mount.kind == FS_PROC) return <i32>procLink(<u32>node, linkLength);
  if (mount.kind == FS_DISK) return diskLink(mount, node, linkLength);
  store<u32>(linkLength, devicesLink(node, linkText));
  return <i32>linkText;
}

/** Bytes of the link that nodeLink() was asked for. */
export function nodeLinkLength(): u32 {
  return load<u32>(linkLength);
}

/** Fills `status`, which is zero: 0 or -EIO. */
export function nodeStatus(mount: Mount, node: u64, status: FileStatus): i32 {
  status.device = <u64>mount.index + 1;
  status.blockSize = BLOCK_SIZE;
  if (mount.kind == FS_DISK) return diskStatus(mount, node, status);
  if (mount.kind == FS_ROOT) rootStatus(node, status);
  else if (mount.kind == FS_TMPFS) tmpfsStatus(nodeInode(node), status);
  else if (mount.kind == FS_PROC) procStatus(<u32>node, status);
  else devicesStatus(node, status);
  return 0;
}

/** Fills `listed` with the name of `directory` at or behind the position in `listed.next`: 1, 0 at the end, -EIO. */
export function nodeList(mount: Mount, directory: u64, listed: ListedName): i32 {
  switch (mount.kind) {
    case FS_ROOT:
      return rootList(directory, listed.next, listed) ? 1 : 0;
    case FS_TMPFS:
      return tmpfsList(nodeInode(directory), listed) ? 1 : 0;
    case FS_PROC:
      return procList(<u32>directory, listed) ? 1 : 0;
    case FS_DISK:
      return diskList(mount, directory, listed);
    default:
      return devicesList(directory, listed.next, listed) ? 1 : 0;
  }
}

/** One holder more: the node stays though it loses its names. 0 or -ENOMEM. */
export function nodeHold(mount: Mount, node: u64): i32 {
  if (mount.kind == FS_DISK) return diskHold(mount, node);
  if (mount.kind == FS_TMPFS) nodeInode(node).references += 1;
  return 0;
}

/** One holder less. */
export function nodeRelease(mount: Mount, node: u64): void {
  if (mount.kind == FS_TMPFS) tmpfsRelease(nodeInode(node));
  else if (mount.kind == FS_DISK) diskRelease(mount, node);
}
