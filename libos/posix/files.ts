// System calls on descriptors of any kind, and on embedded files. Exports are named posix_<call>: the image binds an
// app's import "posix"."<call>" to them.
import { EBADF, EFAULT, EINVAL, EISDIR, ENAMETOOLONG, ENOENT, ENOTDIR, EROFS, ESPIPE } from "../../kernel/errno";
import { embeddedDirectory, embeddedFile } from "../fs/embedded";
import { NO_DEVICE } from "../fs/devices";
import { PathTarget, resolvePath } from "../fs/path";
import { descriptorClose, descriptorFile, descriptorOpen } from "../process/descriptors";
import {
  KIND_CONSOLE,
  KIND_DEVICE,
  KIND_DIRECTORY,
  KIND_FILE,
  NO_FILE,
  OpenFile,
  openFileHold,
  openFileIsAnonymous,
  openFileIsPipe,
  openFileIsSocket,
  openFileRelease,
} from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { anonymousRead, anonymousWrite } from "../with_anonymous";
import { socketLinger, socketRead, socketWrite } from "../with_network";
import { pipeRead, pipeWrite } from "../with_pipe";
import { consoleFileRead, consoleFileWrite } from "./console_file";
import {
  O_ACCMODE,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_NONBLOCK,
  O_RDONLY,
  O_TRUNC,
  PATH_MAX,
  SEEK_CUR,
  SEEK_END,
  SEEK_SET,
} from "./constants";
import { deviceRead, deviceWrite } from "./device_file";

/** The most that one call transfers, as on Linux: results fit an i32. */
const TRANSFER_MAX: u32 = 0x7ffff000;

const target = changetype<PathTarget>(memory.data(20, 4));

/** Resolves a path of the app into `target`. */
function resolveUserPath(path: u32, length: u32): i32 {
  if (length > PATH_MAX) return -ENAMETOOLONG;
  const bytes = userBuffer(path, length);
  return bytes == 0 ? -EFAULT : resolvePath(bytes, length, target);
}

/** Whether the directory is there in which `target`'s path would be made. */
function parentExists(): bool {
  let length = target.length;
  while (length != 0 && load<u8>(target.path + --length) != 0x2f);
  return target.length != 0 && embeddedDirectory(target.path, length) >= 0;
}

export function posix_open(path: u32, pathLength: u32, flags: i32): i32 {
  const error = resolveUserPath(path, pathLength);
  if (error == -ENOENT && (flags & O_CREAT) != 0 && parentExists()) return -EROFS;
  if (error != 0) return error;
  const forWriting = (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC) != 0;
  const closeOnExec = (flags & O_CLOEXEC) != 0;
  if (target.isDirectory) {
    if (forWriting || (flags & O_CREAT) != 0) return -EISDIR;
    const length = target.length;
    const fd = descriptorOpen(KIND_DIRECTORY, target.index, O_RDONLY, closeOnExec);
    if (fd < 0) return fd;
    const directory = descriptorFile(fd);
    directory.pathLength = length;
    directory.position = directory.object;
    return fd;
  }
  if ((flags & O_DIRECTORY) != 0) return -ENOTDIR;
  if (target.device != NO_DEVICE) {
    return descriptorOpen(KIND_DEVICE, target.device, flags & (O_ACCMODE | O_NONBLOCK), closeOnExec);
  }
  if (forWriting) return -EROFS;
  return descriptorOpen(KIND_FILE, target.index, flags & O_NONBLOCK, closeOnExec);
}

export function posix_close(fd: i32): i32 {
  const file = descriptorFile(fd);
  if (file != NO_FILE && openFileIsSocket(file) && file.references == 1) socketLinger(fd, file);
  return descriptorClose(fd);
}

/** Copies from an embedded file; bytes, 0 at and behind its end. */
function readEmbedded(file: OpenFile, buffer: usize, count: u32, offset: u64): i32 {
  const contents = embeddedFile(<u32>file.object);
  if (offset >= contents.dataLength) return 0;
  const length = min(<u64>count, contents.dataLength - offset);
  memory.copy(buffer, contents.data() + <usize>offset, <usize>length);
  return <i32>length;
}

export function posix_read(fd: i32, buffer: u32, count: u32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  const length = min(count, TRANSFER_MAX);
  const bytes = userBuffer(buffer, length);
  if (bytes == 0) return -EFAULT;
  return readAny(file, bytes, length);
}

/** Reads up to `count` bytes of whatever `file` is to kernel address `target`. */
export function readAny(file: OpenFile, target: usize, count: u32): i32 {
  // Devices never wait, and pipes take a reference when they do.
  if (file.kind == KIND_DEVICE) return deviceRead(file, target, count);
  return openFileIsPipe(file) ? pipeRead(file, target, count) : transferHeld(file, target, count, true);
}

/** Reads or writes what is neither pipe nor device. That may wait: it holds a reference meanwhile. */
function transferHeld(file: OpenFile, address: usize, count: u32, reading: bool): i32 {
  openFileHold(file);
  const result = reading ? readFrom(file, address, count) : writeTo(file, address, count);
  openFileRelease(file);
  return result;
}

function readFrom(file: OpenFile, buffer: usize, count: u32): i32 {
  if (openFileIsSocket(file)) return socketRead(file, buffer, count);
  if (file.kind == KIND_FILE) {
    const length = readEmbedded(file, buffer, count, file.position);
    file.position += length;
    return length;
  }
  if (openFileIsAnonymous(file)) return anonymousRead(file, buffer, count);
  return file.kind == KIND_CONSOLE ? consoleFileRead(buffer, count, file.nonBlocking) : -EISDIR;
}

function writeTo(file: OpenFile, source: usize, count: u32): i32 {
  if (openFileIsSocket(file)) return socketWrite(file, source, count);
  if (openFileIsAnonymous(file)) return anonymousWrite(file, source, count);
  return file.kind == KIND_CONSOLE ? consoleFileWrite(source, count, file.nonBlocking) : -EBADF;
}

export function posix_pread(fd: i32, buffer: u32, count: u32, offset: i64): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (file.kind == KIND_DIRECTORY) return -EISDIR;
  if (file.kind != KIND_FILE && file.kind != KIND_DEVICE) return -ESPIPE;
  if (offset < 0) return -EINVAL;
  const length = min(count, TRANSFER_MAX);
  const bytes = userBuffer(buffer, length);
  if (bytes == 0) return -EFAULT;
  return file.kind == KIND_FILE ? readEmbedded(file, bytes, length, offset) : deviceRead(file, bytes, length);
}

export function posix_pwrite(fd: i32, buffer: u32, count: u32, offset: i64): i32 {
  if (offset < 0) return -EINVAL;
  const file = descriptorFile(fd);
  if (file == NO_FILE || file.kind == KIND_FILE || file.kind == KIND_DIRECTORY) return -EBADF;
  if (file.kind != KIND_DEVICE) return -ESPIPE;
  const length = min(count, TRANSFER_MAX);
  return userBuffer(buffer, length) == 0 ? -EFAULT : deviceWrite(file, length);
}

/** Writes the `count` bytes at kernel address `source` to whatever `file` is. */
export function writeAny(file: OpenFile, source: usize, count: u32): i32 {
  if (file.kind == KIND_DEVICE) return deviceWrite(file, count);
  return openFileIsPipe(file) ? pipeWrite(file, source, count) : transferHeld(file, source, count, false);
}

export function posix_write(fd: i32, buffer: u32, count: u32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  const length = min(count, TRANSFER_MAX);
  const bytes = userBuffer(buffer, length);
  return bytes == 0 ? -EFAULT : writeAny(file, bytes, length);
}

/** From an embedded file straight to a socket: the bytes are in the image, so nothing is copied on the way. */
export function posix_sendfile(out: i32, input: i32, offset: i64, count: u32): i32 {
  const socket = descriptorFile(out);
  const file = descriptorFile(input);
  if (socket == NO_FILE || file == NO_FILE) return -EBADF;
  if (file.kind != KIND_FILE) return -EINVAL;
  const contents = embeddedFile(<u32>file.object);
  const start = offset < 0 ? file.position : <u64>offset;
  if (start >= contents.dataLength) return 0;
  const length = <u32>min(<u64>min(count, TRANSFER_MAX), contents.dataLength - start);
  openFileHold(file);
  const result = writeAny(socket, contents.data() + <usize>start, length);
  if (offset < 0 && result > 0) file.position = start + <u64>result;
  openFileRelease(file);
  return result;
}

export function posix_lseek(fd: i32, offset: i64, whence: i32): i64 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (file.kind == KIND_DIRECTORY) {
    // Rewinding is all that POSIX lets one do with a directory here.
    if (offset != 0 || whence != SEEK_SET) return -EINVAL;
    file.position = file.object;
    return 0;
  }
  if (file.kind == KIND_DEVICE || openFileIsAnonymous(file)) return 0; // as Linux has it, whatever is asked for
  if (file.kind != KIND_FILE) return -ESPIPE;
  let base: i64 = 0;
  if (whence == SEEK_CUR) base = <i64>file.position;
  else if (whence == SEEK_END) base = <i64>embeddedFile(<u32>file.object).dataLength;
  else if (whence != SEEK_SET) return -EINVAL;
  // base is not negative, so the sum wraps only upwards: to a negative number.
  const position = base + offset;
  if (position < 0) return -EINVAL;
  file.position = <u64>position;
  return position;
}
