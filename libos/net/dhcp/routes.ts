// The classless static routes that a DHCP server sends (RFC 3442): each is the bits of its prefix, as many bytes of the destination
// as those need, and a router. Who takes them ignores the router option, and finds its default route among them.
import { routeAdd, routesClear } from "../ipv4/route_table";
import { DHCP_OPTION_CLASSLESS_ROUTES, dhcpOptionCopy } from "../wire/dhcp";
import { ipv4IsUnicast } from "../wire/ipv4";

/** Bytes of the longest list that is read; a longer one counts as malformed. */
const LIST_MAXIMUM: u32 = 512;

const list = memory.data(512, 4); // LIST_MAXIMUM

/** Bytes of the list in the message of `length` bytes, now at `list`; 0 when there is none, or a malformed one. */
function listRead(message: usize, length: u32): u32 {
  const size = dhcpOptionCopy(message, length, DHCP_OPTION_CLASSLESS_ROUTES, list, LIST_MAXIMUM);
  if (size > LIST_MAXIMUM) return 0;
  let at: u32 = 0;
  while (at < size) {
    if (load<u8>(list + at) > 32) return 0;
    at = routerAt(at) + 4;
  }
  return at == size ? size : 0;
}

/** Where in the list the router of the route at `at` stands. */
function routerAt(at: u32): u32 {
  return at + 1 + ((<u32>load<u8>(list + at) + 7) >> 3);
}

function routerOf(at: u32): u32 {
  return bswap<u32>(load<u32>(list + routerAt(at)));
}

/** The router of the default route: 0 when the server sent routes without one, -1 when it sent none, or malformed ones. */
export function dhcpDefaultRoute(message: usize, length: u32): i64 {
  const size = listRead(message, length);
  if (size == 0) return -1;
  for (let at: u32 = 0; at < size; at = routerAt(at) + 4) {
    if (load<u8>(list + at) == 0) return routerOf(at);
  }
  return 0;
}

/** Makes the other routes those that packets take, in place of all there were; those beyond ROUTES_MAXIMUM are left out. */
export function dhcpRoutesTake(message: usize, length: u32): void {
  routesClear();
  const size = listRead(message, length);
  for (let at: u32 = 0; at < size; at = routerAt(at) + 4) {
    const prefixLength = load<u8>(list + at);
    const router = routerOf(at);
    // RFC 3442: the router 0.0.0.0 means that the destinations are on the link.
    if (prefixLength != 0 && (router == 0 || ipv4IsUnicast(router))) routeAdd(destinationOf(at), prefixLength, router);
  }
}

/** The destination of the route at `at`; what stands behind its prefix is routeAdd()'s to ignore. */
function destinationOf(at: u32): u32 {
  let destination: u32 = 0;
  for (let i = at + 1; i < routerAt(at); i++) destination = (destination << 8) | load<u8>(list + i);
  return destination << (32 - ((routerAt(at) - at - 1) << 3));
}
