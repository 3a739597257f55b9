// Routing for a host with one interface (RFC 4861 sections 5.2, 6.3.6): what lies in a prefix of the link goes to its station,
// the rest to a router. Prefixes and routers come from router advertisements or the configuration; a few are enough.
import { NEVER, monotonicNow } from "../../../kernel/time/clock";
import { IpAddress } from "../ip/address";
import { neighbourFailed } from "../ndp/neighbours";
import { ipv6IsLocal, ipv6SourceSelect } from "./addresses";

const ENTRIES: u32 = 8;

/** A prefix of the link, or with length 128 a router. */
@unmanaged
@final
class Route {
  /** 0 = free. */
  validUntil: u64;
  private high: u64;
  private low: u64;
  length: u32;

  get address(): IpAddress {
    return changetype<IpAddress>(changetype<usize>(this) + offsetof<Route>("high"));
  }
}

const prefixes = memory.data(256, 8); // ENTRIES of 32 bytes
const routers = memory.data(256, 8);
let nextExpiry: u64 = NEVER;

const NONE = changetype<Route>(0);
const NO_HOP = changetype<IpAddress>(0);

function routeAt(table: usize, index: u32): Route {
  return changetype<Route>(table + <usize>index * offsetof<Route>());
}

/** Adds an entry, or changes its life; `until` 0 ends it. Without room nothing happens: what is known stays. */
function learn(table: usize, address: IpAddress, length: u32, until: u64): void {
  let free = NONE;
  let found = NONE;
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const route = routeAt(table, i);
    if (route.validUntil == 0) free = route;
    else if (route.length == length && route.address.equals(address)) found = route;
  }
  if (found == NONE) {
    if (until == 0 || free == NONE) return;
    found = free;
    found.address.copy(address);
    found.length = length;
  }
  found.validUntil = until;
  if (until != 0 && until < nextExpiry) nextExpiry = until;
}

/** The first `length` bits of `address` are on the link until `until` (NEVER = for ever, 0 = no longer). */
export function prefixLearn(address: IpAddress, length: u32, until: u64): void {
  learn(prefixes, address, length, until);
}

/** `router` may be used as a default router until `until` (NEVER = for ever, 0 = no longer). */
export function routerLearn(router: IpAddress, until: u64): void {
  learn(routers, router, 128, until);
}

/** `router` says that it is none. One that the configuration has named may be a host that passes packets on all the same. */
export function routerCeases(router: IpAddress): void {
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const route = routeAt(routers, i);
    if (route.validUntil != NEVER && route.address.equals(router)) route.validUntil = 0;
  }
}

/** Forgets all routers and prefixes. */
export function routesClear(): void {
  memory.fill(prefixes, 0, ENTRIES * offsetof<Route>());
  memory.fill(routers, 0, ENTRIES * offsetof<Route>());
  nextExpiry = NEVER;
}

/** Forgets what has expired. */
export function routesPoll(now: u64): void {
  if (now < nextExpiry) return;
  nextExpiry = min(expire(prefixes, now), expire(routers, now));
}

function expire(table: usize, now: u64): u64 {
  let earliest: u64 = NEVER;
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const route = routeAt(table, i);
    if (route.validUntil <= now) route.validUntil = 0;
    if (route.validUntil != 0) earliest = min(earliest, route.validUntil);
  }
  return earliest;
}

/** When routesPoll() next has something to do. */
export function routesDeadline(): u64 {
  return nextExpiry;
}

/** A default router, one that answers if there is one; null = none. */
export function defaultRouter(): IpAddress {
  let any = NONE;
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const route = routeAt(routers, i);
    if (route.validUntil == 0) continue;
    if (!neighbourFailed(route.address)) return route.address;
    any = route;
  }
  return any == NONE ? NO_HOP : any.address;
}

/** True for a station that we reach without a router. */
export function ipv6IsOnLink(address: IpAddress): bool {
  if (address.isLinkLocal()) return true;
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const route = routeAt(prefixes, i);
    if (route.validUntil != 0 && route.address.commonBits(address) >= route.length) return true;
  }
  return false;
}

/** The address whose station takes packets for `destination`, which is no group; null = no route. */
export function ipv6NextHop(destination: IpAddress): IpAddress {
  return ipv6IsOnLink(destination) ? destination : defaultRouter();
}

/** Stores the address of ours that packets to `destination` carry at `source`; false = no route. */
export function ipv6SourceFor(destination: IpAddress, source: IpAddress): bool {
  if (destination.isAny()) return false;
  if (ipv6IsLocal(destination)) {
    source.copy(destination);
    return true;
  }
  if (!destination.isMulticast() && ipv6NextHop(destination) == NO_HOP) return false;
  return ipv6SourceSelect(destination, source, monotonicNow());
}
