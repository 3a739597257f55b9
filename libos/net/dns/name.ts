// Domain names: from text to wire form (wire/dns.ts).
import { randomU64 } from "../../../kernel/random";
import { DNS_LABEL_MAXIMUM, DNS_NAME_MAXIMUM, dnsLower } from "../wire/dns";

const DOT: u8 = 0x2e;

/** How many dots the text has. */
export function nameDots(text: usize, length: u32): u32 {
  let dots: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    if (load<u8>(text + i) == DOT) dots += 1;
  }
  return dots;
}

/**
 * Writes the name "www.example.org" or "www.example.org." of `length` bytes in wire form, in lower case, to
 * DNS_NAME_MAXIMUM bytes at `target`.
 * @returns its bytes, 0 when the text is no name: an empty or too long label, too long as a whole, not visible ASCII
 */
export function nameFromText(text: usize, length: u32, target: usize): u32 {
  if (length != 0 && load<u8>(text + length - 1) == DOT) length -= 1;
  if (length == 0 || length + 2 > DNS_NAME_MAXIMUM) return 0;
  let labelStart = target;
  let labelLength: u32 = 0;
  for (let i: u32 = 0; i < length; i++) {
    const byte = load<u8>(text + i);
    if (byte == DOT) {
      if (labelLength == 0) return 0;
      store<u8>(labelStart, <u8>labelLength);
      labelStart += labelLength + 1;
      labelLength = 0;
      continue;
    }
    if (byte <= 0x20 || byte >= 0x7f || labelLength == DNS_LABEL_MAXIMUM) return 0;
    labelLength += 1;
    store<u8>(labelStart + labelLength, dnsLower(byte));
  }
  if (labelLength == 0) return 0;
  store<u8>(labelStart, <u8>labelLength);
  store<u8>(labelStart + labelLength + 1, 0);
  return length + 2;
}

/** Puts `domain` behind the name at `name`, both in wire form; the whole name's bytes, 0 when it would be too long. */
export function nameAppend(name: usize, length: u32, domain: usize, domainLength: u32): u32 {
  const whole = length - 1 + domainLength;
  if (whole > DNS_NAME_MAXIMUM) return 0;
  memory.copy(name + length - 1, domain, domainLength);
  return whole;
}

/**
 * Copies a name with letters in upper and lower case at random: what the server must give back, and someone who forges
 * answers must guess ("0x20", draft-vixie-dnsext-dns0x20). Bytes of length are below 0x40 and therefore no letters.
 */
export function nameMixCase(name: usize, length: u32, target: usize): void {
  let bits: u64 = 0;
  for (let i: u32 = 0; i < length; i++) {
    if ((i & 63) == 0) bits = randomU64();
    const byte = load<u8>(name + i);
    const isLetter = <u8>(byte - 0x61) < 26;
    store<u8>(target + i, isLetter && (bits & 1) != 0 ? byte ^ 0x20 : byte);
    bits >>= 1;
  }
}
