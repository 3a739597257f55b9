// sockaddr_in in and out of app memory.
import { EAFNOSUPPORT, EFAULT } from "../../kernel/errno";
import { userBuffer } from "../process/user_memory";
import { AF_INET } from "./constants";
import { SOCKET_ADDRESS_SIZE, SocketAddress } from "./layout";

/** An address and port in host order. */
@unmanaged
@final
export class Endpoint {
  address: u32;
  port: u16;
  /** AF_…, as the app gave it. */
  family: u16;
}

/** Reads the sockaddr_in at `offset` of app memory; 0, -EFAULT, or -EAFNOSUPPORT. */
export function addressRead(offset: u32, endpoint: Endpoint): i32 {
  const bytes = userBuffer(offset, SOCKET_ADDRESS_SIZE);
  if (bytes == 0) return -EFAULT;
  const given = changetype<SocketAddress>(bytes);
  endpoint.family = given.family;
  endpoint.address = bswap<u32>(given.address);
  endpoint.port = bswap<u16>(given.port);
  return endpoint.family == AF_INET ? 0 : -EAFNOSUPPORT;
}

/** Whether a sockaddr_in can be written at `offset`; 0 stands for C's NULL and is fine. */
export function addressWritable(offset: u32): bool {
  return offset == 0 || userBuffer(offset, SOCKET_ADDRESS_SIZE) != 0;
}

/** Writes an address in host order as sockaddr_in to `offset` of app memory, unless that is 0. */
export function addressWrite(offset: u32, address: u32, port: u16): void {
  if (offset == 0) return;
  const bytes = userBuffer(offset, SOCKET_ADDRESS_SIZE);
  if (bytes == 0) return;
  const result = changetype<SocketAddress>(bytes);
  result.family = <u16>AF_INET;
  result.port = bswap<u16>(port);
  result.address = bswap<u32>(address);
  result.zero = 0;
}
