// fallocate without a mode (fallocate(2), posix_fallocate): room for a range of a file, so that writes to it do not fail for want of it. A byte of each
// block of the range is written: a zero where there was none, so that the file grows as far. What is there is read, and written only where it
// may be a hole: a write of another thread to that very byte just then would be lost, as with glibc's own.
import { EBADF, EFBIG, EINVAL, ENODEV, ENOMEM, ENOSPC, ESPIPE } from "../../kernel/errno";
import { pageAlloc, pagesFree } from "../../kernel/memory/pages";
import { contentsRead, contentsWrite } from "../fs/contents";
import { descriptorFile } from "../process/descriptors";
import {
  KIND_FILE,
  NO_FILE,
  OpenFile,
  openFileHold,
  openFileIsPipe,
  openFileIsWritable,
  openFileRelease,
} from "../process/open_file";
import { O_APPEND } from "./constants";

/** The least that a file system here gives a file at once. */
const BLOCK: u64 = 1024;
const LARGEST: u64 = i64.MAX_VALUE;

/** Has the byte at `at` be there, by way of kernel address `byte`: 0, or why it cannot be written. */
function touch(file: OpenFile, at: u64, byte: usize): i32 {
  store<u8>(byte, 0);
  const read = contentsRead(file, byte, 1, at);
  if (read < 0) return read;
  if (load<u8>(byte) != 0) return 0;
  const written = contentsWrite(file, byte, 1, at);
  if (written == 1) return 0;
  return written < 0 ? written : -ENOSPC;
}

/** The last byte in the range of each block that it touches: so the file is as long as it must be. */
function touchAll(file: OpenFile, offset: u64, end: u64, byte: usize): i32 {
  for (let at = offset; at < end;) {
    const last = min(at | (BLOCK - 1), end - 1);
    const error = touch(file, last, byte);
    if (error != 0) return error;
    at = last + 1;
  }
  return 0;
}

/**
 * Sees to it that `length` bytes from `offset` on are there: 0, -EBADF (also for O_APPEND, as glibc has it), -EINVAL, -EFBIG, -ESPIPE, -ENODEV, -ENOMEM, and
 * what reading and writing fails with: then a part may be there.
 */
export function posix_fallocate(fd: i32, offset: u64, length: u64): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE || !openFileIsWritable(file) || (file.flags & O_APPEND) != 0) return -EBADF;
  if (offset > LARGEST || length > LARGEST || length == 0) return -EINVAL;
  if (length > LARGEST - offset) return -EFBIG;
  if (file.kind != KIND_FILE) return openFileIsPipe(file) ? -ESPIPE : -ENODEV;
  // Others may allocate while a disk is waited for: each has a byte of its own.
  const byte = pageAlloc();
  if (byte == 0) return -ENOMEM;
  openFileHold(file);
  const error = touchAll(file, offset, offset + length, byte);
  openFileRelease(file);
  pagesFree(byte, 0);
  return error;
}
