// Path MTU cache (RFC 1191): for the few destinations behind a narrower link, the largest packet that gets there.
// Bounded; an entry is forgotten after ten minutes, so that a wider path is found again (RFC 1191 section 6.3).
// Only transports write to it, after they have checked that the ICMP message quotes a segment of theirs (RFC 5927).
import { NEVER } from "../../../kernel/time/clock";
import { interfaceMtu } from "../addresses";

/** Below this we do not follow: such messages come from an attacker or ask for the impossible. Linux uses the same. */
export const PATH_MTU_MINIMUM: u32 = 552;

const ENTRIES: u32 = 32;
const LIFETIME: u64 = 600_000_000_000; // ns

@unmanaged
@final
class PathMtu {
  expires: u64;
  destination: u32; // 0 = free
  mtu: u32;
}

const table = memory.data(512, 8); // ENTRIES of 16 bytes
let used: u32 = 0;
let nextExpiry: u64 = NEVER;

function entry(index: u32): PathMtu {
  return changetype<PathMtu>(table + <usize>index * offsetof<PathMtu>());
}

/** The cached MTU for `destination`, or 0. */
function find(destination: u32): PathMtu {
  for (let i: u32 = 0; i < ENTRIES; i++) {
    if (entry(i).destination == destination) return entry(i);
  }
  return changetype<PathMtu>(0);
}

/** Largest IPv4 packet that reaches `destination` on the device, in bytes. */
export function pathMtu(destination: u32): u32 {
  const mtu = interfaceMtu();
  if (used == 0 || destination == 0) return mtu;
  const known = find(destination);
  return changetype<usize>(known) == 0 ? mtu : min(mtu, known.mtu);
}

/**
 * Notes that packets to `destination` may have `mtu` bytes at most. Never raises a known value.
 * @returns true when the path MTU became smaller
 */
export function pathMtuLower(destination: u32, mtu: u32, now: u64): bool {
  const bounded = max(mtu, PATH_MTU_MINIMUM);
  if (destination == 0 || bounded >= pathMtu(destination)) return false;
  let target = find(destination);
  if (changetype<usize>(target) == 0) target = find(0);
  if (changetype<usize>(target) == 0) {
    target = entry(0);
    for (let i: u32 = 1; i < ENTRIES; i++) {
      if (entry(i).expires < target.expires) target = entry(i);
    }
    used -= 1;
  }
  if (target.destination != destination) used += 1;
  target.destination = destination;
  target.mtu = bounded;
  target.expires = now + LIFETIME;
  if (target.expires < nextExpiry) nextExpiry = target.expires;
  return true;
}

/** Forgets what has expired. */
export function pathMtuPoll(now: u64): void {
  if (now < nextExpiry) return;
  nextExpiry = NEVER;
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const known = entry(i);
    if (known.destination == 0) continue;
    if (now < known.expires) {
      if (known.expires < nextExpiry) nextExpiry = known.expires;
      continue;
    }
    known.destination = 0;
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
