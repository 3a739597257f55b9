// sys/socket.h and sys/uio.h: sendmsg and recvmsg, which take buffers in pieces, and descriptors through sockets of AF_UNIX.
// Lengths are C's on a 32-bit machine: a cmsghdr has 12 bytes, and what follows is aligned to 4.
import { SCM_RIGHTS, SOL_SOCKET } from "../posix/constants";
import { conclude, errno } from "./errno";
import * as posix from "./posix";
import { sockaddr } from "./sockaddr";

/** struct iovec: a piece of a buffer. */
@unmanaged
@final
export class iovec {
  iov_base: usize;
  iov_len: usize;
}

/** struct msghdr. There are no lengths of addresses. */
@final
export class msghdr {
  /** Whom it goes to, or, for recvmsg, where the sender's address is put; null = not wanted. */
  msg_name: sockaddr | null = null;
  /** So many iovec, one behind the other. */
  msg_iov: usize = 0;
  msg_iovlen: u32 = 0;
  /** Control messages: so many bytes of cmsghdr with their data. recvmsg leaves the number that it has written. */
  msg_control: usize = 0;
  msg_controllen: u32 = 0;
  /** After recvmsg: MSG_TRUNC when a datagram was cut, MSG_CTRUNC when descriptors had no room and were closed. */
  msg_flags: i32 = 0;
}

/** struct cmsghdr: a control message; its data is at CMSG_DATA(). */
@unmanaged
@final
export class cmsghdr {
  /** Bytes, this included. */
  cmsg_len: u32;
  /** SOL_SOCKET */
  cmsg_level: i32;
  /** SCM_RIGHTS: the data is descriptors, an i32 each. */
  cmsg_type: i32;
}

function align(length: usize): usize {
  return (length + 3) & ~3;
}

/** cmsg_len of a control message with `length` bytes of data. */
export function CMSG_LEN(length: usize): usize {
  return offsetof<cmsghdr>() + length;
}

/** Bytes that such a message takes in a control buffer. */
export function CMSG_SPACE(length: usize): usize {
  return offsetof<cmsghdr>() + align(length);
}

/** The first control message, null without one. */
export function CMSG_FIRSTHDR(message: msghdr): cmsghdr | null {
  return message.msg_controllen < <u32>offsetof<cmsghdr>() ? null : changetype<cmsghdr>(message.msg_control);
}

/** The one behind `header`, null when that is the last. */
export function CMSG_NXTHDR(message: msghdr, header: cmsghdr): cmsghdr | null {
  const next = changetype<usize>(header) + align(header.cmsg_len);
  const end = message.msg_control + <usize>message.msg_controllen;
  if (header.cmsg_len < <u32>offsetof<cmsghdr>() || next + offsetof<cmsghdr>() > end) return null;
  return changetype<cmsghdr>(next);
}

/** Address of its data. */
export function CMSG_DATA(header: cmsghdr): usize {
  return changetype<usize>(header) + offsetof<cmsghdr>();
}

/**
 * Sends a message on any socket, with flags as send has them. Returns the bytes that went, or -1 (as send and sendto; EBADF, EINVAL,
 * ETOOMANYREFS for what it takes along; EOPNOTSUPP when the receiver may be another process: descriptors are passed within one).
 */
export function sendmsg(fd: i32, message: msghdr, flags: i32 = 0): i32 {
  return conclude(errno, posix.sendmsg(fd, changetype<usize>(message), flags));
}

/**
 * Receives a message on any socket, with flags as recv has them, and MSG_CMSG_CLOEXEC. Returns the bytes that came, or -1. Descriptors come
 * with the first byte of what they were sent with.
 */
export function recvmsg(fd: i32, message: msghdr, flags: i32 = 0): i32 {
  return conclude(errno, posix.recvmsg(fd, changetype<usize>(message), flags));
}

/** A byte that takes along `descriptors`, through the AF_UNIX socket `fd`. Returns 0, or -1 as sendmsg does. */
export function sendDescriptors(fd: i32, descriptors: StaticArray<i32>): i32 {
  const bytes = (<usize>descriptors.length) << 2;
  const control = new StaticArray<u8>(<i32>CMSG_SPACE(bytes));
  const header = changetype<cmsghdr>(changetype<usize>(control));
  header.cmsg_len = <u32>CMSG_LEN(bytes);
  header.cmsg_level = SOL_SOCKET;
  header.cmsg_type = SCM_RIGHTS;
  memory.copy(CMSG_DATA(header), changetype<usize>(descriptors), bytes);
  const buffer = new StaticArray<u32>(3);
  const message = byteMessage(buffer, control);
  const result = sendmsg(fd, message);
  return result < 0 ? -1 : 0;
}

/**
 * Receives such a byte: the number of descriptors that were put into `descriptors`, whose rest stays; 0 also when there are none, and when the
 * stream has ended. -1 on error.
 */
export function receiveDescriptors(fd: i32, descriptors: StaticArray<i32>): i32 {
  const control = new StaticArray<u8>(<i32>CMSG_SPACE((<usize>descriptors.length) << 2));
  const buffer = new StaticArray<u32>(3);
  const message = byteMessage(buffer, control);
  if (recvmsg(fd, message) < 0) return -1;
  const header = CMSG_FIRSTHDR(message);
  if (header === null) return 0;
  const bytes = <usize>header.cmsg_len - CMSG_LEN(0);
  memory.copy(changetype<usize>(descriptors), CMSG_DATA(header), bytes);
  return <i32>(bytes >> 2);
}

/** A message of one byte; `buffer` has the byte behind its iovec. */
function byteMessage(buffer: StaticArray<u32>, control: StaticArray<u8>): msghdr {
  const vector = changetype<iovec>(changetype<usize>(buffer));
  vector.iov_base = changetype<usize>(buffer) + offsetof<iovec>();
  vector.iov_len = 1;
  const message = new msghdr();
  message.msg_iov = changetype<usize>(buffer);
  message.msg_iovlen = 1;
  message.msg_control = changetype<usize>(control);
  message.msg_controllen = control.length;
  return message;
}
