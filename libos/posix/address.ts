// sockaddr_in and sockaddr_in6 in and out of app memory. Which of the two lies at an address its family says, also where one
// is to be written: it tells how much room there is. An IPv4 address in a sockaddr_in6 is a mapped one, as on Linux.
import { EAFNOSUPPORT, EFAULT } from "../../kernel/errno";
import { IpAddress, addressAt } from "../net/ip/address";
import { userBuffer } from "../process/user_memory";
import { AF_INET, AF_INET6, AF_UNSPEC, INADDR_LOOPBACK } from "./constants";
import { SOCKET_ADDRESS6_SIZE, SOCKET_ADDRESS_SIZE, SocketAddress, SocketAddress6 } from "./layout";

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

/** Kernel address of the sockaddr at `offset`, of as many bytes as its family has; 0 when it is not the app's. */
function locate(offset: u32): usize {
  const bytes = userBuffer(offset, SOCKET_ADDRESS_SIZE);
  if (bytes == 0 || changetype<SocketAddress>(bytes).family != AF_INET6) return bytes;
  return userBuffer(offset, SOCKET_ADDRESS6_SIZE);
}

/** Reads the sockaddr at `offset` of app memory for a socket of AF_INET6 or not; 0, -EFAULT, or -EAFNOSUPPORT. */
export function addressRead(offset: u32, ipv6: bool, endpoint: Endpoint): i32 {
  const bytes = locate(offset);
  if (bytes == 0) return -EFAULT;
  const given = changetype<SocketAddress>(bytes);
  endpoint.family = given.family;
  endpoint.port = bswap<u16>(given.port);
  if (ipv6) endpoint.address.copy(addressAt(changetype<SocketAddress6>(bytes).address));
  else endpoint.address.setIpv4(bswap<u32>(given.address));
  return endpoint.family == (ipv6 ? AF_INET6 : AF_INET) ? 0 : -EAFNOSUPPORT;
}

/** As elsewhere, "any" as a destination is this host. */
export function endpointResolveAny(endpoint: Endpoint): void {
  const address = endpoint.address;
  if (!address.isAny()) return;
  if (address.isIpv4()) address.setIpv4(INADDR_LOOPBACK);
  else address.setLoopback();
}

/** Whether a sockaddr can be written at `offset`; 0 stands for C's NULL and is fine. */
export function addressWritable(offset: u32): bool {
  return offset == 0 || locate(offset) != 0;
}

/** Writes an address to the sockaddr at `offset` of app memory, unless that is 0. One that does not fit leaves AF_UNSPEC. */
export function addressWrite(offset: u32, address: IpAddress, port: u16): void {
  if (offset == 0) return;
  const bytes = locate(offset);
  if (bytes == 0) return;
  const result = changetype<SocketAddress>(bytes);
  result.port = bswap<u16>(port);
  if (result.family == AF_INET6) {
    const wide = changetype<SocketAddress6>(bytes);
    wide.flowInformation = 0;
    addressAt(wide.address).copy(address);
    wide.scope = 0;
    return;
  }
  const fits = address.isIpv4();
  result.family = <u16>(fits ? AF_INET : AF_UNSPEC);
  result.address = fits ? bswap<u32>(address.ipv4()) : 0;
  result.zero = 0;
}
