// sockaddr_in in and out of app memory.
import { EAFNOSUPPORT, EFAULT } from "../../kernel/errno";
import { IpAddress } from "../net/ip/address";
import { userBuffer } from "../process/user_memory";
import { AF_INET, INADDR_LOOPBACK } from "./constants";
import { SOCKET_ADDRESS_SIZE, SocketAddress } from "./layout";

/** An address, and a port in host order. */
@unmanaged
@final
export class Endpoint {
  // Storage of the address: use `address`.
  private addressHigh: u64;
  private addressLow: u64;
  port: u16;
  /** AF_…, as the app gave it. */
  family: u16;

  get address(): IpAddress {
    return changetype<IpAddress>(changetype<usize>(this) + offsetof<Endpoint>("addressHigh"));
  }
}

/** Bytes of an Endpoint, for static instances. */
export const ENDPOINT_SIZE: i32 = 24;

/** Reads the sockaddr_in at `offset` of app memory; 0, -EFAULT, or -EAFNOSUPPORT. */
export function addressRead(offset: u32, endpoint: Endpoint): i32 {
  const bytes = userBuffer(offset, SOCKET_ADDRESS_SIZE);
  if (bytes == 0) return -EFAULT;
  const given = changetype<SocketAddress>(bytes);
  endpoint.family = given.family;
  endpoint.address.setIpv4(bswap<u32>(given.address));
  endpoint.port = bswap<u16>(given.port);
  return endpoint.family == AF_INET ? 0 : -EAFNOSUPPORT;
}

/** As elsewhere, "any" as a destination is this host. */
export function endpointResolveAny(endpoint: Endpoint): void {
  if (endpoint.address.isAny()) endpoint.address.setIpv4(INADDR_LOOPBACK);
}

/** Whether a sockaddr_in can be written at `offset`; 0 stands for C's NULL and is fine. */
export function addressWritable(offset: u32): bool {
  return offset == 0 || userBuffer(offset, SOCKET_ADDRESS_SIZE) != 0;
}

/** Writes an address as sockaddr_in to `offset` of app memory, unless that is 0. */
export function addressWrite(offset: u32, address: IpAddress, port: u16): void {
  if (offset == 0) return;
  const bytes = userBuffer(offset, SOCKET_ADDRESS_SIZE);
  if (bytes == 0) return;
  const result = changetype<SocketAddress>(bytes);
  result.family = <u16>AF_INET;
  result.port = bswap<u16>(port);
  result.address = bswap<u32>(address.ipv4());
  result.zero = 0;
}
