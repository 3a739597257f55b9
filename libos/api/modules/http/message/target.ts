// From the path of a request to the name of a file (RFC 3986 section 2.1 and 5.2.4): escapes decoded, then empty and dot
// segments resolved, in one pass and in this order, so that no way of writing ".." gets through. The result begins with
// "/", holds neither "//" nor a "." or ".." segment, and is at most TARGET_CAPACITY bytes.
import { DOT, hexValue, isPathCharacter, PERCENT, SLASH } from "./bytes";

/** Longest decoded path. No embedded file has a longer name than that. */
export const TARGET_CAPACITY: usize = 1024;

/** What normalisePath returns when it does not return a length. */
export const PATH_MALFORMED: i32 = -1;
export const PATH_TOO_LONG: i32 = -2;

/**
 * Writes the normalised form of the path [from, end) to `target`, which has room for TARGET_CAPACITY bytes.
 * @returns its length; PATH_MALFORMED for a broken escape, an escaped NUL or a path that leaves the root; PATH_TOO_LONG
 */
export function normalisePath(from: usize, end: usize, target: usize): i32 {
  store<u8>(target, SLASH);
  let at = from;
  let out = target + 1;
  let segment = out;
  while (at < end) {
    let byte = load<u8>(at++);
    if (byte == PERCENT) {
      if (end - at < 2) return PATH_MALFORMED;
      const value = (hexValue(load<u8>(at)) << 4) | hexValue(load<u8>(at + 1));
      if (value <= 0) return PATH_MALFORMED;
      byte = <u8>value;
      at += 2;
    }
    if (byte == SLASH) {
      out = closeSegment(target, segment, out, true);
      if (out == 0) return PATH_MALFORMED;
      segment = out;
    } else {
      if (<usize>(out - target) >= TARGET_CAPACITY - 1) return PATH_TOO_LONG;
      store<u8>(out++, byte);
    }
  }
  out = closeSegment(target, segment, out, false);
  return out == 0 ? PATH_MALFORMED : <i32>(out - target);
}

/** Ends the segment [segment, out): drops an empty or "." one, takes back one for "..". 0 when ".." leaves the root. */
function closeSegment(target: usize, segment: usize, out: usize, slash: bool): usize {
  const length = out - segment;
  if (length == 0) return segment;
  if (length == 1 && load<u8>(segment) == DOT) return segment;
  if (length == 2 && load<u8>(segment) == DOT && load<u8>(segment + 1) == DOT) return openParent(target, segment);
  if (!slash) return out;
  store<u8>(out, SLASH);
  return out + 1;
}

/** The place after the slash before the segment that precedes `segment`, 0 when there is none. */
function openParent(target: usize, segment: usize): usize {
  if (segment == target + 1) return 0;
  let at = segment - 1;
  while (load<u8>(at - 1) != SLASH) at--;
  return at;
}

/**
 * Writes the path [from, end) as it stands in a Location field, every other character than a path character escaped.
 * `target` needs room for three times the length. A normalised path cannot be mistaken for a network-path reference.
 * @returns the length written
 */
export function escapePath(from: usize, end: usize, target: usize): usize {
  let out = target;
  for (let at = from; at < end; at++) {
    const byte = load<u8>(at);
    if (isPathCharacter(byte)) {
      store<u8>(out++, byte);
    } else {
      store<u8>(out, PERCENT);
      store<u8>(out + 1, hexDigit(byte >> 4));
      store<u8>(out + 2, hexDigit(byte & 15));
      out += 3;
    }
  }
  return out - target;
}

function hexDigit(value: u8): u8 {
  return value < 10 ? 0x30 + value : 0x37 + value;
}
