// Time as Xen gives it to PV guests (xen.h, struct vcpu_time_info): a TSC stamp, the system time at that stamp and a
// scale, versioned so that a torn read is seen. Monotonic time starts at 0 at boot and does not count the time a
// domain spends saved; wall-clock time is Xen's.
import { rdtsc, sharedInfo } from "../boot";
import {
  TIME_SYSTEM_TIME,
  TIME_TSC_SHIFT,
  TIME_TSC_TIMESTAMP,
  TIME_TSC_TO_SYSTEM_MUL,
  TIME_VERSION,
  WC_NSEC,
  WC_SEC,
  WC_SEC_HI,
  WC_VERSION,
} from "../xen/shared_info";

/** "No deadline", in ns. */
export const NEVER: u64 = u64.MAX_VALUE;
const NANOSECONDS: u64 = 1_000_000_000;

let bootSystemTime: u64 = 0;
let lastNow: u64 = 0;
let started = false;

function scale(ticks: u64, multiplier: u32, shift: i8): u64 {
  const shifted = shift >= 0 ? ticks << shift : ticks >> -shift;
  return (shifted >> 32) * multiplier + (((shifted & 0xffffffff) * multiplier) >> 32);
}

/** Xen's system time: ns since the host booted. */
function systemTime(): u64 {
  const page = sharedInfo();
  let version: u32;
  let now: u64;
  do {
    version = atomic.load<u32>(page + TIME_VERSION);
    const stamp = atomic.load<u64>(page + TIME_TSC_TIMESTAMP);
    const base = atomic.load<u64>(page + TIME_SYSTEM_TIME);
    const multiplier = atomic.load<u32>(page + TIME_TSC_TO_SYSTEM_MUL);
    const shift = <i8>atomic.load<u8>(page + TIME_TSC_SHIFT);
    const ticks = rdtsc();
    // The stamp may lie before the counter's zero, so only the difference has a meaning.
    const elapsed = ticks - stamp;
    now = base + (<i64>elapsed > 0 ? scale(elapsed, multiplier, shift) : 0);
  } while ((version & 1) != 0 || atomic.load<u32>(page + TIME_VERSION) != version);
  return now;
}

/** Starts monotonic time at 0. Called when shared_info is mapped. */
export function clockStart(): void {
  bootSystemTime = systemTime();
  started = true;
}

/** Continues monotonic time where it stood, after a restore on a host with another system time. */
export function clockResume(): void {
  bootSystemTime = systemTime() - lastNow;
}

/** In a copy made by fork, on the same host: goes on with the parent's time, which Xen's system time must not be behind. */
export function clockFork(): void {
  const now = systemTime();
  if (<i64>(now - bootSystemTime) < <i64>lastNow) bootSystemTime = now - lastNow;
}

/** ns since boot; never goes back. 0 before clockStart(). */
export function monotonicNow(): u64 {
  if (!started) return 0;
  const now = systemTime() - bootSystemTime;
  if (<i64>(now - lastNow) > 0) lastNow = now;
  return lastNow;
}

/** The system time, for Xen's timers, of a monotonic time. NEVER becomes 0, which is how Xen writes it. */
export function systemTimeAt(monotonic: u64): u64 {
  return monotonic == NEVER ? 0 : monotonic + bootSystemTime;
}

/** ns since 1970-01-01 UTC. */
export function wallClockNow(): u64 {
  const page = sharedInfo();
  let version: u32;
  let now: u64;
  do {
    version = atomic.load<u32>(page + WC_VERSION);
    const seconds = (<u64>atomic.load<u32>(page + WC_SEC)) | ((<u64>atomic.load<u32>(page + WC_SEC_HI)) << 32);
    const nanoseconds = atomic.load<u32>(page + WC_NSEC);
    now = seconds * NANOSECONDS + nanoseconds;
  } while ((version & 1) != 0 || atomic.load<u32>(page + WC_VERSION) != version);
  return now + systemTime();
}
