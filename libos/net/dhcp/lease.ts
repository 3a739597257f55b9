// Leases: what a DHCP server offers, taken out of its message and checked, field by field, before any of it is used; and the one that the interface is
// configured with, with its times (RFC 2131 section 4.4.5; monotonic ns, where not said otherwise).
import { EINVAL } from "../../../kernel/errno";
import { NEVER } from "../../../kernel/time/clock";
import { PATH_MTU_MINIMUM } from "../ip/path_mtu";
import {
  DHCP_OPTION_DOMAIN_NAME_SERVER,
  DHCP_OPTION_INTERFACE_MTU,
  DHCP_OPTION_LEASE_TIME,
  DHCP_OPTION_REBINDING_TIME,
  DHCP_OPTION_RENEWAL_TIME,
  DHCP_OPTION_ROUTER,
  DHCP_OPTION_SERVER_IDENTIFIER,
  DHCP_OPTION_SUBNET_MASK,
  dhcpOptionU16,
  dhcpOptionU32,
  dhcpYourAddress,
} from "../wire/dhcp";
import { ipv4IsUnicast } from "../wire/ipv4";
import { SECOND } from "./retry";
import { dhcpDefaultRoute } from "./routes";

/** The lease time that means "for ever" (RFC 2131 section 3.3). */
export const LEASE_INFINITE: u32 = 0xffffffff;
/** A shorter lease would have us do little else than renew it. */
const LEASE_MINIMUM: u32 = 10;
/** RFC 2131 section 4.4.5: renewal is not tried more often. */
const RENEW_MINIMUM: u64 = 60 * SECOND;

/** Name servers that are kept. */
export const NAME_SERVERS: u32 = 3;

/** Bytes of a Lease, for static instances. */
export const LEASE_SIZE: i32 = 48;

/** The usable contents of an OFFER or ACK. Addresses in host order, times in seconds. */
@unmanaged
@final
export class Lease {
  address: u32;
  prefixLength: u32;
  /** 0 = none. */
  gateway: u32;
  server: u32;
  /** 0 = the device's. */
  mtu: u32;
  /** LEASE_INFINITE, or at least LEASE_MINIMUM. */
  duration: u32;
  /** T1: seconds until the lease is renewed, < rebinding. */
  renewal: u32;
  /** T2: seconds until any server is asked, < duration. */
  rebinding: u32;
  /** 0 = no more. */
  nameServer0: u32;
  nameServer1: u32;
  nameServer2: u32;
}

/** Makes `target` the same as `source`. */
export function leaseCopy(target: Lease, source: Lease): void {
  memory.copy(changetype<usize>(target), changetype<usize>(source), LEASE_SIZE);
}

/** Bits of a contiguous network mask, or -EINVAL. */
function prefixOf(mask: u32): i32 {
  const inverted = ~mask;
  return (inverted & (inverted + 1)) == 0 ? <i32>(32 - popcnt(inverted)) : -EINVAL;
}

/** The prefix length that the address's class had (RFC 791), for a server that sends no mask. */
function classPrefix(address: u32): i32 {
  if (address >> 31 == 0) return 8;
  return address >> 30 == 2 ? 16 : 24;
}

function isHostOf(address: u32, prefixLength: u32): bool {
  if (prefixLength >= 31) return true;
  const host = address & (0xffffffff >> prefixLength);
  return host != 0 && host != 0xffffffff >> prefixLength;
}

/** RFC 2131 section 4.4.5: T1 is half the lease and T2 seven eighths unless the server says otherwise, T1 < T2 < lease. */
function setTimes(lease: Lease, renewal: u32, rebinding: u32): void {
  const duration = lease.duration;
  const byDefault = duration - (duration >> 3);
  lease.rebinding = rebinding != 0 && rebinding < duration ? rebinding : byDefault;
  lease.renewal = renewal != 0 && renewal < lease.rebinding ? renewal : min(duration >> 1, lease.rebinding - 1);
}

/**
 * Reads the OFFER or ACK of `length` bytes, which has passed dhcpCheckLength(), into `lease`.
 * @returns 0, or -EINVAL when no host could be configured with it
 */
export function leaseRead(lease: Lease, message: usize, length: u32): i32 {
  const address = dhcpYourAddress(message);
  const mask = dhcpOptionU32(message, length, DHCP_OPTION_SUBNET_MASK);
  const prefix = mask == 0 ? classPrefix(address) : prefixOf(mask);
  if (!ipv4IsUnicast(address) || prefix < 0 || !isHostOf(address, prefix)) return -EINVAL;
  const duration = dhcpOptionU32(message, length, DHCP_OPTION_LEASE_TIME);
  const server = dhcpOptionU32(message, length, DHCP_OPTION_SERVER_IDENTIFIER);
  // RFC 2131 table 3 MUST: both options are in every OFFER and ACK.
  if (duration < LEASE_MINIMUM || !ipv4IsUnicast(server)) return -EINVAL;
  // RFC 3442: who understands the classless routes and gets some MUST ignore the router option.
  const route = dhcpDefaultRoute(message, length);
  const gateway = route < 0 ? dhcpOptionU32(message, length, DHCP_OPTION_ROUTER) : <u32>route;
  const mtu = dhcpOptionU16(message, length, DHCP_OPTION_INTERFACE_MTU);
  lease.address = address;
  lease.prefixLength = prefix;
  lease.gateway = ipv4IsUnicast(gateway) && gateway != address ? gateway : 0;
  lease.server = server;
  lease.mtu = mtu >= PATH_MTU_MINIMUM ? mtu : 0;
  lease.duration = duration;
  setTimes(
    lease,
    dhcpOptionU32(message, length, DHCP_OPTION_RENEWAL_TIME),
    dhcpOptionU32(message, length, DHCP_OPTION_REBINDING_TIME),
  );
  lease.nameServer0 = dhcpOptionU32(message, length, DHCP_OPTION_DOMAIN_NAME_SERVER, 0);
  lease.nameServer1 = dhcpOptionU32(message, length, DHCP_OPTION_DOMAIN_NAME_SERVER, 1);
  lease.nameServer2 = dhcpOptionU32(message, length, DHCP_OPTION_DOMAIN_NAME_SERVER, 2);
  return 0;
}

/** What the interface is configured with. */
export const lease = changetype<Lease>(memory.data(LEASE_SIZE, 8));

/** When the REQUEST of the lease was sent. */
let leaseStart: u64 = 0;

/** `taken` is the lease from now on; its REQUEST was sent at `start`. */
export function dhcpPresentLease(taken: Lease, start: u64): void {
  leaseCopy(lease, taken);
  leaseStart = start;
}

/** The present lease; its fields mean something while interfaceAddress() is its address. */
export function dhcpLease(): Lease {
  return lease;
}

/** What the process that keeps the lease says of it: `age` seconds ago it began. */
export function dhcpTold(told: Lease, age: u32, now: u64): void {
  dhcpPresentLease(told, now - min(<u64>age * SECOND, now));
}

/** Seconds since the lease began. */
export function dhcpLeaseAge(now: u64): u32 {
  return <u32>((now - leaseStart) / SECOND);
}

/** A time of the lease, given in seconds from its start. */
export function leaseTime(seconds: u32): u64 {
  return lease.duration == LEASE_INFINITE ? NEVER : leaseStart + <u64>seconds * SECOND;
}

/** RFC 2131 section 4.4.5: half of the time that is left, at least a minute, and the state's end in any case. */
export function renewalRetry(renews: bool, now: u64): u64 {
  const end = leaseTime(renews ? lease.rebinding : lease.duration);
  if (end <= now) return now;
  return min(end, now + max((end - now) / 2, RENEW_MINIMUM));
}
