// Patterns of KEYS and SCAN: ? any byte, * any bytes, [a-z] [^a-z] one of these, \ the next byte as it is. Goes back to the last star only,
// so that a pattern costs no more than its length times the text's.

const STAR: u8 = 42;
const QUESTION: u8 = 63;
const OPEN: u8 = 91;
const CLOSE: u8 = 93;
const CARET: u8 = 94;
const MINUS: u8 = 45;
const BACKSLASH: u8 = 92;

/** Whether the `length` bytes at `text` match the pattern. */
export function globMatches(pattern: usize, patternLength: u32, text: usize, length: u32): bool {
  const patternEnd = pattern + patternLength;
  const end = text + length;
  let p = pattern;
  let t = text;
  let star: usize = 0;
  let from: usize = 0;
  while (true) {
    if (p < patternEnd && load<u8>(p) == STAR) {
      star = ++p;
      from = t;
      continue;
    }
    if (t == end) return p == patternEnd;
    if (p < patternEnd && matchesOne(p, patternEnd, load<u8>(t))) {
      p = next;
      t++;
    } else if (star != 0) {
      p = star;
      t = ++from;
    } else {
      return false;
    }
  }
}

/** Where the pattern goes on behind what matchesOne() has looked at. */
let next: usize = 0;

function matchesOne(p: usize, end: usize, byte: u8): bool {
  const first = load<u8>(p);
  next = p + 1;
  if (first == QUESTION) return true;
  if (first == OPEN) return matchesSet(p + 1, end, byte);
  if (first == BACKSLASH && p + 1 < end) {
    next = p + 2;
    return load<u8>(p + 1) == byte;
  }
  return first == byte;
}

/** A set that does not end is one of all bytes that follow, as Redis has it. */
function matchesSet(from: usize, end: usize, byte: u8): bool {
  let p = from;
  const negated = p < end && load<u8>(p) == CARET;
  if (negated) p++;
  let found = false;
  while (p < end && load<u8>(p) != CLOSE) {
    if (load<u8>(p) == BACKSLASH && p + 1 < end) p++;
    let low = load<u8>(p);
    let high = low;
    if (p + 2 < end && load<u8>(p + 1) == MINUS && load<u8>(p + 2) != CLOSE) {
      high = load<u8>(p + 2);
      p += 2;
    }
    if (low > high) {
      const swap = low;
      low = high;
      high = swap;
    }
    if (byte >= low && byte <= high) found = true;
    p++;
  }
  next = p < end ? p + 1 : p;
  return found != negated;
}
