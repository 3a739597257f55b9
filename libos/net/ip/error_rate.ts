// The rate at which ICMP errors of both families leave us (RFC 1812 section 4.3.2.8, RFC 4443 section 2.4 (f)): a token bucket.

/** One error each INTERVAL on average, BURST at once. */
const INTERVAL: u64 = 10_000_000; // ns: 100 a second
const BURST: u64 = 50;

/** The bucket: when it will be full again. */
let fullAt: u64 = 0;

/** True when an error may go out now; it is counted. */
export function icmpErrorAllowed(now: u64): bool {
  const earliest = max(fullAt, now);
  if (earliest + INTERVAL > now + BURST * INTERVAL) return false;
  fullAt = earliest + INTERVAL;
  return true;
}
