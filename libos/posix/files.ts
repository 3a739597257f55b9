// System calls on descriptors of any kind, and on open files. Exports are named posix_<call>: the image binds an
// app's import "posix"."<call>" to them.
import { EBADF, EFAULT, EINVAL, EISDIR, ENOMEM, ESPIPE } from "../../kernel/errno";
import { PAGE_SIZE, pageAlloc, pagesFree } from "../../kernel/memory/pages";
import { contentsAreInImage, contentsRead, contentsSize, contentsWrite } from "../fs/contents";
import { embeddedFile } from "../fs/embedded";
import { descriptorClose, descriptorFile } from "../process/descriptors";
import {
  KIND_DEVICE,
  KIND_DIRECTORY,
  KIND_FILE,
  NO_FILE,
  OpenFile,
  openFileHold,
  openFileIsAnonymous,
  openFileIsReadable,
  openFileIsSocket,
  openFileRelease,
} from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { socketLinger } from "../optional/with_network";
import { SEEK_CUR, SEEK_END, SEEK_SET, TRANSFER_MAX } from "./constants";
import { writeAny } from "./read_write";
import { deviceRead, deviceWrite } from "./device_file";

/** Bytes that sendfile copies at once. */
const PIECE: u32 = PAGE_SIZE;

export function posix_close(fd: i32): i32 {
  const file = descriptorFile(fd);
  if (file != NO_FILE && openFileIsSocket(file) && file.references == 1) socketLinger(fd, file);
  return descriptorClose(fd);
}

export function posix_pread(fd: i32, buffer: u32, count: u32, offset: i64): i32 {
  if (offset < 0) return -EINVAL;
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (file.kind == KIND_DIRECTORY) return -EISDIR;
  if (file.kind != KIND_FILE && file.kind != KIND_DEVICE) return -ESPIPE;
  const length = min(count, TRANSFER_MAX);
  const bytes = userBuffer(buffer, length);
  if (bytes == 0) return -EFAULT;
  if (file.kind == KIND_DEVICE) return deviceRead(file, bytes, length);
  return openFileIsReadable(file) ? contentsRead(file, bytes, length, offset) : -EBADF;
}

export function posix_pwrite(fd: i32, buffer: u32, count: u32, offset: i64): i32 {
  if (offset < 0) return -EINVAL;
  const file = descriptorFile(fd);
  if (file == NO_FILE || file.kind == KIND_DIRECTORY) return -EBADF;
  if (file.kind != KIND_FILE && file.kind != KIND_DEVICE) return -ESPIPE;
  const length = min(count, TRANSFER_MAX);
  const bytes = userBuffer(buffer, length);
  if (bytes == 0) return -EFAULT;
  return file.kind == KIND_FILE ? contentsWrite(file, bytes, length, offset) : deviceWrite(file, length);
}

/** Writes up to `count` bytes of an embedded file to `out`, straight from the image. */
function sendEmbedded(out: OpenFile, file: OpenFile, start: u64, count: u32): i32 {
  const contents = embeddedFile(<u32>file.object);
  if (start >= contents.dataLength) return 0;
  return writeAny(out, contents.data() + <usize>start, <u32>min(<u64>count, contents.dataLength - start));
}

/** The same of any other file, whose bytes may go away while this waits: they are copied, a page at a time. */
function sendCopied(out: OpenFile, file: OpenFile, start: u64, count: u32): i32 {
  const page = pageAlloc();
  if (page == 0) return -ENOMEM;
  let done: u32 = 0;
  let result: i32 = 0;
  while (done < count) {
    const length = contentsRead(file, page, min(count - done, PIECE), start + done);
    result = length <= 0 ? length : writeAny(out, page, length);
    if (result <= 0) break;
    done += result;
    if (result < length) break;
  }
  pagesFree(page, 0);
  return done != 0 ? <i32>done : result;
}

export function posix_sendfile(out: i32, input: i32, offset: i64, count: u32): i32 {
  const socket = descriptorFile(out);
  const file = descriptorFile(input);
  if (socket == NO_FILE || file == NO_FILE) return -EBADF;
  if (file.kind != KIND_FILE) return -EINVAL;
  if (!openFileIsReadable(file)) return -EBADF;
  const start = offset < 0 ? file.position : <u64>offset;
  const length = min(count, TRANSFER_MAX);
  openFileHold(socket);
  openFileHold(file);
  const result = contentsAreInImage(file)
    ? sendEmbedded(socket, file, start, length)
    : sendCopied(socket, file, start, length);
  if (offset < 0 && result > 0) file.position = start + <u64>result;
  openFileRelease(file);
  openFileRelease(socket);
  return result;
}

export function posix_lseek(fd: i32, offset: i64, whence: i32): i64 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (file.kind == KIND_DIRECTORY) {
    // To the beginning, or to where a listing was: what SEEK_CUR has told.
    if (whence == SEEK_SET && offset >= 0) file.position = offset;
    else if (whence != SEEK_CUR || offset != 0) return -EINVAL;
    return file.position;
  }
  if (file.kind == KIND_DEVICE || openFileIsAnonymous(file)) return 0; // as Linux has it, whatever is asked for
  if (file.kind != KIND_FILE) return -ESPIPE;
  let base: i64 = 0;
  if (whence == SEEK_CUR) base = <i64>file.position;
  else if (whence == SEEK_END) base = contentsSize(file);
  else if (whence != SEEK_SET) return -EINVAL;
  if (base < 0) return base; // the size cannot be had
  // base is not negative, so the sum wraps only upwards: to a negative number.
  const position = base + offset;
  if (position < 0) return -EINVAL;
  file.position = <u64>position;
  return position;
}
