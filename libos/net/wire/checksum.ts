// The Internet checksum (RFC 1071): the ones' complement of the ones' complement sum of 16-bit words.
//
// A running sum is a u64 that is congruent to the ones' complement sum of the words *as this machine loads them*
// (little endian). RFC 1071 section 2(B): the sum does not depend on the byte order, so folded sums are stored and
// compared with plain store<u16>/load<u16> and no byte is ever swapped. A part that is followed by another one must
// have an even length.

/** Adds with end-around carry: 2^64 is congruent to 1 modulo 2^16 - 1. */
export function checksumCombine(left: u64, right: u64): u64 {
  const sum = left + right;
  return sum + u64(sum < right);
}

/** Adds `length` bytes at `address` to the running sum. */
export function checksumAdd(sum: u64, address: usize, length: u32): u64 {
  // Eight bytes at a time; the carries are counted apart, which a C compiler turns into add and adc.
  let carries: u64 = 0;
  while (length >= 32) {
    const a = load<u64>(address);
    const b = load<u64>(address, 8);
    const c = load<u64>(address, 16);
    const d = load<u64>(address, 24);
    sum += a;
    carries += u64(sum < a);
    sum += b;
    carries += u64(sum < b);
    sum += c;
    carries += u64(sum < c);
    sum += d;
    carries += u64(sum < d);
    address += 32;
    length -= 32;
  }
  let tail: u64 = 0;
  while (length >= 4) {
    tail += load<u32>(address);
    address += 4;
    length -= 4;
  }
  if (length >= 2) {
    tail += load<u16>(address);
    address += 2;
    length -= 2;
  }
  // RFC 1071: an odd last byte is padded with zero on its right, which is the high half of a little-endian word.
  if (length != 0) tail += load<u8>(address);
  return checksumCombine(sum, carries + tail);
}

/** Reduces a running sum to 16 bits, as they stand in memory. */
export function checksumFold(sum: u64): u32 {
  sum = (sum & 0xffffffff) + (sum >> 32);
  sum = (sum & 0xffffffff) + (sum >> 32);
  let folded = <u32>(sum & 0xffff) + <u32>(sum >> 16);
  folded = (folded & 0xffff) + (folded >> 16);
  return (folded & 0xffff) + (folded >> 16);
}

/** The checksum field value for a running sum: to be stored with a plain store<u16>. */
export function checksumFinish(sum: u64): u16 {
  return <u16>~checksumFold(sum);
}

/** The checksum of `length` bytes at `address`; over data that contains its own correct checksum the result is 0. */
export function checksum(address: usize, length: u32): u16 {
  return checksumFinish(checksumAdd(0, address, length));
}
