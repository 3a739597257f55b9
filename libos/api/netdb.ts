// netdb.h: from names to addresses. The system's resolver asks the servers that DHCP or the command line names (nameserver=,
// search=) and remembers what they say; the calling thread sleeps meanwhile.
import { EAFNOSUPPORT, EAGAIN, EINVAL, ENODATA, ENOENT, ENOMEM, ETIMEDOUT } from "../../kernel/errno";
import {
  AF_INET,
  AF_INET6,
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
import { in6_addr, in6addr_any, in6addr_loopback, sockaddr_in6 } from "./inet6";
import * as posix from "./posix";
import { sockaddr } from "./sockaddr";

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
    /** A sockaddr_in or sockaddr_in6, as ai_family says. */
    public ai_addr: sockaddr | null = null,
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
    appendOwn(results, wanted, <u16>port);
    return 0;
  }
  if (appendNumeric(results, wanted, node, <u16>port)) return results.length == 0 ? EAI_NODATA : 0;
  return (wanted.ai_flags & AI_NUMERICHOST) != 0 ? EAI_NONAME : askResolver(node, <u16>port, wanted, results);
}

/** This host's addresses: for a server those of both families, of which the IPv6 one is enough for both. */
function appendOwn(results: addrinfo[], wanted: addrinfo, port: u16): void {
  const passive = (wanted.ai_flags & AI_PASSIVE) != 0;
  const family = wanted.ai_family;
  if (family != AF_INET) append(results, wanted, new sockaddr_in6(passive ? in6addr_any : in6addr_loopback, port));
  if (family != AF_INET6) append(results, wanted, new sockaddr_in(passive ? INADDR_ANY : INADDR_LOOPBACK, port));
}

/** Whether `node` is an address as text; it is appended when its family is wanted. */
function appendNumeric(results: addrinfo[], wanted: addrinfo, node: string, port: u16): bool {
  const short = sockaddr_in.from(node, port);
  if (short !== null && wanted.ai_family != AF_INET6) append(results, wanted, short);
  if (short !== null) return true;
  const long = sockaddr_in6.from(node, port);
  if (long !== null && wanted.ai_family != AF_INET) append(results, wanted, long);
  return long !== null;
}

function checkHints(wanted: addrinfo): i32 {
  if ((wanted.ai_flags & ~FLAGS) != 0) return EAI_BADFLAGS;
  const family = wanted.ai_family;
  if (family != AF_UNSPEC && family != AF_INET && family != AF_INET6) return EAI_FAMILY;
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

/** Adds an address, for each type of socket that is wanted. */
function append(results: addrinfo[], wanted: addrinfo, address: sockaddr): void {
  const family: i32 = address.sa_family;
  const type = wanted.ai_socktype;
  const protocol = wanted.ai_protocol;
  if (type != SOCK_DGRAM && protocol != IPPROTO_UDP) {
    results.push(new addrinfo(family, SOCK_STREAM, IPPROTO_TCP, 0, address));
  }
  if (type != SOCK_STREAM && protocol != IPPROTO_TCP) {
    results.push(new addrinfo(family, SOCK_DGRAM, IPPROTO_UDP, 0, address));
  }
}

function askResolver(node: string, port: u16, wanted: addrinfo, results: addrinfo[]): i32 {
  const name = String.UTF8.encode(node);
  const found = new StaticArray<u8>(ADDRESSES_MAXIMUM * <i32>RESOLVED_ADDRESS_SIZE);
  const before = errno;
  const target = changetype<usize>(found);
  const text = changetype<usize>(name);
  const count = posix.resolve(text, name.byteLength, wanted.ai_family, target, ADDRESSES_MAXIMUM);
  setErrno(count < 0 ? -count : before);
  if (count < 0) return resolverError(-count);
  for (let i = 0; i < count; i++) {
    append(results, wanted, socketAddress(target + <usize>i * RESOLVED_ADDRESS_SIZE, port));
  }
  return 0;
}

/** The address of a socket for the ResolvedAddress at `source`. */
function socketAddress(source: usize, port: u16): sockaddr {
  const resolved = changetype<ResolvedAddress>(source);
  if (<i32>resolved.family == AF_INET) return new sockaddr_in(ntohl(resolved.word0), port);
  const address = new in6_addr();
  memory.copy(changetype<usize>(address), source + offsetof<ResolvedAddress>("word0"), 16);
  return new sockaddr_in6(address, port);
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
