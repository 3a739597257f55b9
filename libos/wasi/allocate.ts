// fd_allocate: room for a range of a file, so that writes to it do not fail for want of it (posix_fallocate). Each block of the range is written
// once: with what it has, or with a zero behind the end of the file, which grows so.
import { EBADF, EFBIG, EINVAL, ENODEV, ENOSPC } from "../../kernel/errno";
import { nodeResize } from "../fs/changes";
import { contentsRead, contentsSize, contentsWrite } from "../fs/contents";
import { Mount } from "../fs/mounts";
import { O_APPEND } from "../posix/constants";
import { descriptorFile } from "../process/descriptors";
import {
  KIND_DIRECTORY,
  KIND_FILE,
  NO_FILE,
  OpenFile,
  openFileHold,
  openFileIsWritable,
  openFileRelease,
} from "../process/open_file";
import { wasiError } from "./errno";

/** The least that a file system here gives a file at once. */
const BLOCK: u64 = 1024;
const LARGEST: u64 = i64.MAX_VALUE;

const byte = memory.data(1, 1);

/** Writes the byte at `at` with what it has, with a zero behind the end: 0, or why it cannot be written. */
function touch(file: OpenFile, at: u64): i32 {
  store<u8>(byte, 0);
  const read = contentsRead(file, byte, 1, at);
  if (read < 0) return read;
  const written = contentsWrite(file, byte, 1, at);
  if (written == 1) return 0;
  return written < 0 ? written : -ENOSPC;
}

/** A byte of each block from `offset` to `end`, and the last one, which makes the file as long as it must be. */
function touchAll(file: OpenFile, offset: u64, end: u64): i32 {
  for (let at = offset; at < end; at = (at & ~(BLOCK - 1)) + BLOCK) {
    const error = touch(file, at);
    if (error != 0) return error;
  }
  return touch(file, end - 1);
}

/** 0, -EBADF, -ENODEV, -EINVAL, -EFBIG, and what writing fails with: then the file is as long as it was. */
function allocate(file: OpenFile, offset: u64, length: u64): i32 {
  if (file == NO_FILE || file.kind == KIND_DIRECTORY) return -EBADF;
  if (file.kind != KIND_FILE) return -ENODEV;
  if (!openFileIsWritable(file)) return -EBADF;
  if (length == 0) return -EINVAL;
  if (offset > LARGEST || length > LARGEST - offset) return -EFBIG;
  const before = contentsSize(file);
  if (before < 0) return <i32>before;
  openFileHold(file);
  const flags = file.flags;
  file.flags &= ~O_APPEND; // writes go where they are told to
  const error = touchAll(file, offset, offset + length);
  file.flags = flags;
  if (error != 0 && offset + length > <u64>before) nodeResize(changetype<Mount>(file.mount), file.node, before, false);
  openFileRelease(file);
  return error;
}

export function wasi_fd_allocate(fd: i32, offset: u64, length: u64): u32 {
  return wasiError(allocate(descriptorFile(fd), offset, length));
}
