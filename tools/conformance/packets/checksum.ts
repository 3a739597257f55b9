// The internet checksum (RFC 1071).

/** The folded sum of the 16-bit words of `bytes`, on top of `initial`. */
export function internetSum(bytes: Uint8Array, initial = 0): number {
  let sum = initial;
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

/** What goes into a header's checksum field. */
export function internetChecksum(bytes: Uint8Array, initial = 0): number {
  return ~internetSum(bytes, initial) & 0xffff;
}
