// The one form in which transports and sockets know an address: the 16 bytes of IPv6 in network order, an IPv4 address
// as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2). So a connection, a hash and a comparison are written once, and a socket
// of AF_INET6 takes both families. Below, ipv4/ works on u32 in host order and ipv6/ on the same 16 bytes.
//
// "Any" has two forms, as on Linux: ::ffff:0.0.0.0 is any address of IPv4, :: any of IPv6, and of IPv4 too unless the
// socket is for IPv6 only.

/** Bytes of an IpAddress, for static instances. */
export const IP_ADDRESS_SIZE: i32 = 16;

/** The last eight bytes of ::ffff:0.0.0.0, as this machine loads them. */
const MAPPED_ANY: u64 = 0xffff0000;

/** The last eight bytes of ::1, likewise. */
const LOOPBACK: u64 = 0x0100000000000000;

/** The last eight bytes of the mapped form of an IPv4 address in host order; the first eight are zero. */
export function mappedLow(address: u32): u64 {
  return ((<u64>bswap<u32>(address)) << 32) | MAPPED_ANY;
}

/** An address in memory: in a socket, a packet or a static place. */
@unmanaged
@final
export class IpAddress {
  /** The first and the last eight bytes, as this machine loads them. */
  high: u64;
  low: u64;

  equals(other: IpAddress): bool {
    return this.low == other.low && this.high == other.high;
  }

  copy(from: IpAddress): void {
    this.high = from.high;
    this.low = from.low;
  }

  /** Makes it ::. */
  clear(): void {
    this.high = 0;
    this.low = 0;
  }

  /** Makes it the mapped form of an IPv4 address in host order. */
  setIpv4(address: u32): void {
    this.high = 0;
    this.low = mappedLow(address);
  }

  /** Makes it ::1. */
  setLoopback(): void {
    this.high = 0;
    this.low = LOOPBACK;
  }

  /** True for a mapped IPv4 address. */
  isIpv4(): bool {
    return this.high == 0 && <u32>this.low == <u32>MAPPED_ANY;
  }

  /** The IPv4 address in host order; isIpv4() must hold. */
  ipv4(): u32 {
    return bswap<u32>(<u32>(this.low >> 32));
  }

  /** True for an IPv6 multicast address, ff00::/8. */
  isMulticast(): bool {
    return <u8>this.high == 0xff;
  }

  /** True for fe80::/10, which is known on the link only. */
  isLinkLocal(): bool {
    return (this.high & 0xc0ff) == 0x80fe;
  }

  /** True for ::1. */
  isLoopback(): bool {
    return this.high == 0 && this.low == LOOPBACK;
  }

  /** Bits, from the left, that both addresses have in common: 0 … 128. */
  commonBits(other: IpAddress): u32 {
    const high = bswap<u64>(this.high ^ other.high);
    if (high != 0) return <u32>clz<u64>(high);
    return 64 + <u32>clz<u64>(bswap<u64>(this.low ^ other.low));
  }

  /** True for both forms of "any". */
  isAny(): bool {
    return this.high == 0 && (this.low == 0 || this.low == MAPPED_ANY);
  }
}

/** The address at `at`. */
export function addressAt(at: usize): IpAddress {
  return changetype<IpAddress>(at);
}

/** True when a socket bound to `bound` (with IPV6_V6ONLY when `only6`) takes what is sent to `actual`. */
export function addressCovers(bound: IpAddress, only6: bool, actual: IpAddress): bool {
  if (bound.equals(actual)) return true;
  if (!bound.isAny()) return false;
  return actual.isIpv4() ? !only6 : !bound.isIpv4();
}

/** True when two bindings have an address in common. */
export function addressesOverlap(left: IpAddress, leftOnly6: bool, right: IpAddress, rightOnly6: bool): bool {
  return addressCovers(left, leftOnly6, right) || addressCovers(right, rightOnly6, left);
}
