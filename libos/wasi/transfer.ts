// Bytes in and out of descriptors, and where they stand. Pieces (`iovec`, `ciovec`) are laid out as POSIX's.
import { EFAULT } from "../../kernel/errno";
import { posix_fsync } from "../posix/attributes";
import { posix_lseek } from "../posix/files";
import { posix_preadv, posix_pwritev, posix_readv, posix_writev } from "../posix/uio";
import { SEEK_CUR } from "../posix/constants";
import { descriptorFile } from "../process/descriptors";
import { KIND_DIRECTORY, KIND_FILE, NO_FILE } from "../process/open_file";
import { answerLongWord, answerWord, isLongWord, isWord } from "./answer";
import { WASI_BADF, WASI_FAULT, WASI_INVAL, WASI_SPIPE, WASI_SUCCESS, wasiError } from "./errno";

/** `advice` up to NOREUSE. */
const LAST_ADVICE: u32 = 5;

export function wasi_fd_read(fd: i32, pieces: u32, count: u32, done: u32): u32 {
  return isWord(done) ? answerWord(posix_readv(fd, pieces, count), done) : WASI_FAULT;
}

export function wasi_fd_write(fd: i32, pieces: u32, count: u32, done: u32): u32 {
  return isWord(done) ? answerWord(posix_writev(fd, pieces, count), done) : WASI_FAULT;
}

export function wasi_fd_pread(fd: i32, pieces: u32, count: u32, offset: u64, done: u32): u32 {
  return isWord(done) ? answerWord(posix_preadv(fd, pieces, count, offset), done) : WASI_FAULT;
}

export function wasi_fd_pwrite(fd: i32, pieces: u32, count: u32, offset: u64, done: u32): u32 {
  return isWord(done) ? answerWord(posix_pwritev(fd, pieces, count, offset), done) : WASI_FAULT;
}

/** Directories have cookies instead (fd_readdir). */
export function wasi_fd_seek(fd: i32, offset: i64, whence: u32, position: u32): u32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE || file.kind == KIND_DIRECTORY) return WASI_BADF;
  return isLongWord(position) ? answerLongWord(posix_lseek(fd, offset, whence), position) : wasiError(-EFAULT);
}

export function wasi_fd_tell(fd: i32, position: u32): u32 {
  return wasi_fd_seek(fd, 0, SEEK_CUR, position);
}

export function wasi_fd_sync(fd: i32): u32 {
  return wasiError(posix_fsync(fd));
}

export function wasi_fd_datasync(fd: i32): u32 {
  return wasiError(posix_fsync(fd));
}

/** Nothing is read ahead that advice could change. */
export function wasi_fd_advise(fd: i32, offset: u64, length: u64, advice: u32): u32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE || file.kind == KIND_DIRECTORY) return WASI_BADF;
  if (file.kind != KIND_FILE) return WASI_SPIPE;
  return advice > LAST_ADVICE || <i64>offset < 0 || <i64>length < 0 ? WASI_INVAL : WASI_SUCCESS;
}
