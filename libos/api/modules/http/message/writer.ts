// Text of a response written straight into an output buffer. One writer serves the whole program: a response is written
// in one go, without a call that could switch threads in between.
// Invariant: at <= limit; what does not fit is dropped and remembered in `overflowed`.
import { formatDate, IMF_FIXDATE_LENGTH } from "./date";

const DIGITS = memory.data(20, 8);

/** Writes at `at`, never beyond `limit`. */
@unmanaged
@final
export class Writer {
  at: usize;
  limit: usize;
  overflowed: bool;

  /** Directs the writer to [at, limit). */
  open(at: usize, limit: usize): Writer {
    this.at = at;
    this.limit = limit;
    this.overflowed = false;
    return this;
  }

  /** True, and room for `count` bytes, or false and the overflow remembered. */
  private fits(count: usize): bool {
    if (count <= this.limit - this.at) return true;
    this.overflowed = true;
    return false;
  }

  /** One byte. */
  byte(value: u8): Writer {
    if (!this.fits(1)) return this;
    store<u8>(this.at, value);
    this.at += 1;
    return this;
  }

  /** A literal of ASCII characters. */
  text(literal: string): Writer {
    const length = <usize>literal.length;
    if (!this.fits(length)) return this;
    const from = changetype<usize>(literal);
    const to = this.at;
    let i: usize = 0;
    for (; i + 4 <= length; i += 4) store<u32>(to + i, narrow(load<u64>(from + (i << 1))));
    for (; i < length; i++) store<u8>(to + i, load<u8>(from + (i << 1)));
    this.at = to + length;
    return this;
  }

  /** `count` bytes from elsewhere. */
  bytes(from: usize, count: usize): Writer {
    if (!this.fits(count)) return this;
    memory.copy(this.at, from, count);
    this.at += count;
    return this;
  }

  /** A number in decimal. */
  decimal(value: u64): Writer {
    let at = DIGITS + 20;
    let rest = value;
    do {
      store<u8>(--at, <u8>(0x30 + (rest % 10)));
      rest /= 10;
    } while (rest != 0);
    return this.bytes(at, DIGITS + 20 - at);
  }

  /** `count` bytes in hexadecimal, two digits each. */
  hex(from: usize, count: usize): Writer {
    for (let i: usize = 0; i < count; i++) {
      const value = load<u8>(from + i);
      this.byte(hexDigit(value >> 4)).byte(hexDigit(value & 15));
    }
    return this;
  }

  /** A date in the format of HTTP. */
  date(seconds: i64): Writer {
    if (!this.fits(IMF_FIXDATE_LENGTH)) return this;
    formatDate(this.at, seconds);
    this.at += IMF_FIXDATE_LENGTH;
    return this;
  }
}

/** Four ASCII characters of two bytes each as four bytes. */
function narrow(characters: u64): u32 {
  const pairs = (characters | (characters >> 8)) & 0x0000ffff0000ffff;
  return <u32>(pairs | (pairs >> 16));
}

function hexDigit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x57 + value;
}

/** The writer. */
export const writer = changetype<Writer>(memory.data(offsetof<Writer>() + 4, 8));
