// What transports ask about addresses, of either family.
import { addressIsBroadcast, addressIsLocal } from "../addresses";
import { ipv4SourceFor, routeIsGroup, routeIsLoopback } from "../ipv4/routing";
import { CHECKSUM_OFFLOAD_TX_IPV6, SCATTER_GATHER, deviceFeatures } from "../device";
import { ipv6IsLocal } from "../ipv6/addresses";
import { ipv6SourceFor } from "../ipv6/routing";
import { IpAddress } from "./address";

/** Stores the address of ours that packets to `destination` carry at `source`; false = no route. */
export function ipSourceFor(destination: IpAddress, source: IpAddress): bool {
  if (!destination.isIpv4()) return ipv6SourceFor(destination, source);
  const own = ipv4SourceFor(destination.ipv4());
  source.setIpv4(own);
  return own != 0;
}

/** True for a destination that more than one host may take: a group, or a broadcast address. */
export function ipIsGroup(address: IpAddress): bool {
  return address.isIpv4() ? routeIsGroup(address.ipv4()) : address.isMulticast();
}

/** True for a broadcast address, which sockets may send to with SO_BROADCAST only. */
export function ipIsBroadcast(address: IpAddress): bool {
  return address.isIpv4() && addressIsBroadcast(address.ipv4());
}

/** True for an address of ours. */
export function ipIsLocal(address: IpAddress): bool {
  return address.isIpv4() ? addressIsLocal(address.ipv4()) : ipv6IsLocal(address);
}

/** True for a destination whose packets do not leave us. */
export function ipIsLoopback(address: IpAddress): bool {
  return address.isIpv4() ? routeIsLoopback(address.ipv4()) : ipv6IsLocal(address);
}

/** True when frames to `destination` may refer to text where it lies: they go to a device that gathers it and fills the checksum in. */
export function ipGathers(destination: IpAddress): bool {
  const needed = destination.isIpv4() ? SCATTER_GATHER : SCATTER_GATHER | CHECKSUM_OFFLOAD_TX_IPV6;
  return (deviceFeatures() & needed) == needed && !ipIsLoopback(destination);
}
