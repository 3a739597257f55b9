// Addresses and lists as text: what the command line and /etc/hosts contain.
import { parseDecimal } from "../../kernel/text";

/** The position of `wanted` in the `length` bytes at `text`, or `length`. */
export function indexOfByte(text: usize, length: u32, wanted: u8): u32 {
  let at: u32 = 0;
  while (at < length && load<u8>(text + at) != wanted) at++;
  return at;
}

/** The dotted quad in `length` bytes at `text` in host order; -1 when it is anything else. */
export function ipv4FromText(text: usize, length: u32): i64 {
  let address: u32 = 0;
  for (let part = 0; part < 4; part++) {
    const digits = part < 3 ? indexOfByte(text, length, 0x2e) : length;
    const value = digits <= 3 ? parseDecimal(text, digits) : -1;
    if (value < 0 || value > 255 || (part < 3 && digits == length)) return -1;
    address = (address << 8) | (<u32>value);
    const consumed = min(digits + 1, length);
    text += consumed;
    length -= consumed;
  }
  return address;
}
