// Addresses of sockets in WasmEdge's extension: a structure with place and number of the bytes, in network order, and the port, in host order, apart
// from it. There are four or sixteen bytes, or 128: then the family comes first, as a u16, and the others follow (WasmEdge's second version).
import { EAFNOSUPPORT, EBADF, EFAULT, EINVAL, ENOTSOCK } from "../../kernel/errno";
import { IpAddress, addressAt } from "../net/ip/address";
import { ENDPOINT_SIZE, Endpoint } from "../posix/address";
import { AF_INET, AF_INET6 } from "../posix/constants";
import { isIpv6 } from "../posix/sockets";
import { NO_FILE, OpenFile, openFileIsSocket } from "../process/open_file";
import { userBuffer } from "../process/user_memory";

/** Families, as sock_open and sock_getaddrinfo have them. */
export const INET4: u32 = 1;
export const INET6: u32 = 2;

const IPV4_LENGTH: u32 = 4;
const IPV6_LENGTH: u32 = 16;
/** Bytes of the structure with place and number. */
const ADDRESS_SIZE: u32 = 8;
/** Bytes of an address with its family, and of the family. */
const STORAGE_SIZE: u32 = 128;
const FAMILY_SIZE: usize = 2;

const endpoint = changetype<Endpoint>(memory.data(ENDPOINT_SIZE, 8));

/** Where the address is that was last read; good until the next is, or the thread waits. */
export function givenEndpoint(): Endpoint {
  return endpoint;
}

/** 0, -EBADF, -ENOTSOCK. */
export function socketError(file: OpenFile): i32 {
  if (file == NO_FILE) return -EBADF;
  return openFileIsSocket(file) ? 0 : -ENOTSOCK;
}

function lengthFor(file: OpenFile): u32 {
  return isIpv6(file) ? IPV6_LENGTH : IPV4_LENGTH;
}

function familyFor(file: OpenFile): u32 {
  return isIpv6(file) ? INET6 : INET4;
}

/** The kernel address of the bytes of the address at `address`; 0 when they are not the app's. Their number is addressSize(). */
function addressBytes(address: u32): usize {
  const at = userBuffer(address, ADDRESS_SIZE);
  return at == 0 ? 0 : userBuffer(load<u32>(at), load<u32>(at, 4));
}

function addressSize(address: u32): u32 {
  return load<u32>(userBuffer(address, ADDRESS_SIZE), 4);
}

/** Reads the address at `address`, of the socket's family, and the port: 0, -EBADF, -ENOTSOCK, -EFAULT, -EINVAL, -EAFNOSUPPORT. */
export function readEndpoint(file: OpenFile, address: u32, port: u32): i32 {
  const error = socketError(file);
  if (error != 0) return error;
  let bytes = addressBytes(address);
  if (bytes == 0) return -EFAULT;
  const size = addressSize(address);
  if (size == STORAGE_SIZE) {
    if (load<u16>(bytes) != familyFor(file)) return -EAFNOSUPPORT;
    bytes += FAMILY_SIZE;
  } else if (size != lengthFor(file)) return -EINVAL;
  if (port > 0xffff) return -EINVAL;
  const wide = isIpv6(file);
  if (wide) endpoint.address.copy(addressAt(bytes));
  else endpoint.address.setIpv4(bswap<u32>(load<u32>(bytes)));
  endpoint.family = <u16>(wide ? AF_INET6 : AF_INET);
  endpoint.port = <u16>port;
  return 0;
}

/** Why the address at `address` has no room for one of the socket's family: 0, -EFAULT, -EINVAL. */
export function roomError(file: OpenFile, address: u32): i32 {
  if (addressBytes(address) == 0) return -EFAULT;
  return addressSize(address) < lengthFor(file) ? -EINVAL : 0;
}

/** Writes `ip` to the address at `address`, if that still has room. */
export function tellAddress(file: OpenFile, ip: IpAddress, address: u32): void {
  if (roomError(file, address) != 0) return;
  let bytes = addressBytes(address);
  if (addressSize(address) == STORAGE_SIZE) {
    store<u16>(bytes, <u16>familyFor(file));
    bytes += FAMILY_SIZE;
  }
  if (isIpv6(file)) addressAt(bytes).copy(ip);
  else store<u32>(bytes, ip.isIpv4() ? bswap<u32>(ip.ipv4()) : 0);
}
