// The head of a request (RFC 9112 section 2 to 6): an incremental parser over the connection's buffer that copies
// nothing. Read requestParse first; it finds complete lines, request_line.ts and fields.ts read them.
//
// Invariants
// - Splitting the input anywhere gives the same result as presenting it at once: a line is judged when it is complete, and
//   the limits compare distances that do not depend on how much has arrived.
// - Strict on framing, since every leniency is a way to smuggle: lines end in CR LF, no other control character than HTAB
//   in a field value, no white space before a colon, no folded line, one way of giving the length of a body.
// - Positions count from the first byte of the message, so it may move between two calls.
import { CR, findControl, HTAB, isToken, LF } from "./bytes";
import { parseField } from "./fields";
import {
  EXPECT_CONTINUE,
  EXPECT_UNKNOWN,
  HAS_CONTENT_LENGTH,
  HAS_HOST,
  HAS_TRANSFER_ENCODING,
  PARSE_COMPLETE,
  PARSE_MORE,
  Request,
} from "./request";
import { parseRequestLine } from "./request_line";
import { BAD_REQUEST, REQUEST_HEADER_FIELDS_TOO_LARGE, URI_TOO_LONG } from "./status";

/** Longest request line. RFC 9112 section 3 recommends to support 8000 octets at least. */
export const REQUEST_LINE_LIMIT: usize = 8190;
/** Longest head: request line and fields together. */
export const HEAD_LIMIT: usize = 15 * 1024;
/** Most fields in a head. */
export const FIELD_LIMIT: u32 = 100;
/** Most empty lines skipped before a request line (RFC 9112 section 2.2 asks for one). */
const EMPTY_LINE_LIMIT: u32 = 4;

const PHASE_REQUEST_LINE: u8 = 0;
const PHASE_FIELDS: u8 = 1;

/**
 * Goes on parsing the message at `buffer`, of which `length` bytes have come.
 * @returns PARSE_MORE, PARSE_COMPLETE (`request.line` is then the length of the head), or the status code of a refusal
 */
export function requestParse(request: Request, buffer: usize, length: u32): i32 {
  const limit = buffer + length;
  while (true) {
    const line = buffer + request.line;
    if (request.phase == PHASE_REQUEST_LINE && line < limit && !startsRequest(load<u8>(line))) return BAD_REQUEST;
    const at = findControl(buffer + request.scanned, limit);
    request.scanned = <u32>(at - buffer);
    const tooLong = checkLimits(request, buffer, at);
    if (tooLong != 0) return tooLong;
    if (at == limit) return PARSE_MORE;
    const byte = load<u8>(at);
    if (byte == HTAB && request.phase == PHASE_FIELDS) {
      request.scanned += 1;
      continue;
    }
    // RFC 9112 section 2.2 lets a recipient take a bare LF for an end of line; disagreeing about line ends with a proxy
    // before us is what request smuggling lives on, so it is refused, as a bare CR must be.
    if (byte != CR) return BAD_REQUEST;
    if (at + 1 == limit) return PARSE_MORE;
    if (load<u8>(at + 1) != LF) return BAD_REQUEST;
    request.line = <u32>(at + 2 - buffer);
    request.scanned = request.line;
    const result = parseLine(request, buffer, line, at);
    if (result != PARSE_MORE) return result;
  }
}

/** A request begins with a method, or with an empty line; anything else (a TLS hello, say) is refused at its first byte. */
function startsRequest(byte: u8): bool {
  return isToken(byte) || byte == CR;
}

function checkLimits(request: Request, buffer: usize, at: usize): i32 {
  if (request.phase == PHASE_REQUEST_LINE && at - buffer - request.line > REQUEST_LINE_LIMIT) return URI_TOO_LONG;
  return at - buffer > HEAD_LIMIT ? REQUEST_HEADER_FIELDS_TOO_LARGE : 0;
}

function parseLine(request: Request, buffer: usize, from: usize, end: usize): i32 {
  if (request.phase == PHASE_REQUEST_LINE) {
    if (from == end) return ++request.emptyLines > EMPTY_LINE_LIMIT ? BAD_REQUEST : PARSE_MORE;
    request.phase = PHASE_FIELDS;
    return parseRequestLine(request, buffer, from, end);
  }
  if (from == end) return checkHead(request);
  if (++request.fieldCount > FIELD_LIMIT) return REQUEST_HEADER_FIELDS_TOO_LARGE;
  return parseField(request, buffer, from, end);
}

/** What can only be judged when all fields are known. */
function checkHead(request: Request): i32 {
  // RFC 9112 section 3.2: a 1.1 request without Host is answered with 400.
  if (request.minorVersion != 0 && !request.has(HAS_HOST)) return BAD_REQUEST;
  if (request.has(HAS_TRANSFER_ENCODING)) {
    // RFC 9112 section 6.1: both length fields, or a transfer coding in 1.0, mean faulty framing.
    if (request.has(HAS_CONTENT_LENGTH) || request.minorVersion == 0) return BAD_REQUEST;
  }
  // RFC 9110 section 10.1.1: a server ignores 100-continue in a 1.0 request.
  if (request.minorVersion == 0) request.flags &= ~(EXPECT_CONTINUE | EXPECT_UNKNOWN);
  return PARSE_COMPLETE;
}
