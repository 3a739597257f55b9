// What the interface is configured with: one IPv4 address, its prefix, a gateway, an MTU. Whoever decides on these
// (network.ts for a static address, dhcp/ for a leased one) calls interfaceConfigure() in interface.ts.
// Addresses are in host order; address 0 means "not configured".
import { deviceMtu } from "./device";
import { INADDR_BROADCAST, ipv4IsLoopback } from "./wire/ipv4";

let address: u32 = 0;
let mask: u32 = 0;
let gateway: u32 = 0;
let mtuLimit: u32 = 0;

/** Sets all of it at once; `mtu` 0 means the device's own. */
export function addressesSet(newAddress: u32, prefixLength: u32, newGateway: u32, mtu: u32): void {
  address = newAddress;
  mask = prefixMask(prefixLength);
  gateway = newGateway;
  mtuLimit = mtu;
}

/** The network mask of a prefix of 0 … 32 bits. */
export function prefixMask(prefixLength: u32): u32 {
  return prefixLength == 0 ? 0 : 0xffffffff << (32 - min<u32>(prefixLength, 32));
}

/** Our address, 0 while there is none. */
export function interfaceAddress(): u32 {
  return address;
}

/** Our network mask. */
export function interfaceMask(): u32 {
  return mask;
}

/** Our default gateway, 0 when there is none. */
export function interfaceGateway(): u32 {
  return gateway;
}

/** Largest IPv4 packet that we send on the interface. */
export function interfaceMtu(): u32 {
  const mtu = deviceMtu();
  return mtuLimit != 0 && mtuLimit < mtu ? mtuLimit : mtu;
}

/** True for an address that packets reach without leaving us. */
export function addressIsLocal(candidate: u32): bool {
  return (candidate == address && address != 0) || ipv4IsLoopback(candidate);
}

/** True for the limited broadcast address and for that of our subnet (RFC 1122 section 3.3.6). */
export function addressIsBroadcast(candidate: u32): bool {
  if (candidate == INADDR_BROADCAST) return true;
  // A /31 or /32 has no broadcast address (RFC 3021).
  return address != 0 && mask < 0xfffffffe && candidate == (address | ~mask);
}

/** True for a host that we reach without a gateway. */
export function addressIsOnLink(candidate: u32): bool {
  return address != 0 && (((candidate ^ address) & mask) == 0 || candidate == gateway);
}
