// Text built into a fixed buffer, without allocation: log lines, xenstore paths, reports. String arguments are
// literals (static UTF-16 data in the image); every character of them is below 128, so a byte is a character.
// Invariant: length <= capacity; what does not fit is dropped and remembered in `truncated`.
import { EINVAL } from "./errno";

/** A bounded text under construction. All methods return the buffer itself, so that calls chain. */
@unmanaged
@final
export class TextBuffer {
  address: usize;
  capacity: u32;
  length: u32;
  truncated: bool;

  /** Empties the buffer. */
  clear(): TextBuffer {
    this.length = 0;
    this.truncated = false;
    return this;
  }

  /** True when something did not fit since the last clear(). */
  overflowed(): bool {
    return this.truncated;
  }

  /** Appends one byte. */
  byte(value: u8): TextBuffer {
    if (this.length < this.capacity) {
      store<u8>(this.address + this.length, value);
      this.length += 1;
    } else {
      this.truncated = true;
    }
    return this;
  }

  /** Appends a literal. */
  text(literal: string): TextBuffer {
    for (let i = 0, n = literal.length; i < n; i++) this.byte(load<u8>(changetype<usize>(literal) + ((<usize>i) << 1)));
    return this;
  }

  /** Appends `count` bytes from `source`. */
  bytes(source: usize, count: u32): TextBuffer {
    const room = this.capacity - this.length;
    if (count > room) this.truncated = true;
    const fits = min(count, room);
    memory.copy(this.address + this.length, source, fits);
    this.length += fits;
    return this;
  }

  /** Appends an unsigned number in decimal, with leading zeros up to `digits`. */
  decimal(value: u64, digits: u32 = 1): TextBuffer {
    let divisor: u64 = 1;
    let width: u32 = 1;
    while (width < 20 && (value / divisor >= 10 || width < digits)) {
      divisor *= 10;
      width += 1;
    }
    for (; divisor != 0; divisor /= 10) this.byte(<u8>(48 + ((value / divisor) % 10)));
    return this;
  }

  /** Appends a signed number in decimal. */
  signed(value: i64): TextBuffer {
    if (value >= 0) return this.decimal(<u64>value);
    return this.byte(0x2d).decimal(<u64>-value);
  }

  /** Appends a number in hexadecimal without a prefix, with leading zeros up to `digits`. */
  hex(value: u64, digits: u32 = 1): TextBuffer {
    let shift: u32 = 60;
    while (shift >= 4 && value >> shift == 0 && shift >= digits << 2) shift -= 4;
    for (let left: i32 = shift; left >= 0; left -= 4) {
      const digit = <u8>((value >> left) & 15);
      this.byte(digit < 10 ? 48 + digit : 87 + digit);
    }
    return this;
  }

  /** Appends an IPv4 address given in host order. */
  ipv4(address: u32): TextBuffer {
    this.decimal(address >> 24).byte(0x2e);
    this.decimal((address >> 16) & 255).byte(0x2e);
    this.decimal((address >> 8) & 255).byte(0x2e);
    return this.decimal(address & 255);
  }

  /** Appends the six bytes at `address` as an Ethernet address. */
  mac(address: usize): TextBuffer {
    for (let i: usize = 0; i < 6; i++) {
      if (i != 0) this.byte(0x3a);
      this.hex(load<u8>(address + i), 2);
    }
    return this;
  }
}

/** Attaches `buffer` to `capacity` bytes at `address` and empties it. */
export function textBuffer(buffer: TextBuffer, address: usize, capacity: u32): TextBuffer {
  buffer.address = address;
  buffer.capacity = capacity;
  return buffer.clear();
}

/** Reads `count` decimal digits; -EINVAL when there are none, when another character stands among them, or above 2^53. */
export function parseDecimal(source: usize, count: u32): i64 {
  if (count == 0 || count > 16) return -EINVAL;
  let value: i64 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const digit = <u32>load<u8>(source + i) - 48;
    if (digit > 9) return -EINVAL;
    value = value * 10 + digit;
  }
  return value;
}

/** Reads a number of bytes like "65536", "64K" or "16M"; -EINVAL when it is none. */
export function parseSize(source: usize, count: u32): i64 {
  if (count == 0) return -EINVAL;
  const unit = load<u8>(source + count - 1) | 0x20;
  const shift: i64 = unit == 0x6b ? 10 : unit == 0x6d ? 20 : unit == 0x67 ? 30 : 0;
  const value = parseDecimal(source, shift == 0 ? count : count - 1);
  return value < 0 || value > i64.MAX_VALUE >> shift ? -EINVAL : value << shift;
}

/** True when the `count` bytes at `source` are exactly the literal. */
export function bytesEqualText(source: usize, count: u32, literal: string): bool {
  if (count != <u32>literal.length) return false;
  for (let i: u32 = 0; i < count; i++) {
    if (load<u8>(source + i) != load<u8>(changetype<usize>(literal) + ((<usize>i) << 1))) return false;
  }
  return true;
}

/** Writes the characters of a literal to `target` as bytes; how many. */
export function textBytes(literal: string, target: usize): u32 {
  const count = <u32>literal.length;
  for (let i: u32 = 0; i < count; i++) store<u8>(target + i, load<u8>(changetype<usize>(literal) + ((<usize>i) << 1)));
  return count;
}

/** True when `count` bytes at both places are the same. */
export function bytesEqual(left: usize, right: usize, count: u32): bool {
  return memory.compare(left, right, count) == 0;
}
