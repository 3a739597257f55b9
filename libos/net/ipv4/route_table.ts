// Routes beside the one to the own subnet and the default one (RFC 3442; dhcp/routes.ts fills them in): the longest prefix that
// covers a destination says who takes packets for it. A handful at most, so they are looked at one after the other, longest first.
import { prefixMask } from "../addresses";

/** Routes that are kept. */
export const ROUTES_MAXIMUM: u32 = 16;

/** Packets for destinations whose first bits, as many as `mask` has, are those of `destination` go to `router`. */
@unmanaged
@final
export class Route {
  destination: u32;
  mask: u32;
  /** 0 = the destinations are on the link. */
  router: u32;
}

const ROUTE_SIZE: u32 = 12;
const routes = memory.data(192, 4); // ROUTES_MAXIMUM x ROUTE_SIZE
let count: u32 = 0;

/** No route. */
export const NO_ROUTE: Route = changetype<Route>(0);

/** Routes now. */
export function routesCount(): u32 {
  return count;
}

/** Route `index`, less than routesCount(); the longest prefixes come first. */
export function routeAt(index: u32): Route {
  return changetype<Route>(routes + <usize>(index * ROUTE_SIZE));
}

/** Forgets all routes. */
export function routesClear(): void {
  count = 0;
}

/** Adds a route with a prefix of 1 … 32 bits; false when the table is full. What was added first stays for a prefix. */
export function routeAdd(destination: u32, prefixLength: u32, router: u32): bool {
  const mask = prefixMask(prefixLength);
  let index: u32 = 0;
  while (index < count && routeAt(index).mask > mask) index++;
  for (let i = index; i < count && routeAt(i).mask == mask; i++) {
    if (routeAt(i).destination == (destination & mask)) return true;
  }
  if (count == ROUTES_MAXIMUM) return false;
  memory.copy(changetype<usize>(routeAt(index + 1)), changetype<usize>(routeAt(index)), (count - index) * ROUTE_SIZE);
  count += 1;
  const route = routeAt(index);
  route.destination = destination & mask;
  route.mask = mask;
  route.router = router;
  return true;
}

/** The route with the longest prefix that covers `destination`, or NO_ROUTE. */
export function routeFind(destination: u32): Route {
  for (let i: u32 = 0; i < count; i++) {
    const route = routeAt(i);
    if ((destination & route.mask) == route.destination) return route;
  }
  return NO_ROUTE;
}
