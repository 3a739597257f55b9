// Nodes of any file system: what the walk, stat, listings and open files ask of them, told to the kind of file system that the mount
// has. A switch and no table of functions, which would be linked into every image. One kind more – on a disk, say – is one case more here.
import { S_IFDIR, S_IFMT, S_IFREG } from "../posix/constants";
import { FileStatus } from "../posix/layout";
import { procLink, procList, procLookup, procParent, procStatus, procType } from "../optional/with_proc";
import { tmpfsList, tmpfsLookup, tmpfsRelease, tmpfsStatus } from "../optional/with_tmpfs";
import { devicesLink, devicesList, devicesLookup, devicesParent, devicesStatus, devicesType } from "./devices";
import { ListedName } from "./listing";
import { FS_PROC, FS_ROOT, FS_TMPFS, Mount } from "./mounts";
import { rootIsDirectory, rootList, rootLookup, rootParent, rootStatus } from "./root";
import { Inode } from "./tmpfs/inode";

const BLOCK_SIZE: i64 = 4096;

const linkText = memory.data(4, 4);
const linkLength = memory.data(4, 4);

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
    default:
      return devicesType(node);
  }
}

/** The node of the `length` bytes of name at `name` in `directory`; 0 when there is none. */
export function nodeLookup(mount: Mount, directory: u64, name: usize, length: u32): u64 {
  switch (mount.kind) {
    case FS_ROOT:
      return rootLookup(directory, name, length);
    case FS_TMPFS:
      return tmpfsLookup(nodeInode(directory), name, length);
    case FS_PROC:
      return procLookup(<u32>directory, name, length);
    default:
      return devicesLookup(directory, name, length);
  }
}

/** The directory above `directory`, which is not the mount's uppermost. */
export function nodeParent(mount: Mount, directory: u64): u64 {
  switch (mount.kind) {
    case FS_ROOT:
      return rootParent(directory);
    case FS_TMPFS:
      return nodeInode(directory).parent;
    case FS_PROC:
      return procParent(<u32>directory);
    default:
      return devicesParent(directory);
  }
}

/** Where the text of a symbolic link is, good until the next link's is asked for; nodeLinkLength() is its length. */
export function nodeLink(mount: Mount, node: u64): usize {
  if (mount.kind == FS_TMPFS) {
    store<u32>(linkLength, <u32>nodeInode(node).size);
    return nodeInode(node).tree;
  }
  if (mount.kind == FS_PROC) return procLink(<u32>node, linkLength);
  store<u32>(linkLength, devicesLink(node, linkText));
  return linkText;
}

/** Bytes of the link that nodeLink() was asked for. */
export function nodeLinkLength(): u32 {
  return load<u32>(linkLength);
}

/** Fills `status`, which is zero. */
export function nodeStatus(mount: Mount, node: u64, status: FileStatus): void {
  status.device = <u64>mount.index + 1;
  status.blockSize = BLOCK_SIZE;
  switch (mount.kind) {
    case FS_ROOT:
      return rootStatus(node, status);
    case FS_TMPFS:
      return tmpfsStatus(nodeInode(node), status);
    case FS_PROC:
      return procStatus(<u32>node, status);
    default:
      return devicesStatus(node, status);
  }
}

/** Fills `listed` with the name of `directory` at or behind the position in `listed.next`; false at the end. */
export function nodeList(mount: Mount, directory: u64, listed: ListedName): bool {
  switch (mount.kind) {
    case FS_ROOT:
      return rootList(directory, listed.next, listed);
    case FS_TMPFS:
      return tmpfsList(nodeInode(directory), listed);
    case FS_PROC:
      return procList(<u32>directory, listed);
    default:
      return devicesList(directory, listed.next, listed);
  }
}

/** One holder more: the node stays though it loses its names. */
export function nodeHold(mount: Mount, node: u64): void {
  if (mount.kind == FS_TMPFS) nodeInode(node).references += 1;
}

/** One holder less. */
export function nodeRelease(mount: Mount, node: u64): void {
  if (mount.kind == FS_TMPFS) tmpfsRelease(nodeInode(node));
}
