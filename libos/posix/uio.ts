// readv, writev, preadv, pwritev (readv(2)). A file is read and written piece by piece, for nothing waits there. What may wait, or is a whole – a
// datagram, a record, a write to a pipe of up to PIPE_BUF bytes, a counter – goes through pages of its own, as much of it at once as fits there: a
// read of more gets less than it asked for, a write of more goes on as long as everything is taken.
import { EBADF, EINVAL, ENOMEM } from "../../kernel/errno";
import { PAGE_SIZE, orderFor, pagesAlloc, pagesFree } from "../../kernel/memory/pages";
import { descriptorFile } from "../process/descriptors";
import {
  KIND_DEVICE,
  KIND_DIRECTORY,
  KIND_FILE,
  NO_FILE,
  OpenFile,
  openFileHold,
  openFileIsReadable,
  openFileIsWritable,
  openFileRelease,
} from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { TRANSFER_MAX, UIO_MAXIOV } from "./constants";
import { posix_pread, posix_pwrite } from "./files";
import { IO_VECTOR_SIZE, IoVector } from "./layout";
import { posix_read, posix_write, readAny, writeAny } from "./read_write";
import { piecesError, piecesGather, piecesLength, piecesScatter } from "./pieces";

/** The most bytes that go at once: more fits no datagram and no pipe. */
const WHOLE_MAX: u32 = 65536;
/** Instead of an offset: the file's own position. */
const NO_OFFSET: i64 = -1;

export function posix_readv(fd: i32, vectors: u32, count: u32): i32 {
  return transfer(fd, vectors, count, false);
}

export function posix_writev(fd: i32, vectors: u32, count: u32): i32 {
  return transfer(fd, vectors, count, true);
}

export function posix_preadv(fd: i32, vectors: u32, count: u32, offset: i64): i32 {
  const error = posix_pread(fd, 0, 0, offset);
  return error < 0 ? error : transferAt(fd, vectors, count, offset, false);
}

export function posix_pwritev(fd: i32, vectors: u32, count: u32, offset: i64): i32 {
  const error = posix_pwrite(fd, 0, 0, offset);
  return error < 0 ? error : transferAt(fd, vectors, count, offset, true);
}

function transfer(fd: i32, vectors: u32, count: u32, writing: bool): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE || !(writing ? openFileIsWritable(file) : openFileIsReadable(file))) return -EBADF;
  const neverWaits = file.kind == KIND_FILE || file.kind == KIND_DEVICE || file.kind == KIND_DIRECTORY;
  if (neverWaits || count == 1) {
    return transferAt(fd, vectors, count, NO_OFFSET, writing);
  }
  if (count > UIO_MAXIOV) return -EINVAL;
  const error = piecesError(vectors, count);
  if (error != 0) return error;
  const total = piecesLength(vectors, count, TRANSFER_MAX);
  if (total == 0) return 0;
  const order = orderFor(max(min(total, WHOLE_MAX), PAGE_SIZE));
  const whole = pagesAlloc(order);
  if (whole == 0) return -ENOMEM;
  openFileHold(file);
  const result = writing
    ? writeWhole(file, vectors, count, whole, total)
    : readWhole(file, vectors, count, whole, min(total, WHOLE_MAX));
  openFileRelease(file);
  pagesFree(whole, order);
  return result;
}

function readWhole(file: OpenFile, vectors: u32, count: u32, whole: usize, length: u32): i32 {
  const result = readAny(file, whole, length);
  if (result > 0) piecesScatter(vectors, count, whole, result);
  return result;
}

function writeWhole(file: OpenFile, vectors: u32, count: u32, whole: usize, total: u32): i32 {
  let done: u32 = 0;
  while (true) {
    const length = min(total - done, WHOLE_MAX);
    piecesGather(vectors, count, done, whole, length);
    const result = writeAny(file, whole, length);
    if (result > 0) done += result;
    if (result != length || done == total) return done != 0 ? <i32>done : result;
  }
}

/** Of what never waits: piece by piece, until one is not transferred as a whole. */
function transferAt(fd: i32, vectors: u32, count: u32, offset: i64, writing: bool): i32 {
  if (count > UIO_MAXIOV) return -EINVAL;
  const error = piecesError(vectors, count);
  if (error != 0) return error;
  const at = userBuffer(vectors, count * IO_VECTOR_SIZE);
  let done: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const vector = changetype<IoVector>(at + <usize>i * IO_VECTOR_SIZE);
    const length = min(vector.length, TRANSFER_MAX - done);
    if (length == 0) continue;
    const result = transferPiece(fd, vector.base, length, offset < 0 ? offset : offset + done, writing);
    if (result > 0) done += result;
    if (result != length) return done != 0 ? <i32>done : result;
  }
  return done;
}

function transferPiece(fd: i32, base: u32, length: u32, offset: i64, writing: bool): i32 {
  if (offset < 0) return writing ? posix_write(fd, base, length) : posix_read(fd, base, length);
  return writing ? posix_pwrite(fd, base, length, offset) : posix_pread(fd, base, length, offset);
}
