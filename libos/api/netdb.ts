// netdb.h: from names to addresses. The system's resolver asks the servers that DHCP or the command line names (nameserver=,
// search=) and remembers what they say; the calling thread sleeps meanwhile.
import { EAFNOSUPPORT, EAGAIN, EINVAL, ENODATA, ENOENT, ENOMEM, ETIMEDOUT } from "../../kernel/errno";
import {
  AF_INET,
  AF_UNSPEC,
  INADDR_ANY,
  INADDR_LOOPBACK,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SOCK_DGRAM,
  SOCK_STREAM,
} from "../posix/constants";
import { RESOLVED_ADDRESS_SIZE, ResolvedAddress } from "../posix/layout";
import { errno, setErrno } from "./errno";
import { ntohl, sockaddr_in } from "./inet";
import * as posix from "./posix";

// What getaddrinfo returns.
/** ai_flags has a flag that does not exist. */
export const EAI_BADFLAGS: i32 = -1;
/** There is no such name, or neither name nor service was given. */
export const EAI_NONAME: i32 = -2;
/** No server has an answer now; another time there may be one. */
export const EAI_AGAIN: i32 = -3;
/** The name has no addresses of the family. */
export const EAI_NODATA: i32 = -5;
export const EAI_FAMILY: i32 = -6;
export const EAI_SOCKTYPE: i32 = -7;
/** The service is no port number. */
export const EAI_SERVICE: i32 = -8;
export const EAI_MEMORY: i32 = -10;
/** Another error: see errno. */
export const EAI_SYSTEM: i32 = -11;

// Bits of ai_flags.
/** Without a name, the address is the one to bind a server to, INADDR_ANY. */
export const AI_PASSIVE: i32 = 1;
/** The name is an address as text; no server is asked. */
export const AI_NUMERICHOST: i32 = 4;
/** The service is a number; it always is here. */
export const AI_NUMERICSERV: i32 = 0x400;

const FLAGS: i32 = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV;
const ADDRESSES_MAXIMUM: i32 = 24;

/** struct addrinfo: as a hint, what is wanted; as a result, what socket() and connect() or bind() take. */
@final
export class addrinfo {
  constructor(
    public ai_family: i32 = AF_UNSPEC,
    /** SOCK_STREAM or SOCK_DGRAM; 0 = both. */
    public ai_socktype: i32 = 0,
    public ai_protocol: i32 = 0,
    public ai_flags: i32 = 0,
    public ai_addr: sockaddr_in | null = null,
  ) {}
}

/**
 * Finds the addresses of `node` (a name, an address as text, null: this host) with the port `service` (a number as text, null: 0).
 * They are put into `results`, C's linked list and freeaddrinfo() in one. Returns 0, or one of EAI_…
 */
export function getaddrinfo(
  node: string | null,
  service: string | null,
  hints: addrinfo | null,
  results: addrinfo[],
): i32 {
  const wanted = hints === null ? new addrinfo() : hints;
  results.length = 0;
  if (node === null && service === null) return EAI_NONAME;
  const checked = checkHints(wanted);
  if (checked != 0) return checked;
  const port = service === null ? 0 : parsePort(service);
  if (port < 0) return EAI_SERVICE;
  if (node === null) {
    const passive = (wanted.ai_flags & AI_PASSIVE) != 0;
    append(results, wanted, passive ? INADDR_ANY : INADDR_LOOPBACK, <u16>port);
    return 0;
  }
  const numeric = sockaddr_in.from(node, <u16>port);
  if (numeric !== null) {
    append(results, wanted, ntohl(numeric.sin_addr), <u16>port);
    return 0;
  }
  return (wanted.ai_flags & AI_NUMERICHOST) != 0 ? EAI_NONAME : askResolver(node, <u16>port, wanted, results);
}

function checkHints(wanted: addrinfo): i32 {
  if ((wanted.ai_flags & ~FLAGS) != 0) return EAI_BADFLAGS;
  if (wanted.ai_family != AF_UNSPEC && wanted.ai_family != AF_INET) return EAI_FAMILY;
  const type = wanted.ai_socktype;
  if (type != 0 && type != SOCK_STREAM && type != SOCK_DGRAM) return EAI_SOCKTYPE;
  const protocol = wanted.ai_protocol;
  if (protocol == 0) return 0;
  if (protocol != IPPROTO_TCP && protocol != IPPROTO_UDP) return EAI_SOCKTYPE;
  return type == 0 || (type == SOCK_STREAM) == (protocol == IPPROTO_TCP) ? 0 : EAI_SOCKTYPE;
}

function parsePort(text: string): i32 {
  let port = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = <u32>(text.charCodeAt(i) - 0x30);
    if (digit > 9) return -1;
    port = port * 10 + digit;
    if (port > 65535) return -1;
  }
  return text.length == 0 ? -1 : port;
}

/** Adds an address in host order, for each type of socket that is wanted. */
function append(results: addrinfo[], wanted: addrinfo, address: u32, port: u16): void {
  const type = wanted.ai_socktype;
  const protocol = wanted.ai_protocol;
  if (type != SOCK_DGRAM && protocol != IPPROTO_UDP) {
    results.push(new addrinfo(AF_INET, SOCK_STREAM, IPPROTO_TCP, 0, new sockaddr_in(address, port)));
  }
  if (type != SOCK_STREAM && protocol != IPPROTO_TCP) {
    results.push(new addrinfo(AF_INET, SOCK_DGRAM, IPPROTO_UDP, 0, new sockaddr_in(address, port)));
  }
}

function askResolver(node: string, port: u16, wanted: addrinfo, results: addrinfo[]): i32 {
  const name = String.UTF8.encode(node);
  const found = new StaticArray<u8>(ADDRESSES_MAXIMUM * <i32>RESOLVED_ADDRESS_SIZE);
  const before = errno;
  const target = changetype<usize>(found);
  const count = posix.resolve(changetype<usize>(name), name.byteLength, AF_INET, target, ADDRESSES_MAXIMUM);
  setErrno(count < 0 ? -count : before);
  if (count < 0) return resolverError(-count);
  for (let i = 0; i < count; i++) {
    const address = changetype<ResolvedAddress>(target + <usize>i * RESOLVED_ADDRESS_SIZE);
    append(results, wanted, ntohl(address.word0), port);
  }
  return 0;
}

function resolverError(error: i32): i32 {
  if (error == ENOENT || error == EINVAL) return EAI_NONAME;
  if (error == ENODATA) return EAI_NODATA;
  if (error == EAGAIN || error == ETIMEDOUT) return EAI_AGAIN;
  if (error == EAFNOSUPPORT) return EAI_FAMILY;
  return error == ENOMEM ? EAI_MEMORY : EAI_SYSTEM;
}

/** What a return value of getaddrinfo means, in the words of the C library. */
export function gai_strerror(code: i32): string {
  switch (code) {
    case 0:
      return "Success";
    case EAI_BADFLAGS:
      return "Bad value for ai_flags";
    case EAI_NONAME:
      return "Name or service not known";
    case EAI_AGAIN:
      return "Temporary failure in name resolution";
    case EAI_NODATA:
      return "No address associated with hostname";
    case EAI_FAMILY:
      return "ai_family not supported";
    case EAI_SOCKTYPE:
      return "ai_socktype not supported";
    case EAI_SERVICE:
      return "Servname not supported for ai_socktype";
    case EAI_MEMORY:
      return "Memory allocation failure";
    case EAI_SYSTEM:
      return "System error";
    default:
      return "Unknown error";
  }
}
