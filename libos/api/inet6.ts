// netinet/in.h for IPv6: addresses as text, and struct sockaddr_in6.
import { AF_INET6 } from "../posix/constants";
import { sockaddr } from "./sockaddr";

const GROUPS: i32 = 8;

/** struct in6_addr: the 16 bytes of an address in network order. */
@final
export class in6_addr {
  // As the bytes lie in memory.
  private high: u64 = 0;
  private low: u64 = 0;

  /** The two bytes of group `index`, 0 … 7, in host order. */
  group(index: i32): u32 {
    return bswap<u16>(load<u16>(changetype<usize>(this) + (index << 1)));
  }

  /** True for ::ffff:a.b.c.d, an IPv4 address on a socket of both families (IN6_IS_ADDR_V4MAPPED). */
  get isMapped(): bool {
    return this.high == 0 && <u32>this.low == 0xffff0000;
  }

  /** The address in `text` ("fe80::1"); null when it is none. */
  static from(text: string): in6_addr | null {
    const address = new in6_addr();
    return parseAddress6(text, changetype<usize>(address)) ? address : null;
  }

  /** The address as text (RFC 5952). */
  toString(): string {
    return addressText6(changetype<usize>(this));
  }
}

/** Any local address, of both families unless IPV6_V6ONLY is set. */
export const in6addr_any: in6_addr = new in6_addr();
/** ::1, this host. */
export const in6addr_loopback: in6_addr = loopback();

function loopback(): in6_addr {
  const address = new in6_addr();
  store<u8>(changetype<usize>(address), 1, 15);
  return address;
}

/** struct sockaddr_in6, with C's layout. The constructor takes the port in host order. */
@final
export class sockaddr_in6 extends sockaddr {
  sin6_port: u16;
  sin6_flowinfo: u32 = 0;
  // Storage of sin6_addr.
  private addressHigh: u64 = 0;
  private addressLow: u64 = 0;
  /** Not used: there is one link. */
  sin6_scope_id: u32 = 0;

  constructor(address: in6_addr = in6addr_any, port: u16 = 0) {
    super(<u16>AF_INET6);
    this.sin6_port = bswap<u16>(port);
    memory.copy(changetype<usize>(this) + offsetof<sockaddr_in6>("addressHigh"), changetype<usize>(address), 16);
  }

  /** The address of `host` ("fd00::1") and `port`; null when `host` is no address. */
  static from(host: string, port: u16): sockaddr_in6 | null {
    const address = in6_addr.from(host);
    return address === null ? null : new sockaddr_in6(address, port);
  }

  /** A copy of the address. */
  get sin6_addr(): in6_addr {
    const address = new in6_addr();
    this.copyAddress(changetype<usize>(address));
    return address;
  }

  /** Stores the 16 bytes of the address at `target`. */
  copyAddress(target: usize): void {
    memory.copy(target, changetype<usize>(this) + offsetof<sockaddr_in6>("addressHigh"), 16);
  }

  /** The address as text. */
  get host(): string {
    return this.sin6_addr.toString();
  }

  /** The port in host order. */
  get port(): u16 {
    return bswap<u16>(this.sin6_port);
  }

  /** "[fd00::1]:80" */
  toString(): string {
    return `[${this.host}]:${this.port}`;
  }
}

/** The text of the 16 bytes at `source`: RFC 5952, a mapped address with a dotted quad. */
export function addressText6(source: usize): string {
  const address = changetype<in6_addr>(source);
  if (address.isMapped) return "::ffff:" + dotted(load<u32>(source, 12));
  let runStart = GROUPS;
  let runLength = 1;
  for (let i = 0; i < GROUPS; i++) {
    let length = 0;
    while (i + length < GROUPS && address.group(i + length) == 0) length++;
    if (length <= runLength) continue;
    runStart = i;
    runLength = length;
  }
  let text = "";
  for (let i = 0; i < GROUPS; i++) {
    if (i == runStart) {
      text += "::";
      i += runLength - 1;
      continue;
    }
    if (i != 0 && i != runStart + runLength) text += ":";
    text += address.group(i).toString(16);
  }
  return text;
}

function dotted(address: u32): string {
  return `${address & 0xff}.${(address >> 8) & 0xff}.${(address >> 16) & 0xff}.${address >> 24}`;
}

function hexDigit(code: i32): i32 {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Stores the address in `text` as 16 bytes at `target`; false when it is none. A dotted quad at the end is not understood. */
export function parseAddress6(text: string, target: usize): bool {
  const length = text.length;
  let groups = 0;
  let gap = -1; // groups before "::"
  let at = 0;
  memory.fill(target, 0, 16);
  if (text.startsWith("::")) {
    gap = 0;
    at = 2;
  }
  while (at < length) {
    const start = at;
    let value: u32 = 0;
    while (at < length && at - start < 4 && hexDigit(text.charCodeAt(at)) >= 0) {
      value = (value << 4) | hexDigit(text.charCodeAt(at));
      at++;
    }
    if (at == start || groups == GROUPS) return false;
    store<u16>(target + (groups << 1), bswap<u16>(<u16>value));
    groups++;
    if (at == length) break;
    if (text.charCodeAt(at) != 0x3a || ++at == length) return false;
    if (text.charCodeAt(at) != 0x3a) continue;
    if (gap >= 0) return false;
    gap = groups;
    at++;
  }
  if (gap < 0) return groups == GROUPS;
  if (groups == GROUPS) return false;
  const behind = (groups - gap) << 1;
  memory.copy(target + 16 - behind, target + (gap << 1), behind);
  memory.fill(target + (gap << 1), 0, 16 - behind - (gap << 1));
  return true;
}
