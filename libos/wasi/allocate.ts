// fd_allocate: fallocate, but for two things: a file that only grows at its end (APPEND) can be given room, too, and one for which there was none is as
// long as before.
import { EFBIG } from "../../kernel/errno";
import { nodeResize } from "../fs/changes";
import { contentsSize } from "../fs/contents";
import { Mount } from "../fs/mounts";
import { posix_fallocate } from "../posix/allocate";
import { O_APPEND } from "../posix/constants";
import { descriptorFile } from "../process/descriptors";
import { KIND_FILE, NO_FILE } from "../process/open_file";
import { WASI_BADF, wasiError } from "./errno";

export function wasi_fd_allocate(fd: i32, offset: u64, length: u64): u32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return WASI_BADF;
  if (offset > <u64>i64.MAX_VALUE || length > <u64>i64.MAX_VALUE) return wasiError(-EFBIG);
  if (file.kind != KIND_FILE) return wasiError(posix_fallocate(fd, offset, length));
  const before = contentsSize(file);
  if (before < 0) return wasiError(<i32>before);
  const flags = file.flags;
  file.flags &= ~O_APPEND; // a program for WASI has one thread: nobody else writes meanwhile
  const error = posix_fallocate(fd, offset, length);
  file.flags = flags;
  if (error != 0 && contentsSize(file) > before) nodeResize(changetype<Mount>(file.mount), file.node, before, false);
  return wasiError(error);
}
