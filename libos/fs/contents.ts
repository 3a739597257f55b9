// The contents of open files, of whatever file system: OpenFile.object is the index of an embedded file, and
// the text of one in /proc, 0 until it is read. What is on a disk may have to be waited for.
import { EBADF } from "../../kernel/errno";
import { O_APPEND } from "../posix/constants";
import { OpenFile, openFileIsWritable } from "../process/open_file";
import { diskRead, diskWrite } from "../optional/with_disk";
import { procClose, procRead } from "../optional/with_proc";
import { tmpfsRead, tmpfsWrite } from "../optional/with_tmpfs";
import { embeddedFile } from "./embedded";
import { FILE_STATUS_SIZE, FileStatus } from "../posix/layout";
import { FS_DISK, FS_PROC, FS_ROOT, FS_TMPFS, Mount } from "./mounts";
import { nodeInode, nodeRelease, nodeStatus } from "./node";
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

/** Copies up to `count` bytes from `offset` to `target`: how many, 0 at and behind the end; -ENOMEM, -EIO. */
export function contentsRead(file: OpenFile, target: usize, count: u32, offset: u64): i32 {
  const kind = changetype<Mount>(file.mount).kind;
  if (kind == FS_ROOT) return readEmbedded(<u32>file.object, target, count, offset);
  if (kind == FS_PROC) {
    return procRead(<u32>file.node, changetype<usize>(file) + offsetof<OpenFile>("object"), target, count, offset);
  }
  if (kind == FS_DISK) return diskRead(file, target, count, offset);
  return tmpfsRead(nodeInode(file.node), target, count, offset);
}

/** Bytes of the file; of one in /proc 0, as it is made when it is read; -EIO. */
export function contentsSize(file: OpenFile): i64 {
  const mount = changetype<Mount>(file.mount);
  if (mount.kind == FS_ROOT) return embeddedFile(<u32>file.object).dataLength;
  if (mount.kind == FS_TMPFS) return nodeInode(file.node).size;
  if (mount.kind != FS_DISK) return 0;
  memory.fill(changetype<usize>(status), 0, FILE_STATUS_SIZE);
  const error = nodeStatus(mount, file.node, status);
  return error != 0 ? error : status.size;
}

/** Whether they are embedded, and so stay where they are. */
export function contentsAreInImage(file: OpenFile): bool {
  return changetype<Mount>(file.mount).kind == FS_ROOT;
}

const status = changetype<FileStatus>(memory.data(FILE_STATUS_SIZE, 8));
const writtenTo = memory.data(8, 8);

/**
 * Writes `count` bytes at `offset`, or at the end of a file that was opened with O_APPEND: how many, -EBADF (it is not open for writing),
 * -ENOSPC, -ENOMEM, -EFBIG, -EIO, -EROFS.
 */
export function contentsWrite(file: OpenFile, source: usize, count: u32, offset: u64): i32 {
  if (!openFileIsWritable(file)) return -EBADF;
  if (changetype<Mount>(file.mount).kind == FS_DISK) return diskWrite(file, source, count, offset, writtenTo);
  const inode = nodeInode(file.node);
  const start = (file.flags & O_APPEND) != 0 ? inode.size : offset;
  const length = tmpfsWrite(inode, source, count, start);
  if (length > 0) store<u64>(writtenTo, start + length);
  return length;
}

/** Where the last contentsWrite() has ended. */
export function contentsWritten(): u64 {
  return load<u64>(writtenTo);
}
