// ioctl: what of a description waits to be read, and whether its calls wait. Requests and values are in constants.ts.
import { EBADF, EFAULT, ENOTTY } from "../../kernel/errno";
import { contentsSize } from "../fs/contents";
import { descriptorFile } from "../process/descriptors";
import { KIND_FILE, NO_FILE, OpenFile, openFileIsPipe, openFileIsSocket } from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { socketWaiting } from "../optional/with_network";
import { pipeHeld } from "../optional/with_pipe";
import { FIONBIO, FIONREAD, O_NONBLOCK, SIOCOUTQ, SIOCOUTQNSD } from "./constants";

/** The number that `request` asks for, or -errno. */
function waiting(file: OpenFile, request: u32): i64 {
  if (openFileIsSocket(file)) return socketWaiting(file, request);
  if (request != FIONREAD) return -ENOTTY;
  if (openFileIsPipe(file)) return pipeHeld(file); // both ends tell, as on Linux
  if (file.kind != KIND_FILE) return -ENOTTY;
  const size = contentsSize(file);
  if (size < 0) return size;
  return max(size - <i64>file.position, 0);
}

export function posix_ioctl(fd: i32, request: u32, value: u32): i32 {
  const file = descriptorFile(fd);
  if (file == NO_FILE) return -EBADF;
  const number = userBuffer(value, 4);
  if (request == FIONBIO) {
    if (number == 0) return -EFAULT;
    file.flags = (file.flags & ~O_NONBLOCK) | (load<i32>(number) != 0 ? O_NONBLOCK : 0);
    return 0;
  }
  if (request != FIONREAD && request != SIOCOUTQ && request != SIOCOUTQNSD) return -ENOTTY;
  const length = waiting(file, request);
  if (length < 0) return <i32>length;
  if (number == 0) return -EFAULT;
  store<i32>(number, <i32>min<i64>(length, i32.MAX_VALUE));
  return 0;
}
