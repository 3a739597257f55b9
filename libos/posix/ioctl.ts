// ioctl: what sockets answer. Requests and values are in constants.ts.
import { EBADF, EFAULT, EINVAL, ENOTTY } from "../../kernel/errno";
import { receiveAvailable } from "../net/tcp/receive_queue";
import { sendNotSent } from "../net/tcp/send_queue";
import { LISTEN } from "../net/tcp/state";
import { udpNextLength } from "../net/udp/input";
import { descriptorFile } from "../process/descriptors";
import { KIND_TCP, KIND_UDP, KIND_UNIX, NO_FILE, OpenFile } from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { unixAvailable } from "../optional/with_unix";
import { FIONBIO, FIONREAD, O_NONBLOCK, SIOCOUTQ, SIOCOUTQNSD } from "./constants";

/** The number that `request` asks for, or -errno. */
function queueLength(file: OpenFile, request: u32): i32 {
  if (file.kind == KIND_UDP && request == FIONREAD) return <i32>udpNextLength(file.udp);
  if (file.kind == KIND_UNIX && request == FIONREAD) return unixAvailable(file);
  if (file.kind != KIND_TCP) return -ENOTTY;
  const s = file.tcp;
  if (s.state == LISTEN) return -EINVAL;
  if (request == FIONREAD) return <i32>receiveAvailable(s);
  return <i32>(request == SIOCOUTQ ? s.sendBuffer.length : sendNotSent(s));
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
  const length = queueLength(file, request);
  if (length < 0) return length;
  if (number == 0) return -EFAULT;
  store<i32>(number, length);
  return 0;
}
