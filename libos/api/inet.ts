// arpa/inet.h and netinet/in.h: byte order, addresses as text, and struct sockaddr_in; inet6.ts has what is of IPv6 alone.
import { EAFNOSUPPORT } from "../../kernel/errno";
import { AF_INET, AF_INET6, INADDR_ANY, INADDR_NONE } from "../posix/constants";
import { setErrno } from "./errno";
import { addressText6, parseAddress6 } from "./inet6";
import { sockaddr } from "./sockaddr";

/** Host to network order, 16 bits. */
export function htons(value: u16): u16 {
  return bswap<u16>(value);
}

/** Network to host order, 16 bits. */
export function ntohs(value: u16): u16 {
  return bswap<u16>(value);
}

/** Host to network order, 32 bits. */
export function htonl(value: u32): u32 {
  return bswap<u32>(value);
}

/** Network to host order, 32 bits. */
export function ntohl(value: u32): u32 {
  return bswap<u32>(value);
}

/** The value of `text` as four decimal numbers with dots between, in host order; -1 when it is not that. */
function parseAddress(text: string): i64 {
  const length = text.length;
  let address: u32 = 0;
  let parts = 0;
  let at = 0;
  while (parts < 4) {
    const start = at;
    let part: u32 = 0;
    while (at < length && at - start < 3) {
      const digit = <u32>(text.charCodeAt(at) - 0x30);
      if (digit > 9) break;
      part = part * 10 + digit;
      at++;
    }
    const digits = at - start;
    // A leading zero is refused, as inet_pton does: some would read it as octal.
    if (digits == 0 || part > 255 || (digits > 1 && text.charCodeAt(start) == 0x30)) return -1;
    address = (address << 8) | part;
    parts++;
    if (parts < 4 && (at >= length || text.charCodeAt(at++) != 0x2e)) return -1;
  }
  return at == length ? <i64>address : -1;
}

/** The address in `text` ("10.0.2.20") in network order, INADDR_NONE when it is not one. */
export function inet_addr(text: string): u32 {
  const address = parseAddress(text);
  return address < 0 ? INADDR_NONE : htonl(<u32>address);
}

/** `address`, in network order, as text. */
export function inet_ntoa(address: u32): string {
  const a = address & 0xff;
  const b = (address >> 8) & 0xff;
  const c = (address >> 16) & 0xff;
  const d = address >> 24;
  return `${a}.${b}.${c}.${d}`;
}

/**
 * Stores the address in `text` at `destination` (4 bytes for AF_INET, 16 for AF_INET6, network order). Returns 1, 0 when
 * `text` is no address, -1 for another `family` (EAFNOSUPPORT).
 */
export function inet_pton(family: i32, text: string, destination: usize): i32 {
  if (family == AF_INET6) return parseAddress6(text, destination) ? 1 : 0;
  if (family != AF_INET) {
    setErrno(EAFNOSUPPORT);
    return -1;
  }
  const address = parseAddress(text);
  if (address < 0) return 0;
  store<u32>(destination, htonl(<u32>address));
  return 1;
}

/** The address at `source` (4 or 16 bytes, network order) as text; null when `family` is none of the two (EAFNOSUPPORT). */
export function inet_ntop(family: i32, source: usize): string | null {
  if (family == AF_INET6) return addressText6(source);
  if (family != AF_INET) {
    setErrno(EAFNOSUPPORT);
    return null;
  }
  return inet_ntoa(load<u32>(source));
}

/**
 * struct sockaddr_in, with C's layout. Fields are in network order as in C; the constructor takes host order, so that
 * `new sockaddr_in(INADDR_ANY, 80)` is what a server binds to.
 */
@final
export class sockaddr_in extends sockaddr {
  sin_port: u16;
  sin_addr: u32;
  sin_zero: u64 = 0;

  constructor(address: u32 = INADDR_ANY, port: u16 = 0) {
    super(<u16>AF_INET);
    this.sin_addr = htonl(address);
    this.sin_port = htons(port);
  }

  /** The address of `host` ("10.0.2.2") and `port`; null when `host` is no address. */
  static from(host: string, port: u16): sockaddr_in | null {
    const address = parseAddress(host);
    return address < 0 ? null : new sockaddr_in(<u32>address, port);
  }

  /** The address as text. */
  get host(): string {
    return inet_ntoa(this.sin_addr);
  }

  /** The port in host order. */
  get port(): u16 {
    return ntohs(this.sin_port);
  }

  /** "10.0.2.2:80" */
  toString(): string {
    return `${this.host}:${this.port}`;
  }
}
