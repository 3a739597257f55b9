// Path MTU cache (RFC 1191, RFC 8201): for the few destinations behind a narrower link, the largest packet that gets
// there. Bounded; an entry is forgotten after ten minutes, so that a wider path is found again (RFC 1191 section 6.3).
// A destination is given as the two halves of its IpAddress (address.ts).
// Only transports write to it, after they have checked that the ICMP message quotes a segment of theirs (RFC 5927).
import { NEVER } from "../../../kernel/time/clock";
import { interfaceMtu } from "../addresses";
import { linkMtu } from "../ipv6/link";
import { IPV6_MTU_MINIMUM } from "../wire/ipv6";
import { IpAddress } from "./address";

/**
 * Below this we do not follow over IPv4: such messages come from an attacker or ask for the impossible. Linux uses the
 * same. For IPv6 it is the smallest MTU there is (RFC 8201 section 4).
 */
export const PATH_MTU_MINIMUM: u32 = 552;

const ENTRIES: u32 = 32;
const LIFETIME: u64 = 600_000_000_000; // ns

@unmanaged
@final
class PathMtu {
  expires: u64;
  destinationHigh: u64;
  destinationLow: u64;
  /** 0 = the entry is free. */
  mtu: u32;
}

const table = memory.data(1024, 8); // ENTRIES of 32 bytes
let used: u32 = 0;
let nextExpiry: u64 = NEVER;

function entry(index: u32): PathMtu {
  return changetype<PathMtu>(table + <usize>index * offsetof<PathMtu>());
}

/** The entry for a destination, or null. */
function find(high: u64, low: u64): PathMtu {
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const known = entry(i);
    if (known.destinationLow == low && known.destinationHigh == high && known.mtu != 0) return known;
  }
  return changetype<PathMtu>(0);
}

/** A free entry, or the one that expires first. */
function claim(): PathMtu {
  let oldest = entry(0);
  for (let i: u32 = 0; i < ENTRIES; i++) {
    if (entry(i).mtu == 0) return entry(i);
    if (entry(i).expires < oldest.expires) oldest = entry(i);
  }
  return oldest;
}

/** Largest IP packet that reaches the destination by way of a link with `mtu`, in bytes. */
export function pathMtu(high: u64, low: u64, mtu: u32): u32 {
  return used == 0 ? mtu : knownMtu(high, low, mtu);
}

function knownMtu(high: u64, low: u64, mtu: u32): u32 {
  const known = find(high, low);
  return changetype<usize>(known) == 0 ? mtu : min(mtu, known.mtu);
}

/**
 * Notes that packets to `destination` may have `mtu` bytes at most. Never raises a known value.
 * @returns true when the path MTU became smaller
 */
export function pathMtuLower(destination: IpAddress, mtu: u32, now: u64): bool {
  const high = destination.high;
  const low = destination.low;
  const isIpv4 = destination.isIpv4();
  const bounded = max(mtu, isIpv4 ? PATH_MTU_MINIMUM : IPV6_MTU_MINIMUM);
  if (bounded >= pathMtu(high, low, isIpv4 ? interfaceMtu() : linkMtu())) return false;
  let target = find(high, low);
  if (changetype<usize>(target) == 0) {
    target = claim();
    if (target.mtu == 0) used += 1;
  }
  target.destinationHigh = high;
  target.destinationLow = low;
  target.mtu = bounded;
  target.expires = now + LIFETIME;
  if (target.expires < nextExpiry) nextExpiry = target.expires;
  return true;
}

/** Forgets what is known of the path to `destination`. */
export function pathMtuForget(destination: IpAddress): void {
  const known = find(destination.high, destination.low);
  if (changetype<usize>(known) == 0) return;
  known.mtu = 0;
  used -= 1;
}

/** Forgets what has expired. */
export function pathMtuPoll(now: u64): void {
  if (now < nextExpiry) return;
  nextExpiry = NEVER;
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const known = entry(i);
    if (known.mtu == 0) continue;
    if (now < known.expires) {
      if (known.expires < nextExpiry) nextExpiry = known.expires;
      continue;
    }
    known.mtu = 0;
    used -= 1;
  }
}

/** When pathMtuPoll() next has something to do. */
export function pathMtuDeadline(): u64 {
  return nextExpiry;
}

/** Forgets everything, as after a move to another network. */
export function pathMtuClear(): void {
  memory.fill(table, 0, ENTRIES * offsetof<PathMtu>());
  used = 0;
  nextExpiry = NEVER;
}
