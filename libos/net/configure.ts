// Configuration of the interface: the one place where its address changes.
import { familyAddress } from "../../kernel/optional/with_fork";
import { networkAddressesChanged } from "../optional/with_fork_network";
import { addressesSet, interfaceAddress, interfaceGateway, interfaceMask, prefixMask } from "./addresses";
import { arpCacheClear } from "./arp/cache";
import { conflictAnnounce } from "./arp/conflict";
import { pathMtuClear } from "./ip/path_mtu";

/**
 * Gives the interface an address (host order) with a prefix of `prefixLength` bits, a gateway (0 = none) and an MTU
 * (0 = the device's), and announces it on the link. The same again changes and announces nothing.
 * @returns true when the address, prefix or gateway changed
 */
export function interfaceConfigure(address: u32, prefixLength: u32, gateway: u32, mtu: u32, now: u64): bool {
  const same =
    address == interfaceAddress() && gateway == interfaceGateway() && prefixMask(prefixLength) == interfaceMask();
  addressesSet(address, prefixLength, gateway, mtu);
  if (same) return false;
  arpCacheClear();
  pathMtuClear();
  conflictAnnounce(now);
  familyAddress(address);
  networkAddressesChanged();
  return true;
}

/** Takes the address away. */
export function interfaceUnconfigure(now: u64): void {
  interfaceConfigure(0, 0, 0, 0, now);
}
