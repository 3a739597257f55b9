// Addresses as text: out as dotted quads and in the form of RFC 5952, IPv6 in as RFC 4291 section 2.2 has it (without a dotted quad at the end).
import { LogLine } from "../../../kernel/log";
import { parseDecimal } from "../../../kernel/text";
import { IpAddress } from "./address";

const GROUPS: u32 = 8;

function group(address: IpAddress, index: u32): u32 {
  return bswap<u16>(load<u16>(changetype<usize>(address) + ((<usize>index) << 1)));
}

/** Appends `address` to a line of the log. */
export function logAddress(line: LogLine, address: IpAddress): LogLine {
  if (address.isIpv4()) return line.ipv4(address.ipv4());
  // RFC 5952 section 4.2: the first of the longest runs of zeros, two groups at least, becomes "::".
  let runStart: u32 = GROUPS;
  let runLength: u32 = 1;
  for (let i: u32 = 0; i < GROUPS; i++) {
    let length: u32 = 0;
    while (i + length < GROUPS && group(address, i + length) == 0) length++;
    if (length <= runLength) continue;
    runStart = i;
    runLength = length;
  }
  for (let i: u32 = 0; i < GROUPS; i++) {
    if (i == runStart) {
      line.text("::");
      i += runLength - 1;
      continue;
    }
    if (i != 0 && i != runStart + runLength) line.text(":");
    line.hex(group(address, i));
  }
  return line;
}

/** Appends an end of a connection: 10.0.2.2:80, [fd00::1]:80 (RFC 5952, 6). */
export function logEnd(line: LogLine, address: IpAddress, port: u16): LogLine {
  if (!address.isIpv4()) line.text("[");
  logAddress(line, address);
  return line.text(address.isIpv4() ? ":" : "]:").decimal(port);
}

function hexDigit(byte: u8): i32 {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

/** Parses the `length` bytes at `text` into `address`; false when they are no address. */
export function addressParse(text: usize, length: u32, address: IpAddress): bool {
  address.clear();
  const target = changetype<usize>(address);
  let groups: u32 = 0;
  let gap: u32 = GROUPS + 1; // groups before "::"
  let at: u32 = 0;
  if (length >= 2 && load<u16>(text) == 0x3a3a) {
    gap = 0;
    at = 2;
  }
  while (at < length) {
    let value: u32 = 0;
    const start = at;
    while (at < length && at - start < 4 && hexDigit(load<u8>(text + at)) >= 0) {
      value = (value << 4) | (<u32>hexDigit(load<u8>(text + at++)));
    }
    if (at == start || groups == GROUPS) return false;
    store<u16>(target + ((<usize>groups) << 1), bswap<u16>(<u16>value));
    groups++;
    if (at == length) break;
    if (load<u8>(text + at++) != 0x3a || at == length) return false;
    if (load<u8>(text + at) != 0x3a) continue;
    if (gap <= GROUPS) return false;
    gap = groups;
    at++;
  }
  if (gap > GROUPS) return groups == GROUPS;
  if (groups == GROUPS) return false;
  const behind = (groups - gap) << 1;
  memory.copy(target + 16 - behind, target + (gap << 1), behind);
  memory.fill(target + (gap << 1), 0, 16 - behind - (gap << 1));
  return true;
}

/** Parses "address/length" with a length of 1 … 128; the length, or -1. */
export function prefixParse(text: usize, length: u32, address: IpAddress): i32 {
  let slash: u32 = 0;
  while (slash < length && load<u8>(text + slash) != 0x2f) slash++;
  if (slash == length || !addressParse(text, slash, address)) return -1;
  const bits = parseDecimal(text + slash + 1, length - slash - 1);
  return bits >= 1 && bits <= 128 ? <i32>bits : -1;
}
