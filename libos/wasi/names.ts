// sock_getaddrinfo of WasmEdge's extension: from a name and a port to addresses. The app gives a list of `addrinfo`, each with a `sockaddr` whose
// `sa_data` has room for what POSIX has behind the family – 14 bytes of a sockaddr_in, 26 of a sockaddr_in6 –, and learns how many were filled.
// Errors are those of getaddrinfo, in numbers of their own behind WASI's.
import { EAGAIN, EINVAL, ENODATA, ENOENT, ENOMEM, ETIMEDOUT } from "../../kernel/errno";
import { pageAlloc, pagesFree } from "../../kernel/memory/pages";
import { parseDecimal } from "../../kernel/text";
import { ipv4FromText } from "../net/address_text";
import { IP_ADDRESS_SIZE, IpAddress } from "../net/ip/address";
import { addressParse } from "../net/ip/text";
import { AF_INET, AF_INET6, AF_UNSPEC, INADDR_LOOPBACK } from "../posix/constants";
import { RESOLVED_ADDRESS_SIZE, ResolvedAddress } from "../posix/layout";
import { RESULTS_MAXIMUM, resolveTo } from "../posix/resolve";
import { userBuffer } from "../process/user_memory";
import { isWord, tellWord } from "./answer";
import { WASI_FAULT, WASI_SUCCESS } from "./errno";
import { INET4, INET6 } from "./socket_address";
import { SOCK_DATAGRAM, SOCK_STREAM } from "./sockets";

const AI_ADDRESS_FAMILY: u32 = 77;
const AI_AGAIN: u32 = 78;
const AI_BAD_FLAG: u32 = 79;
const AI_FAMILY: u32 = 81;
const AI_MEMORY: u32 = 82;
const AI_NO_DATA: u32 = 83;
const AI_NO_NAME: u32 = 84;
const AI_SERVICE: u32 = 85;
const AI_SOCKET_TYPE: u32 = 86;
const AI_SYSTEM: u32 = 87;

/** `aiflags`. */
const PASSIVE: u32 = 1;
const NUMERIC_HOST: u32 = 4;
const FLAGS_ALL: u32 = 0x7f;
const PROTOCOL_TCP: u32 = 1;
const PROTOCOL_UDP: u32 = 2;

@unmanaged
@final
class AddressInformation {
  flags: u16;
  family: u8;
  type: u8;
  protocol: u8;
  addressLength: u32;
  address: u32;
  private canonicalName: u32;
  canonicalLength: u32;
  next: u32;
}
const ADDRESS_INFORMATION_SIZE: u32 = 28;

@unmanaged
@final
class SocketAddressWasi {
  family: u8;
  length: u32;
  data: u32;
}
const SOCKET_ADDRESS_WASI_SIZE: u32 = 12;

// Of a sockaddr_in and sockaddr_in6 behind the family: bytes, and where the address is. The port comes first.
const DATA4_SIZE: u32 = 14;
const DATA6_SIZE: u32 = 26;
const DATA4_ADDRESS: usize = 2;
const DATA6_ADDRESS: usize = 6;
const FAMILY_SIZE: u32 = 2;

const parsed = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/** Bytes of a text before the zero bytes at its end. */
function textLength(text: usize, length: u32): u32 {
  let end = length;
  while (end > 0 && load<u8>(text + end - 1) == 0) end--;
  return end;
}

/** What is wrong with the hints; 0 for nothing. */
function hintsError(hints: AddressInformation): u32 {
  if ((hints.flags & ~FLAGS_ALL) != 0) return AI_BAD_FLAG;
  if (hints.family > INET6) return AI_FAMILY;
  if (hints.type > SOCK_STREAM || hints.protocol > PROTOCOL_UDP) return AI_SOCKET_TYPE;
  const fits =
    hints.protocol == 0 || hints.type == 0 || (hints.type == SOCK_STREAM) == (hints.protocol == PROTOCOL_TCP);
  return fits ? WASI_SUCCESS : AI_SOCKET_TYPE;
}

function resolverError(error: i32): u32 {
  if (error == -ENOENT || error == -EINVAL) return AI_NO_NAME;
  if (error == -ENODATA) return AI_NO_DATA;
  if (error == -EAGAIN || error == -ETIMEDOUT) return AI_AGAIN;
  return error == -ENOMEM ? AI_MEMORY : AI_SYSTEM;
}

/** Appends to the `count` addresses at `target`; how many there are then. */
function append(target: usize, count: u32, family: i32, bytes: usize, size: u32): u32 {
  const at = target + count * RESOLVED_ADDRESS_SIZE;
  memory.fill(at, 0, RESOLVED_ADDRESS_SIZE);
  changetype<ResolvedAddress>(at).family = family;
  memory.copy(at + offsetof<ResolvedAddress>("word0"), bytes, size);
  return count + 1;
}

function appendIpv4(target: usize, count: u32, address: u32): u32 {
  store<u32>(changetype<usize>(parsed), bswap<u32>(address));
  return append(target, count, AF_INET, changetype<usize>(parsed), 4);
}

/** This host's, or, `passive`, those to bind a server to. */
function own(target: usize, family: i32, passive: bool): u32 {
  let count: u32 = 0;
  parsed.clear();
  if (!passive) parsed.setLoopback();
  if (family != AF_INET) count = append(target, 0, AF_INET6, changetype<usize>(parsed), 16);
  return family != AF_INET6 ? appendIpv4(target, count, passive ? 0 : INADDR_LOOPBACK) : count;
}

/** Finds the addresses of the name: their number, or the negative of an AI_…. */
function find(name: usize, length: u32, hints: AddressInformation, target: usize): i32 {
  const family = hints.family == INET4 ? AF_INET : hints.family == INET6 ? AF_INET6 : AF_UNSPEC;
  if (length == 0) return own(target, family, (hints.flags & PASSIVE) != 0);
  const short = ipv4FromText(name, length);
  if (short >= 0) return family == AF_INET6 ? -AI_ADDRESS_FAMILY : appendIpv4(target, 0, <u32>short);
  if (addressParse(name, length, parsed)) {
    return family == AF_INET ? -AI_ADDRESS_FAMILY : append(target, 0, AF_INET6, changetype<usize>(parsed), 16);
  }
  if ((hints.flags & NUMERIC_HOST) != 0) return -AI_NO_NAME;
  const found = resolveTo(name, length, family, target, RESULTS_MAXIMUM);
  return found < 0 ? -resolverError(found) : found;
}

/** Fills the entry at `entry` of app memory: whether that is one. */
function fill(entry: u32, resolved: ResolvedAddress, type: u32, port: u16): bool {
  const at = userBuffer(entry, ADDRESS_INFORMATION_SIZE);
  if (at == 0) return false;
  const information = changetype<AddressInformation>(at);
  const addressAt = userBuffer(information.address, SOCKET_ADDRESS_WASI_SIZE);
  if (addressAt == 0) return false;
  const isIpv4 = resolved.family == AF_INET;
  const length = isIpv4 ? DATA4_SIZE : DATA6_SIZE;
  const address = changetype<SocketAddressWasi>(addressAt);
  const data = userBuffer(address.data, length);
  if (data == 0) return false;
  information.flags = 0;
  information.family = <u8>(isIpv4 ? INET4 : INET6);
  information.type = <u8>type;
  information.protocol = <u8>(type == SOCK_STREAM ? PROTOCOL_TCP : PROTOCOL_UDP);
  information.addressLength = length + FAMILY_SIZE;
  information.canonicalLength = 0;
  address.family = information.family;
  address.length = length;
  memory.fill(data, 0, length);
  store<u16>(data, bswap<u16>(port));
  const bytes = changetype<usize>(resolved) + offsetof<ResolvedAddress>("word0");
  memory.copy(data + (isIpv4 ? DATA4_ADDRESS : DATA6_ADDRESS), bytes, isIpv4 ? 4 : 16);
  return true;
}

/** Fills the list that begins at `first` with the `count` addresses at `found`, each for the types of sockets that are wanted. */
function tell(first: u32, most: u32, found: usize, count: u32, hints: AddressInformation, port: u16, told: u32): u32 {
  const type = hints.type != 0 ? hints.type : hints.protocol == PROTOCOL_TCP ? SOCK_STREAM : hints.protocol == PROTOCOL_UDP ? SOCK_DATAGRAM : 0; // prettier-ignore
  let done: u32 = 0;
  let entry = first;
  for (let i: u32 = 0; i < count; i++) {
    const resolved = changetype<ResolvedAddress>(found + i * RESOLVED_ADDRESS_SIZE);
    for (let each = SOCK_STREAM; each >= SOCK_DATAGRAM && done < most; each--) {
      if (type != 0 && type != each) continue;
      if (!fill(entry, resolved, each, port)) return WASI_FAULT;
      done += 1;
      entry = changetype<AddressInformation>(userBuffer(entry, ADDRESS_INFORMATION_SIZE)).next;
    }
  }
  return tellWord(told, done);
}

// A program for WASI has one thread: nobody else calls while this one waits.
const hints = changetype<AddressInformation>(memory.data(32, 4)); // ADDRESS_INFORMATION_SIZE

export function wasi_sock_getaddrinfo(
  node: u32,
  nodeLength: u32,
  service: u32,
  serviceLength: u32,
  hintsAt: u32,
  list: u32,
  most: u32,
  told: u32,
): u32 {
  const name = userBuffer(node, nodeLength);
  const portText = userBuffer(service, serviceLength);
  const given = userBuffer(hintsAt, ADDRESS_INFORMATION_SIZE);
  if (name == 0 || portText == 0 || given == 0 || !isWord(list) || !isWord(told)) return WASI_FAULT;
  const length = textLength(name, nodeLength);
  const digits = textLength(portText, serviceLength);
  if (length == 0 && digits == 0) return AI_NO_NAME;
  if (most == 0) return AI_MEMORY;
  memory.copy(changetype<usize>(hints), given, ADDRESS_INFORMATION_SIZE);
  const wrong = hintsError(hints);
  if (wrong != 0) return wrong;
  const port = digits == 0 ? 0 : parseDecimal(portText, digits);
  if (port < 0 || port > 0xffff) return AI_SERVICE;
  const page = pageAlloc();
  if (page == 0) return AI_MEMORY;
  const found = find(name, length, hints, page);
  const first = load<u32>(userBuffer(list, sizeof<u32>()));
  const answer = found < 0 ? <u32>-found : tell(first, most, page, found, hints, <u16>port, told);
  pagesFree(page, 0);
  return answer;
}
