// The request line (RFC 9112 section 3): method, target in any of its four forms, version.
import {
  COLON,
  equalsText,
  findByte,
  isDigit,
  isHostCharacter,
  isNameCharacter,
  isToken,
  LEFT_BRACKET,
  NUMBER_SIGN,
  QUESTION_MARK,
  RIGHT_BRACKET,
  SLASH,
  SP,
  startsFolded,
  ASTERISK,
} from "./bytes";
import {
  METHOD_GET,
  METHOD_HEAD,
  METHOD_OPTIONS,
  METHOD_OTHER,
  METHOD_UNKNOWN,
  PARSE_MORE,
  Request,
  TARGET_ASTERISK,
  TARGET_HTTPS,
} from "./request";
import { spanOf } from "./span";
import { BAD_REQUEST, HTTP_VERSION_NOT_SUPPORTED } from "./status";

const VERSION_LENGTH: usize = 8;

/** Reads the request line [from, end), which holds no control character. Returns PARSE_MORE or a refusing status. */
export function parseRequestLine(request: Request, buffer: usize, from: usize, end: usize): i32 {
  request.requestLine = spanOf(buffer, from, end);
  const methodEnd = findMethodEnd(from, end);
  if (methodEnd == 0) return BAD_REQUEST;
  request.method = recogniseMethod(from, methodEnd);

  // One space, a target without any, one space, the version (RFC 9112 section 3: the strict reading).
  const target = methodEnd + 1;
  if (end - target < VERSION_LENGTH + 2) return BAD_REQUEST;
  const targetEnd = end - VERSION_LENGTH - 1;
  if (load<u8>(targetEnd) != SP) return BAD_REQUEST;
  const version = parseVersion(targetEnd + 1);
  if (version < 0) return BAD_REQUEST;
  if (!isTarget(target, targetEnd)) return BAD_REQUEST;
  // RFC 9110 section 2.5: the minor version is the most the peer understands, never a reason to refuse.
  if (version >> 4 != 1) return HTTP_VERSION_NOT_SUPPORTED;
  request.minorVersion = (version & 15) != 0 ? 1 : 0;
  return parseTarget(request, buffer, target, targetEnd);
}

/** The space after the method, 0 when no token stands before it. */
function findMethodEnd(from: usize, end: usize): usize {
  let at = from;
  while (at < end && isToken(load<u8>(at))) at++;
  return at > from && at < end && load<u8>(at) == SP ? at : 0;
}

/** Methods are case-sensitive (RFC 9110 section 9.1). */
function recogniseMethod(from: usize, end: usize): u8 {
  if (equalsText(from, end, "GET")) return METHOD_GET;
  if (equalsText(from, end, "HEAD")) return METHOD_HEAD;
  if (equalsText(from, end, "OPTIONS")) return METHOD_OPTIONS;
  if (equalsText(from, end, "POST") || equalsText(from, end, "PUT") || equalsText(from, end, "DELETE"))
    return METHOD_OTHER;
  if (equalsText(from, end, "PATCH") || equalsText(from, end, "TRACE") || equalsText(from, end, "CONNECT")) {
    return METHOD_OTHER;
  }
  return METHOD_UNKNOWN;
}

/** Reads "HTTP/d.d" into major << 4 | minor, -1 when it is something else. */
function parseVersion(at: usize): i32 {
  if (!equalsText(at, at + 5, "HTTP/")) return -1;
  const major = load<u8>(at + 5);
  const minor = load<u8>(at + 7);
  if (!isDigit(major) || load<u8>(at + 6) != 0x2e || !isDigit(minor)) return -1;
  return ((<i32>major - 0x30) << 4) | (<i32>minor - 0x30);
}

/** A target is of visible ASCII characters and has no fragment. */
function isTarget(from: usize, end: usize): bool {
  for (let at = from; at < end; at++) {
    const byte = load<u8>(at);
    if (<u32>byte - 0x21 > 0x5d || byte == NUMBER_SIGN) return false;
  }
  return true;
}

function parseTarget(request: Request, buffer: usize, from: usize, end: usize): i32 {
  if (load<u8>(from) == SLASH) {
    takePath(request, buffer, from, end);
    return PARSE_MORE;
  }
  if (request.method == METHOD_OPTIONS && end - from == 1 && load<u8>(from) == ASTERISK) {
    request.set(TARGET_ASTERISK);
    return PARSE_MORE;
  }
  // RFC 9112 section 3.2.2: a server accepts the absolute form, and its authority counts instead of Host.
  if (startsFolded(from, end, "http://")) return parseAbsolute(request, buffer, from + 7, end);
  if (startsFolded(from, end, "https://")) {
    request.set(TARGET_HTTPS);
    return parseAbsolute(request, buffer, from + 8, end);
  }
  // The authority form belongs to CONNECT, which this server does not allow; the method decides the answer.
  if (request.method == METHOD_OTHER && isAuthority(from, end)) {
    request.path = spanOf(buffer, end, end);
    return PARSE_MORE;
  }
  return BAD_REQUEST;
}

function parseAbsolute(request: Request, buffer: usize, from: usize, end: usize): i32 {
  let path = from;
  while (path < end && load<u8>(path) != SLASH && load<u8>(path) != QUESTION_MARK) path++;
  if (path == from || !isAuthority(from, path)) return BAD_REQUEST;
  // RFC 9112 section 3.2.4: OPTIONS on a URI with an empty path asks about the whole server.
  if (path == end && request.method == METHOD_OPTIONS) request.set(TARGET_ASTERISK);
  takePath(request, buffer, path, end);
  return PARSE_MORE;
}

function takePath(request: Request, buffer: usize, from: usize, end: usize): void {
  const query = findByte(from, end, QUESTION_MARK);
  request.path = spanOf(buffer, from, query);
  if (query < end) request.query = spanOf(buffer, query, end);
}

/** True for host [":" port] of RFC 9110 section 7.2 (an empty one included: a URI without authority). */
export function isAuthority(from: usize, end: usize): bool {
  let at = from;
  if (at < end && load<u8>(at) == LEFT_BRACKET) {
    at = findByte(at + 1, end, RIGHT_BRACKET);
    if (at == end || !isLiteralAddress(from + 1, at)) return false;
    at++;
    if (at < end && load<u8>(at) != COLON) return false;
  }
  while (at < end && isNameCharacter(load<u8>(at))) at++;
  return at == end || (load<u8>(at) == COLON && isPort(at + 1, end));
}

function isLiteralAddress(from: usize, end: usize): bool {
  if (from == end) return false;
  for (let at = from; at < end; at++) {
    const byte = load<u8>(at);
    if (!isHostCharacter(byte) || byte == LEFT_BRACKET) return false;
  }
  return true;
}

/** A port is of digits and may be empty; above 65535 it names nothing. */
function isPort(from: usize, end: usize): bool {
  if (end - from > 5) return false;
  let value: u32 = 0;
  for (let at = from; at < end; at++) {
    const byte = load<u8>(at);
    if (!isDigit(byte)) return false;
    value = value * 10 + (<u32>byte - 0x30);
  }
  return value <= 65535;
}
