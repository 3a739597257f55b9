// read and write (read(2), write(2)): what each kind of description does with bytes. They are called more often than all else; so each looks first
// for what neither waits nor needs a reference.
import { EBADF, EFAULT, EISDIR } from "../../kernel/errno";
import { contentsRead, contentsWrite, contentsWritten } from "../fs/contents";
import { descriptorFile } from "../process/descriptors";
import {
  KIND_CONSOLE,
  KIND_DEVICE,
  KIND_FILE,
  NO_FILE,
  OpenFile,
  openFileHold,
  openFileIsAnonymous,
  openFileIsPipe,
  openFileIsReadable,
  openFileIsSocket,
  openFileRelease,
} from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { anonymousRead, anonymousWrite } from "../optional/with_anonymous";
import { socketRead, socketWrite } from "../optional/with_network";
import { pipeRead, pipeWrite } from "../optional/with_pipe";
import { consoleFileRead, consoleFileWrite } from "./console_file";
import { TRANSFER_MAX } from "./constants";
import { deviceRead, deviceWrite } from "./device_file";

export function posix_read(fd: i32, buffer: u32, count: u32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (count > TRANSFER_MAX) return posix_read(fd, buffer, TRANSFER_MAX);
  const bytes = userBuffer(buffer, count);
  return bytes == 0 ? -EFAULT : readAny(file, bytes, count);
}

export function posix_write(fd: i32, buffer: u32, count: u32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  if (count > TRANSFER_MAX) return posix_write(fd, buffer, TRANSFER_MAX);
  const bytes = userBuffer(buffer, count);
  return bytes == 0 ? -EFAULT : writeAny(file, bytes, count);
}

/** Reads up to `count` bytes of whatever `file` is to kernel address `target`. */
export function readAny(file: OpenFile, target: usize, count: u32): i32 {
  // Devices never wait, and pipes take a reference when they do.
  if (file.kind == KIND_DEVICE) return deviceRead(file, target, count);
  return openFileIsPipe(file) ? pipeRead(file, target, count) : transferHeld(file, target, count, true);
}

/** Writes the `count` bytes at kernel address `source` to whatever `file` is. */
export function writeAny(file: OpenFile, source: usize, count: u32): i32 {
  if (file.kind == KIND_DEVICE) return deviceWrite(file, count);
  return openFileIsPipe(file) ? pipeWrite(file, source, count) : transferHeld(file, source, count, false);
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
    if (!openFileIsReadable(file)) return -EBADF;
    const length = contentsRead(file, buffer, count, file.position);
    if (length > 0) file.position += length;
    return length;
  }
  if (openFileIsAnonymous(file)) return anonymousRead(file, buffer, count);
  return file.kind == KIND_CONSOLE ? consoleFileRead(buffer, count, file.nonBlocking) : -EISDIR;
}

function writeTo(file: OpenFile, source: usize, count: u32): i32 {
  if (openFileIsSocket(file)) return socketWrite(file, source, count);
  if (file.kind == KIND_FILE) {
    const length = contentsWrite(file, source, count, file.position);
    if (length > 0) file.position = contentsWritten();
    return length;
  }
  if (openFileIsAnonymous(file)) return anonymousWrite(file, source, count);
  return file.kind == KIND_CONSOLE ? consoleFileWrite(source, count, file.nonBlocking) : -EBADF;
}
