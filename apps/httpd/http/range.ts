// The Range field (RFC 9110 section 14.2). One range of bytes is answered with 206; several are answered with the whole
// file, as 14.2 leaves free: a list of many small ranges costs a server far more than it costs the one who asks.
import { COMMA, MINUS, equalsFolded, isBlank, isDigit } from "karyon/http/message";

/** What parseRange says about a field. */
export const RANGE_IGNORED: i32 = 0;
export const RANGE_SINGLE: i32 = 1;
export const RANGE_UNSATISFIABLE: i32 = 2;

/** A resolved range: the first byte and the number of bytes; length > 0 and first + length <= size. */
@unmanaged
@final
export class ByteRange {
  first: u64;
  length: u64;
}

/** A number that no file reaches and that further digits leave alone. */
const HUGE: u64 = 1 << 62;

/**
 * Resolves the value [from, end) of a Range field against a file of `size` bytes.
 * @returns RANGE_SINGLE with `range` filled, RANGE_UNSATISFIABLE, or RANGE_IGNORED for another unit, several ranges, or a
 *   value that is not valid (RFC 9110 section 14.2: it MAY be ignored)
 */
export function parseRange(from: usize, end: usize, size: u64, range: ByteRange): i32 {
  if (end - from < 6 || !equalsFolded(from, from + 6, "bytes=")) return RANGE_IGNORED;
  let at = from + 6;
  // RFC 9110 section 5.6.1: a list may hold empty elements.
  while (at < end && (isBlank(load<u8>(at)) || load<u8>(at) == COMMA)) at++;
  const first = readNumber(at, end);
  at = skipDigits(at, end);
  if (at == end || load<u8>(at) != MINUS) return RANGE_IGNORED;
  at++;
  const last = readNumber(at, end);
  at = skipDigits(at, end);
  while (at < end && (isBlank(load<u8>(at)) || load<u8>(at) == COMMA)) at++;
  if (at != end) return RANGE_IGNORED;
  return first < 0 ? resolveSuffix(last, size, range) : resolve(first, last, size, range);
}

/** "-500": the last 500 bytes, or all of a shorter file. */
function resolveSuffix(suffix: i64, size: u64, range: ByteRange): i32 {
  if (suffix < 0) return RANGE_IGNORED;
  if (suffix == 0) return RANGE_UNSATISFIABLE;
  // A suffix of an empty file is satisfiable, but no Content-Range can say so: the answer is the empty whole.
  if (size == 0) return RANGE_IGNORED;
  range.length = min(<u64>suffix, size);
  range.first = size - range.length;
  return RANGE_SINGLE;
}

/** "500-999" or "500-". */
function resolve(first: i64, last: i64, size: u64, range: ByteRange): i32 {
  if (last >= 0 && last < first) return RANGE_IGNORED;
  if (<u64>first >= size) return RANGE_UNSATISFIABLE;
  range.first = <u64>first;
  range.length = (last < 0 ? size : min(<u64>last + 1, size)) - range.first;
  return RANGE_SINGLE;
}

/** The number that begins at `at`, -1 when no digit stands there. */
function readNumber(at: usize, end: usize): i64 {
  if (at == end || !isDigit(load<u8>(at))) return -1;
  let value: u64 = 0;
  for (let i = at; i < end && isDigit(load<u8>(i)); i++) {
    value = value * 10 + (<u64>load<u8>(i) - 0x30);
    if (value > HUGE / 16) value = HUGE / 16;
  }
  return <i64>value;
}

function skipDigits(at: usize, end: usize): usize {
  let next = at;
  while (next < end && isDigit(load<u8>(next))) next++;
  return next;
}
