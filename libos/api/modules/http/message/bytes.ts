// Bytes of a message under parsing: character classes of RFC 9110 5.6 and the few searches the parser needs. Everything
// works on raw memory between two addresses; nothing here reads outside of them or allocates.

export const HTAB: u8 = 0x09;
export const LF: u8 = 0x0a;
export const CR: u8 = 0x0d;
export const SP: u8 = 0x20;
export const DOUBLE_QUOTE: u8 = 0x22;
export const NUMBER_SIGN: u8 = 0x23;
export const PERCENT: u8 = 0x25;
export const ASTERISK: u8 = 0x2a;
export const COMMA: u8 = 0x2c;
export const MINUS: u8 = 0x2d;
export const DOT: u8 = 0x2e;
export const SLASH: u8 = 0x2f;
export const COLON: u8 = 0x3a;
export const SEMICOLON: u8 = 0x3b;
export const QUESTION_MARK: u8 = 0x3f;
export const LEFT_BRACKET: u8 = 0x5b;
export const RIGHT_BRACKET: u8 = 0x5d;

const CLASS_TOKEN: u8 = 1;
const CLASS_HOST: u8 = 2;
const CLASS_PATH: u8 = 4;
const CLASS_NAME: u8 = 8;

// One byte of class bits per character. Token: tchar of RFC 9110 5.6.2. Host: reg-name, IP literal and port of
// RFC 3986 3.2. Path: what may stand unescaped in the path of a Location field (unreserved, sub-delims, ":", "@", "/"). Name: a
// character of reg-name alone, which is a host's without ":", "[" and "]".
const CLASSES = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 0, 1, 15, 11,
  15, 15, 14, 14, 15, 15, 14, 15, 15, 4, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 6, 14, 0, 14, 0, 0, 4, 15, 15, 15, 15,
  15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 2, 0, 2, 1, 15, 1, 15, 15, 15,
  15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 0, 1, 0, 15, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
  0, 0, 0, 0, 0, 0, 0, 0,
]);

function hasClass(byte: u8, bits: u8): bool {
  return (load<u8>(CLASSES + byte) & bits) != 0;
}

/** True for a character that may be part of a method or a field name. */
export function isToken(byte: u8): bool {
  return hasClass(byte, CLASS_TOKEN);
}

/** True for a character that may be part of a host with an optional port. */
export function isHostCharacter(byte: u8): bool {
  return hasClass(byte, CLASS_HOST);
}

/** True for a character that may be part of a host's name or IPv4 address. */
export function isNameCharacter(byte: u8): bool {
  return hasClass(byte, CLASS_NAME);
}

/** True for a character that needs no escape in the path of a URI. */
export function isPathCharacter(byte: u8): bool {
  return hasClass(byte, CLASS_PATH);
}

/** True for "0" to "9". */
export function isDigit(byte: u8): bool {
  return <u32>byte - 0x30 < 10;
}

/** True for a space or a horizontal tab. */
export function isBlank(byte: u8): bool {
  return byte == SP || byte == HTAB;
}

/** The value of a hexadecimal digit, -1 for any other byte. */
export function hexValue(byte: u8): i32 {
  const digit = <u32>byte - 0x30;
  if (digit < 10) return digit;
  const letter = ((<u32>byte) | 0x20) - 0x61;
  return letter < 6 ? 10 + letter : -1;
}

// 0x0101…01: multiplied by a byte it repeats that byte through a word.
const EACH_BYTE: u64 = u64.MAX_VALUE / 255;

/**
 * The first control character (below 0x20, or 0x7f) in [from, end), or `end`. Eight bytes a step: a byte below 0x20
 * borrows into its top bit when 0x20 is subtracted, a byte that equals 0x7f does so after an exclusive or; both have no top
 * bit of their own. A borrow can only spoil bytes above the first hit, and the first is the one that counts.
 */
export function findControl(from: usize, end: usize): usize {
  let at = from;
  for (; at + 8 <= end; at += 8) {
    const word = load<u64>(at);
    const below = word - EACH_BYTE * 0x20;
    const equal = (word ^ (EACH_BYTE * 0x7f)) - EACH_BYTE;
    const hits = (below | equal) & ~word & (EACH_BYTE * 0x80);
    if (hits != 0) return at + <usize>(ctz(hits) >> 3);
  }
  for (; at < end; at++) {
    const byte = load<u8>(at);
    if (byte < 0x20 || byte == 0x7f) return at;
  }
  return end;
}

/** The first `byte` in [from, end), or `end`. */
export function findByte(from: usize, end: usize, byte: u8): usize {
  let at = from;
  while (at < end && load<u8>(at) != byte) at++;
  return at;
}

/** The first byte of [from, end) that is neither space nor tab, or `end`. */
export function skipBlanks(from: usize, end: usize): usize {
  let at = from;
  while (at < end && isBlank(load<u8>(at))) at++;
  return at;
}

/** The end of [from, end) without the blanks before it. */
export function trimBlanks(from: usize, end: usize): usize {
  let at = end;
  while (at > from && isBlank(load<u8>(at - 1))) at--;
  return at;
}

/** True when [from, end) is exactly the literal (ASCII). */
export function equalsText(from: usize, end: usize, literal: string): bool {
  const length = <usize>literal.length;
  if (end - from != length) return false;
  const text = changetype<usize>(literal);
  for (let i: usize = 0; i < length; i++) {
    if (load<u8>(from + i) != load<u8>(text + (i << 1))) return false;
  }
  return true;
}

/**
 * True when [from, end) is the literal without regard to case. The literal is of lower case letters, digits and hyphens
 * and the bytes are no control characters, so setting bit 5 folds the case and confuses nothing else.
 */
export function equalsFolded(from: usize, end: usize, literal: string): bool {
  const length = <usize>literal.length;
  if (end - from != length) return false;
  const text = changetype<usize>(literal);
  for (let i: usize = 0; i < length; i++) {
    if ((load<u8>(from + i) | 0x20) != load<u8>(text + (i << 1))) return false;
  }
  return true;
}

/** True when [from, end) begins with the literal, without regard to case (the same conditions as above). */
export function startsFolded(from: usize, end: usize, literal: string): bool {
  const length = <usize>literal.length;
  return end - from >= length && equalsFolded(from, from + length, literal);
}
