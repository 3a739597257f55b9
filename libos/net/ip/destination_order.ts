// Which of several addresses of a host a program should try first (RFC 6724 section 6), as a rank, for getaddrinfo.
import { IP_ADDRESS_SIZE, IpAddress } from "./address";
import { ipSourceFor } from "./routing";

const source = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/** Of a native IPv6 address; of IPv4, which has a precedence below it; of those of IPv6 that have one below that; … */
const NATIVE: u32 = 0;
const OLD: u32 = 1;
const SPECIAL: u32 = 2;
/** … of one that ours would not match; of one that we do not reach. */
const UNLIKE: u32 = 3;
const UNREACHABLE: u32 = 4;

/** The first two bytes of an address. */
function firstBytes(address: IpAddress): u32 {
  return bswap<u16>(<u16>address.high);
}

/** True for fc00::/7. */
function isUniqueLocal(address: IpAddress): bool {
  return firstBytes(address) >> 9 == 0x7e;
}

/** True for 6to4's 2002::/16, Teredo's 2001::/32, fec0::/10: what the table of section 2.1 has below IPv4. */
function isTransitional(address: IpAddress): bool {
  const first = firstBytes(address);
  return first == 0x2002 || bswap<u32>(<u32>address.high) == 0x20010000 || first >> 6 == 0x3fb;
}

/** The label of section 2.1, as far as it is not that of all other addresses. */
function label(address: IpAddress): u32 {
  if (isUniqueLocal(address)) return 13;
  return isTransitional(address) ? firstBytes(address) : 1;
}

/** The rank of `destination`: the lowest is to be tried first. Rules 1, 2, 5 and 6; the rest leaves the order as it is. */
export function destinationRank(destination: IpAddress): u32 {
  if (!ipSourceFor(destination, source)) return UNREACHABLE;
  if (destination.isIpv4()) return OLD;
  if (destination.isLoopback()) return NATIVE;
  if (destination.isLinkLocal() != source.isLinkLocal() || label(destination) != label(source)) return UNLIKE;
  return isUniqueLocal(destination) || isTransitional(destination) ? SPECIAL : NATIVE;
}
