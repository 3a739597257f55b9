// Sequence number arithmetic, modulo 2^32 (RFC 9293, 3.4). Two numbers compare within half of the space.

/** left < right */
export function sequenceLess(left: u32, right: u32): bool {
  return <i32>(left - right) < 0;
}

/** left <= right */
export function sequenceLessOrEqual(left: u32, right: u32): bool {
  return <i32>(left - right) <= 0;
}

/** The later of two. */
export function sequenceMax(left: u32, right: u32): u32 {
  return sequenceLess(left, right) ? right : left;
}

/** The earlier of two. */
export function sequenceMin(left: u32, right: u32): u32 {
  return sequenceLess(left, right) ? left : right;
}

/** low <= number < high, for a range of at most 2^31 numbers. */
export function sequenceWithin(number: u32, low: u32, high: u32): bool {
  return number - low < high - low;
}

/**
 * RFC 9293, 3.4, table 6: does a segment of `length` sequence numbers from `sequence` touch the receive window of
 * `window` numbers from `next`?
 */
export function segmentAcceptable(sequence: u32, length: u32, next: u32, window: u32): bool {
  if (window == 0) return length == 0 && sequence == next;
  if (sequence - next < window) return true;
  return length != 0 && sequence + length - 1 - next < window;
}
