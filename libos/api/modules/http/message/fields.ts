// Header fields (RFC 9110 section 5, RFC 9112 section 5): one line in, the few fields this server acts on remembered.
import { COLON, COMMA, findByte, isDigit, isToken, skipBlanks, trimBlanks } from "./bytes";
import {
  CONNECTION_CLOSE,
  CONNECTION_KEEP_ALIVE,
  EXPECT_CONTINUE,
  EXPECT_UNKNOWN,
  HAS_CONTENT_LENGTH,
  HAS_HOST,
  HAS_TRANSFER_ENCODING,
  PARSE_MORE,
  REPEATED_MATCH,
  Request,
} from "./request";
import { isAuthority } from "./request_line";
import { spanOf } from "./span";
import { BAD_REQUEST, CONTENT_TOO_LARGE, NOT_IMPLEMENTED } from "./status";
import { isWord, keepWord } from "./words";

const HOST = keepWord("host");
const RANGE = keepWord("range");
const EXPECT = keepWord("expect");
const IF_MATCH = keepWord("if-match");
const IF_RANGE = keepWord("if-range");
const CONNECTION = keepWord("connection");
const IF_NONE_MATCH = keepWord("if-none-match");
const CONTENT_LENGTH = keepWord("content-length");
const TRANSFER_ENCODING = keepWord("transfer-encoding");
const IF_MODIFIED_SINCE = keepWord("if-modified-since");
const IF_UNMODIFIED_SINCE = keepWord("if-unmodified-since");
const HUNDRED_CONTINUE = keepWord("100-continue");
const CLOSE = keepWord("close");
const KEEP_ALIVE = keepWord("keep-alive");
const CHUNKED = keepWord("chunked");

/** Most digits of a Content-Length that is still a number for us: any 18 digits fit into 63 bits. */
const LENGTH_DIGITS: usize = 18;

/** Reads the field line [from, end), which is not empty and ends with CR at `end`. Returns PARSE_MORE or a refusing status. */
export function parseField(request: Request, buffer: usize, from: usize, end: usize): i32 {
  let colon = from;
  while (isToken(load<u8>(colon))) colon++; // the CR is none
  // RFC 9112 section 5.1: white space before the colon is refused; 5.2: so is a folded line, which begins with it.
  if (colon == from || load<u8>(colon) != COLON) return BAD_REQUEST;
  const value = skipBlanks(colon + 1, end);
  return takeField(request, buffer, from, colon, value, trimBlanks(value, end));
}

/** The length of the name decides which names to compare with; a field that is of no interest is left after one test. */
function takeField(request: Request, buffer: usize, name: usize, nameEnd: usize, from: usize, end: usize): i32 {
  switch (<u32>(nameEnd - name)) {
    case 4:
      if (isWord(name, nameEnd, HOST)) return takeHost(request, from, end);
      break;
    case 5:
      if (isWord(name, nameEnd, RANGE)) request.range = single(request.range, buffer, from, end);
      break;
    case 6:
      if (isWord(name, nameEnd, EXPECT)) takeExpect(request, from, end);
      break;
    case 8:
      if (isWord(name, nameEnd, IF_MATCH)) {
        request.ifMatch = firstOf(request, request.ifMatch, buffer, from, end);
      } else if (isWord(name, nameEnd, IF_RANGE)) {
        request.ifRange = single(request.ifRange, buffer, from, end);
      }
      break;
    case 10:
      if (isWord(name, nameEnd, CONNECTION)) takeConnection(request, from, end);
      break;
    case 13:
      if (isWord(name, nameEnd, IF_NONE_MATCH)) {
        request.ifNoneMatch = firstOf(request, request.ifNoneMatch, buffer, from, end);
      }
      break;
    case 14:
      if (isWord(name, nameEnd, CONTENT_LENGTH)) return takeContentLength(request, from, end);
      break;
    case 17:
      if (isWord(name, nameEnd, TRANSFER_ENCODING)) return takeTransferEncoding(request, from, end);
      if (isWord(name, nameEnd, IF_MODIFIED_SINCE)) {
        request.ifModifiedSince = single(request.ifModifiedSince, buffer, from, end);
      }
      break;
    case 19:
      if (isWord(name, nameEnd, IF_UNMODIFIED_SINCE)) {
        request.ifUnmodifiedSince = single(request.ifUnmodifiedSince, buffer, from, end);
      }
      break;
  }
  return PARSE_MORE;
}

/** A field that may stand once: a second one makes it present and not valid. */
function single(earlier: u64, buffer: usize, from: usize, end: usize): u64 {
  return spanOf(buffer, from, earlier == 0 ? end : from);
}

/** A list field: the first line is remembered, further ones are looked for when it comes to evaluation. */
function firstOf(request: Request, earlier: u64, buffer: usize, from: usize, end: usize): u64 {
  if (earlier == 0) return spanOf(buffer, from, end);
  request.set(REPEATED_MATCH);
  return earlier;
}

/** RFC 9112 section 3.2: more than one Host, or one that is no host, is answered with 400. */
function takeHost(request: Request, from: usize, end: usize): i32 {
  if (request.has(HAS_HOST) || !isAuthority(from, end)) return BAD_REQUEST;
  request.set(HAS_HOST);
  return PARSE_MORE;
}

/** RFC 9110 section 10.1.1. Any other expectation than 100-continue is one this server cannot meet. */
function takeExpect(request: Request, from: usize, end: usize): void {
  request.set(isWord(from, end, HUNDRED_CONTINUE) ? EXPECT_CONTINUE : EXPECT_UNKNOWN);
}

/** RFC 9110 section 7.6.1: a list of options; "close" wins over "keep-alive". */
function takeConnection(request: Request, from: usize, end: usize): void {
  let at = from;
  while (at < end) {
    const comma = findByte(at, end, COMMA);
    const option = skipBlanks(at, comma);
    const optionEnd = trimBlanks(option, comma);
    if (isWord(option, optionEnd, CLOSE)) request.set(CONNECTION_CLOSE);
    else if (isWord(option, optionEnd, KEEP_ALIVE)) request.set(CONNECTION_KEEP_ALIVE);
    at = comma + 1;
  }
}

/** RFC 9112 section 6.3, item 5: anything but one decimal number, given once, makes the framing unreliable. */
function takeContentLength(request: Request, from: usize, end: usize): i32 {
  if (request.has(HAS_CONTENT_LENGTH) || from == end) return BAD_REQUEST;
  let value: u64 = 0;
  for (let at = from; at < end; at++) {
    const byte = load<u8>(at);
    if (!isDigit(byte)) return BAD_REQUEST;
    value = value * 10 + (<u64>byte - 0x30);
  }
  if (end - from > LENGTH_DIGITS) return CONTENT_TOO_LARGE;
  request.set(HAS_CONTENT_LENGTH);
  request.contentLength = value;
  return PARSE_MORE;
}

/**
 * RFC 9112 section 6.1 and 6.3, item 4: chunked is the one coding we know. Where it comes last behind others the answer
 * is 501; where it does not come last the end of the message cannot be told, which is 400, as it is for a repetition.
 */
function takeTransferEncoding(request: Request, from: usize, end: usize): i32 {
  if (request.has(HAS_TRANSFER_ENCODING)) return BAD_REQUEST;
  request.set(HAS_TRANSFER_ENCODING);
  let last = from;
  for (let at = from; at < end; at++) if (load<u8>(at) == COMMA) last = at + 1;
  if (!isWord(skipBlanks(last, end), end, CHUNKED)) return BAD_REQUEST;
  return last == from ? PARSE_MORE : NOT_IMPLEMENTED;
}
