// The contents of open files, of whatever file system: OpenFile.object is the index of an embedded file, and
// the text of one in /proc, 0 until it is read. Nothing here blocks.
import { EBADF } from "../../kernel/errno";
import { O_APPEND } from "../posix/constants";
import { OpenFile, openFileIsWritable } from "../process/open_file";
import { procClose, procRead } from "../optional/with_proc";
import { tmpfsRead, tmpfsWrite } from "../optional/with_tmpfs";
import { embeddedFile } from "./embedded";
import { FS_PROC, FS_ROOT, FS_TMPFS, Mount } from "./mounts";
import { nodeInode, nodeRelease } from "./node";
import { rootFileIndex } from "./root";

/** What OpenFile.object is to be for regular file `node`. */
export function contentsOpen(mount: Mount, node: u64): usize {
  return mount.kind == FS_ROOT ? rootFileIndex(node) : 0;
}

/** What an open file or directory holds is let go. */
export function contentsClose(file: OpenFile): void {
  const mount = changetype<Mount>(file.mount);
  if (mount.kind == FS_PROC && file.object != 0) procClose(file.object);
  nodeRelease(mount, file.node);
}

/** Copies up to `count` bytes of an embedded file from `offset`: how many. */
function readEmbedded(index: u32, target: usize, count: u32, offset: u64): i32 {
  const file = embeddedFile(index);
  if (offset >= file.dataLength) return 0;
  const length = min(<u64>count, file.dataLength - offset);
  memory.copy(target, file.data() + <usize>offset, <usize>length);
  return <i32>length;
}

/** Copies up to `count` bytes from `offset` to `target`: how many, 0 at and behind the end; -ENOMEM. */
export function contentsRead(file: OpenFile, target: usize, count: u32, offset: u64): i32 {
  const kind = changetype<Mount>(file.mount).kind;
  if (kind == FS_ROOT) return readEmbedded(<u32>file.object, target, count, offset);
  if (kind == FS_PROC) {
    return procRead(<u32>file.node, changetype<usize>(file) + offsetof<OpenFile>("object"), target, count, offset);
  }
  return tmpfsRead(nodeInode(file.node), target, count, offset);
}

/** Bytes of the file; of one in /proc 0, as it is made when it is read. */
export function contentsSize(file: OpenFile): u64 {
  const kind = changetype<Mount>(file.mount).kind;
  if (kind == FS_ROOT) return embeddedFile(<u32>file.object).dataLength;
  return kind == FS_TMPFS ? nodeInode(file.node).size : 0;
}

/** Whether they are embedded, and so stay where they are. */
export function contentsAreInImage(file: OpenFile): bool {
  return changetype<Mount>(file.mount).kind == FS_ROOT;
}

let written: u64 = 0;

/**
 * Writes `count` bytes at `offset`, or at the end of a file that was opened with O_APPEND: how many, -EBADF (it is not open for writing),
 * -ENOSPC, -ENOMEM, -EFBIG.
 */
export function contentsWrite(file: OpenFile, source: usize, count: u32, offset: u64): i32 {
  if (!openFileIsWritable(file)) return -EBADF;
  const inode = nodeInode(file.node);
  const start = (file.flags & O_APPEND) != 0 ? inode.size : offset;
  const length = tmpfsWrite(inode, source, count, start);
  if (length > 0) written = start + length;
  return length;
}

/** Where the last contentsWrite() has ended. */
export function contentsWritten(): u64 {
  return written;
}
