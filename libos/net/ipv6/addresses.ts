// Our IPv6 addresses: a short table. Who makes and ends them is autoconfiguration.ts; here is what others ask of them.
import { randomU32 } from "../../../kernel/random";
import { IpAddress } from "../ip/address";

/** Addresses that we can have at a time. */
export const ADDRESSES: u32 = 8;

/** Values of OwnAddress.state. */
export const ADDRESS_FREE: u8 = 0;
/** Being asked for on the link (RFC 4862 section 5.4): not ours yet. */
export const ADDRESS_TENTATIVE: u8 = 1;
export const ADDRESS_VALID: u8 = 2;
/** Somebody else has it. */
export const ADDRESS_DUPLICATE: u8 = 3;

/** One of our addresses. */
@unmanaged
@final
export class OwnAddress {
  /** When duplicate address detection goes on; NEVER afterwards. */
  probeAt: u64;
  /** Until when new connections use it, and until when it is ours. NEVER = for ever. */
  preferredUntil: u64;
  validUntil: u64;
  // Storage of the address: use `address`.
  private high: u64;
  private low: u64;
  /** ADDRESS_… */
  state: u8;
  prefixLength: u8;
  /** Solicitations sent in duplicate address detection. */
  probes: u8;
  /** A router's prefix made it (RFC 4862 section 5.5), not the configuration. */
  automatic: bool;

  get address(): IpAddress {
    return changetype<IpAddress>(changetype<usize>(this) + offsetof<OwnAddress>("high"));
  }
}

/** No address. */
export const NO_ADDRESS: OwnAddress = changetype<OwnAddress>(0);

const table = memory.data(384, 8); // ADDRESSES of 48 bytes
/** Entries from here on have never been used: who looks for an address, as for each packet, need not look there. */
let used: u32 = 0;

/** Entry `index` of the table, 0 … ADDRESSES - 1. */
export function ownAddressAt(index: u32): OwnAddress {
  return changetype<OwnAddress>(table + <usize>index * offsetof<OwnAddress>());
}

/** The entry of `address` in whatever state, or NO_ADDRESS. */
export function ownAddressFind(address: IpAddress): OwnAddress {
  for (let i: u32 = 0; i < used; i++) {
    const own = ownAddressAt(i);
    if (own.state != ADDRESS_FREE && own.address.equals(address)) return own;
  }
  return NO_ADDRESS;
}

/** A free entry, or NO_ADDRESS. */
export function ownAddressClaim(): OwnAddress {
  for (let i: u32 = 0; i < ADDRESSES; i++) {
    if (ownAddressAt(i).state != ADDRESS_FREE) continue;
    used = max(used, i + 1);
    return ownAddressAt(i);
  }
  return NO_ADDRESS;
}

/** True for an address that packets reach without leaving us. */
export function ipv6IsLocal(address: IpAddress): bool {
  if (address.isLoopback()) return true;
  const own = ownAddressFind(address);
  return own != NO_ADDRESS && own.state == ADDRESS_VALID;
}

/** The first eight bytes of ff02::, and the last eight of ff02::1 and ff02::1:ff00:0, as this machine loads them. */
const LINK_GROUP: u64 = 0x02ff;
const ALL_NODES: u64 = 0x0100000000000000;
const SOLICITED_NODE: u64 = 0x000000ff01000000;

/** True for a group that we belong to: all nodes, and the solicited-node group of each of our addresses (RFC 4291, 2.8). */
export function ipv6IsOurGroup(group: IpAddress): bool {
  if (group.high != LINK_GROUP) return false;
  if (group.low == ALL_NODES) return true;
  for (let i: u32 = 0; i < ADDRESSES; i++) {
    const own = ownAddressAt(i);
    if (own.state != ADDRESS_FREE && group.low == solicitedLow(own.address)) return true;
  }
  return false;
}

function solicitedLow(address: IpAddress): u64 {
  return SOLICITED_NODE | (address.low & 0xffffff0000000000);
}

/** Makes `group` the solicited-node group of `address`. */
export function solicitedNodeGroup(group: IpAddress, address: IpAddress): void {
  group.high = LINK_GROUP;
  group.low = solicitedLow(address);
}

/** Makes `group` ff02::`last`: 1 = all nodes, 2 = all routers. */
export function linkGroup(group: IpAddress, last: u8): void {
  group.high = LINK_GROUP;
  group.low = (<u64>last) << 56;
}

/** True for an address or group that has no meaning beyond the link. */
function isLinkScope(address: IpAddress): bool {
  return address.isMulticast() ? ((address.high >> 8) & 15) <= 2 : address.isLinkLocal();
}

/** RFC 6724 section 5: true when packets to `destination` should rather carry `candidate` than `best`. */
function isBetter(candidate: OwnAddress, best: OwnAddress, destination: IpAddress, now: u64): bool {
  if (best == NO_ADDRESS) return true;
  if (candidate.address.equals(destination) != best.address.equals(destination)) {
    return candidate.address.equals(destination); // rule 1
  }
  const scope = isLinkScope(destination);
  const fits = candidate.address.isLinkLocal() == scope;
  if (fits != (best.address.isLinkLocal() == scope)) return fits; // rule 2
  const preferred = now < candidate.preferredUntil;
  if (preferred != now < best.preferredUntil) return preferred; // rule 3
  return candidate.address.commonBits(destination) > best.address.commonBits(destination); // rule 8
}

/** Stores the address of ours that suits `destination` at `source`; false when there is none. */
export function ipv6SourceSelect(destination: IpAddress, source: IpAddress, now: u64): bool {
  let best = NO_ADDRESS;
  for (let i: u32 = 0; i < ADDRESSES; i++) {
    const own = ownAddressAt(i);
    if (own.state == ADDRESS_VALID && isBetter(own, best, destination, now)) best = own;
  }
  if (best == NO_ADDRESS) return false;
  source.copy(best.address);
  return true;
}

/** A random time below `bound` ns, for what many hosts would otherwise do at once. */
export function randomBelow(bound: u64): u64 {
  return (<u64>randomU32() * (bound >> 8)) >> 24;
}
