// What routers say of the link as a whole (RFC 4861 section 6.3.4): its MTU and the hop limit that packets should start with.
import { deviceMtu } from "../device";
import { IPV6_MTU_MINIMUM } from "../wire/ipv6";

/** RFC 1700: the recommended default. */
const HOP_LIMIT: u8 = 64;

let mtu: u32 = 0;
let hopLimit: u8 = HOP_LIMIT;

/** Largest IPv6 packet that we send on the interface, in bytes. */
export function linkMtu(): u32 {
  const device = deviceMtu();
  return mtu != 0 && mtu < device ? mtu : device;
}

/** Takes a router's MTU; RFC 4861 section 6.3.4: not one that IPv6 or the device cannot live with. */
export function linkSetMtu(value: u32): void {
  if (value >= IPV6_MTU_MINIMUM && value <= deviceMtu()) mtu = value;
}

/**
 * RFC 4861 section 6.3.4 has us take what a router says. With a very small one, which no router has a reason to say, anybody
 * on the link could keep our packets on it.
 */
const HOP_LIMIT_MINIMUM: u8 = 32;

/** The hop limit of packets that leave us. */
export function linkHopLimit(): u8 {
  return hopLimit;
}

/** Takes a router's hop limit; 0 says nothing. */
export function linkSetHopLimit(value: u8): void {
  if (value >= HOP_LIMIT_MINIMUM) hopLimit = value;
}

/** Forgets what routers have said. */
export function linkClear(): void {
  mtu = 0;
  hopLimit = HOP_LIMIT;
}
