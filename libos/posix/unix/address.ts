// sockaddr_un in and out of app memory. An object of another family, where a name is to be written, has no room for it and gets AF_UNSPEC.
import { EFAULT, EINVAL } from "../../../kernel/errno";
import { MESSAGE_NAME_MAX } from "../../pipe/message";
import { userBuffer } from "../../process/user_memory";
import { AF_UNIX, AF_UNSPEC } from "../constants";
import { SOCKET_ADDRESS_SIZE, SocketAddress, UNIX_ADDRESS_SIZE, UnixAddress } from "../layout";

/** Kernel address of the sockaddr at `offset`, of as many bytes as its family has; 0 when it is not the app's. */
function locate(offset: u32): usize {
  const bytes = userBuffer(offset, SOCKET_ADDRESS_SIZE);
  if (bytes == 0 || changetype<SocketAddress>(bytes).family != AF_UNIX) return bytes;
  return userBuffer(offset, UNIX_ADDRESS_SIZE);
}

/** Whether a sockaddr can be written at `offset`; 0 stands for C's NULL and is fine. */
export function unixAddressWritable(offset: u32): bool {
  return offset == 0 || locate(offset) != 0;
}

/** Writes a name of `length` bytes, 0: none, to the sockaddr at `offset` of app memory, unless that is 0. */
export function unixAddressWrite(offset: u32, name: usize, length: u32): void {
  const bytes = offset == 0 ? 0 : locate(offset);
  if (bytes == 0) return;
  const result = changetype<UnixAddress>(bytes);
  if (result.family != AF_UNIX) {
    memory.fill(bytes, 0, SOCKET_ADDRESS_SIZE);
    result.family = <u16>AF_UNSPEC;
    return;
  }
  const count = min(length, MESSAGE_NAME_MAX);
  memory.fill(result.path, 0, MESSAGE_NAME_MAX);
  memory.copy(result.path, name, count);
  result.length = <u16>count;
}

/** The UnixAddress at `offset` of app memory, whose length the caller reads once; or -EFAULT, -EINVAL for another family. */
export function unixAddressRead(offset: u32): i64 {
  const bytes = locate(offset);
  if (bytes == 0) return -EFAULT;
  return changetype<SocketAddress>(bytes).family == AF_UNIX ? <i64>bytes : -EINVAL;
}

/** How many bytes of the name at `path`, which has `length`, count: those of a path up to the first zero, all of an abstract name. */
export function unixNameLength(path: usize, length: u32): u32 {
  if (length == 0 || load<u8>(path) == 0) return length;
  let count: u32 = 1;
  while (count < length && load<u8>(path + count) != 0) count += 1;
  return count;
}
