// Conditional requests (RFC 9110 section 13): does the answer carry the file, 304 or 412; does a Range count.
import {
  ASTERISK,
  COLON,
  COMMA,
  DOUBLE_QUOTE,
  HTAB,
  METHOD_GET,
  METHOD_HEAD,
  NOT_MODIFIED,
  OK,
  PRECONDITION_FAILED,
  REPEATED_MATCH,
  Request,
  equalsFolded,
  findByte,
  findControl,
  parseDate,
  skipBlanks,
  spanEnd,
  spanLength,
  spanStart,
  trimBlanks,
} from "karyon/http/message";

/** What a condition is compared with: the entity tag of the file (with quotes), and when it last changed. */
@unmanaged
export class Validators {
  tag: usize;
  tagLength: usize;
  /** Seconds since the epoch. */
  modified: i64;
}

/**
 * Evaluates the preconditions in the order of RFC 9110 section 13.2.2.
 * @param now seconds since the epoch
 * @returns OK, NOT_MODIFIED or PRECONDITION_FAILED
 */
export function evaluateConditions(request: Request, buffer: usize, file: Validators, now: i64): i32 {
  if (request.ifMatch != 0) {
    if (!matchesAny(request, buffer, request.ifMatch, "if-match", file, false)) return PRECONDITION_FAILED;
  } else if (request.ifUnmodifiedSince != 0) {
    const date = dateOf(buffer, request.ifUnmodifiedSince, now);
    if (date >= 0 && file.modified > date) return PRECONDITION_FAILED;
  }
  const reads = request.method == METHOD_GET || request.method == METHOD_HEAD;
  if (request.ifNoneMatch != 0) {
    if (!matchesAny(request, buffer, request.ifNoneMatch, "if-none-match", file, true)) return OK;
    return reads ? NOT_MODIFIED : PRECONDITION_FAILED;
  }
  if (request.ifModifiedSince != 0 && reads) {
    const date = dateOf(buffer, request.ifModifiedSince, now);
    if (date >= 0 && file.modified <= date) return NOT_MODIFIED;
  }
  return OK;
}

/**
 * True when If-Range is absent or names this very version of the file (RFC 9110 section 13.1.5): by the strong
 * comparison of tags, or by the exact date.
 */
export function rangeApplies(request: Request, buffer: usize, file: Validators, now: i64): bool {
  if (request.ifRange == 0) return true;
  const from = spanStart(buffer, request.ifRange);
  const end = spanEnd(buffer, request.ifRange);
  if (from < end && load<u8>(from) == DOUBLE_QUOTE) return isTag(from, end, file);
  const date = parseDate(from, end, now);
  return date >= 0 && date == file.modified;
}

function dateOf(buffer: usize, span: u64, now: i64): i64 {
  return spanLength(span) == 0 ? -1 : parseDate(spanStart(buffer, span), spanEnd(buffer, span), now);
}

function isTag(from: usize, end: usize, file: Validators): bool {
  return end - from == file.tagLength && memory.compare(from, file.tag, file.tagLength) == 0;
}

/** Looks through every line of the field `name`, the first of which is `first`. */
function matchesAny(request: Request, buffer: usize, first: u64, name: string, file: Validators, weak: bool): bool {
  if (listMatches(spanStart(buffer, first), spanEnd(buffer, first), file, weak)) return true;
  if (!request.has(REPEATED_MATCH)) return false;
  const end = buffer + request.line;
  let line = spanEnd(buffer, first);
  while ((line = nextLine(line, end)) < end) {
    const lineEnd = endOfLine(line, end);
    const colon = findByte(line, lineEnd, COLON);
    if (!equalsFolded(line, colon, name)) continue;
    const value = skipBlanks(colon + 1, lineEnd);
    if (listMatches(value, trimBlanks(value, lineEnd), file, weak)) return true;
  }
  return false;
}

/** The CR that ends the line; the parser has seen that CR and HTAB are the only control characters in it. */
function endOfLine(from: usize, end: usize): usize {
  let at = findControl(from, end);
  while (at < end && load<u8>(at) == HTAB) at = findControl(at + 1, end);
  return at;
}

/** The beginning of the line after the one that `at` is in; `end` after the last field. */
function nextLine(at: usize, end: usize): usize {
  const next = endOfLine(at, end) + 2;
  return end - next <= 2 ? end : next;
}

/**
 * True when the list of entity tags in [from, end) is "*" or holds the file's. Weak comparison passes over "W/"; in the
 * strong one a weak tag equals nothing (RFC 9110 section 8.8.3.2). The list ends at the first thing that is no tag.
 */
function listMatches(from: usize, end: usize, file: Validators, weak: bool): bool {
  if (end - from == 1 && load<u8>(from) == ASTERISK) return true;
  let at = from;
  while ((at = skipSeparators(at, end)) < end) {
    const isWeak = end - at > 2 && load<u8>(at) == 0x57 && load<u8>(at + 1) == 0x2f;
    if (isWeak) at += 2;
    if (load<u8>(at) != DOUBLE_QUOTE) return false;
    const close = findByte(at + 1, end, DOUBLE_QUOTE);
    if (close == end) return false;
    if ((weak || !isWeak) && isTag(at, close + 1, file)) return true;
    at = close + 1;
  }
  return false;
}

function skipSeparators(from: usize, end: usize): usize {
  let at = skipBlanks(from, end);
  while (at < end && load<u8>(at) == COMMA) at = skipBlanks(at + 1, end);
  return at;
}
