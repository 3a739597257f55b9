// Routing for a host with one interface: the own subnet is on the link, the rest goes to the gateway (RFC 1122 section 3.3.1), unless
// there is a route with a longer prefix.
import {
  addressIsBroadcast,
  addressIsLocal,
  addressIsOnLink,
  interfaceAddress,
  interfaceGateway,
  interfaceMask,
} from "../addresses";
import { INADDR_BROADCAST, ipv4IsLoopback, ipv4IsMulticast } from "../wire/ipv4";
import { NO_ROUTE, routeFind } from "./route_table";

/** The address whose station takes packets for `destination`; 0 = no route. Broadcast and groups are their own. */
export function routeNextHop(destination: u32): u32 {
  const route = routeFind(destination);
  const routed = route != NO_ROUTE && route.mask > interfaceMask();
  if (!routed && addressIsOnLink(destination)) return destination;
  if (destination == INADDR_BROADCAST || ipv4IsMulticast(destination)) return destination;
  if (interfaceAddress() == 0) return 0;
  if (route == NO_ROUTE) return interfaceGateway();
  return route.router != 0 ? route.router : destination;
}

/** The address of ours that packets to `destination` carry; 0 = no route. */
export function ipv4SourceFor(destination: u32): u32 {
  if (destination == 0) return 0;
  if (ipv4IsLoopback(destination) || destination == interfaceAddress()) return destination;
  return routeNextHop(destination) != 0 ? interfaceAddress() : 0;
}

/** True for a destination that more than one host may take. */
export function routeIsGroup(destination: u32): bool {
  return ipv4IsMulticast(destination) || addressIsBroadcast(destination);
}

/** True when packets to `destination` come back to us without the device. */
export function routeIsLoopback(destination: u32): bool {
  return addressIsLocal(destination);
}
