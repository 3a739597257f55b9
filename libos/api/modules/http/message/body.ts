// Bodies of messages (RFC 9112 section 6 and 7): where content is, and where it ends, up to a limit. A server that takes none reads over it,
// since a connection can only go on behind it. Incremental: any split of the input gives the same result.
import { CR, hexValue, isBlank, LF, SEMICOLON } from "./bytes";
import { HAS_TRANSFER_ENCODING, Request } from "./request";
import { BAD_REQUEST, CONTENT_TOO_LARGE, REQUEST_HEADER_FIELDS_TOO_LARGE } from "./status";

/** Most bytes of content of a request; a longer body ends the connection instead. */
export const BODY_LIMIT: u64 = 1 << 20;
/** Most bytes of chunk lines and trailers. A chunk of one byte needs five more, so it has to grow with the content. */
const OVERHEAD_LIMIT: u64 = 16 * 1024;
const OVERHEAD_PER_BYTE: u64 = 8;

const DATA: u8 = 0;
const DONE: u8 = 1;
const SIZE: u8 = 2;
const SIZE_BLANK: u8 = 3;
const EXTENSION: u8 = 4;
const SIZE_LF: u8 = 5;
const CHUNK_DATA: u8 = 6;
const CHUNK_CR: u8 = 7;
const CHUNK_LF: u8 = 8;
const TRAILER: u8 = 9;
const TRAILER_LINE: u8 = 10;
const TRAILER_LF: u8 = 11;
const END_LF: u8 = 12;

/** A body being read. */
@unmanaged
@final
export class Body {
  /** Bytes left of the content, or of the chunk under way. */
  left: u64;
  /** Content seen, and everything else seen. */
  content: u64;
  overhead: u64;
  state: u8;
  /** Digits of the chunk size seen. */
  digits: u8;

  /** True when the whole body has been read. */
  isComplete(): bool {
    return this.state == DONE;
  }

  /** True when what comes next is content, and not what tells its length. */
  isAtContent(): bool {
    return this.state == DATA || this.state == CHUNK_DATA;
  }
}

/** Prepares for the body of `request`. Returns 0, or CONTENT_TOO_LARGE when its announced length is above the limit. */
export function bodyStart(body: Body, request: Request): i32 {
  memory.fill(changetype<usize>(body), 0, offsetof<Body>());
  if (request.has(HAS_TRANSFER_ENCODING)) {
    body.state = SIZE;
    return 0;
  }
  body.left = request.contentLength;
  body.state = body.left == 0 ? DONE : DATA;
  return body.left > BODY_LIMIT ? CONTENT_TOO_LARGE : 0;
}

/** Prepares for a body in chunks, which come from a server: the limit holds between two calls of bodyRelieve. */
export function bodyStartChunks(body: Body): void {
  memory.fill(changetype<usize>(body), 0, offsetof<Body>());
  body.state = SIZE;
}

/** Lets the limit hold for what comes next alone: the caller has one of its own. */
export function bodyRelieve(body: Body): void {
  body.content = 0;
  body.overhead = 0;
}

/**
 * Reads from [from, end) up to the end of the body.
 * @returns bytes used (all of them unless the body is complete), or the negative of a refusing status code
 */
export function bodyConsume(body: Body, from: usize, end: usize): i32 {
  let at = from;
  while (at < end && body.state != DONE) {
    const used = bodyStep(body, at, end);
    if (used < 0) return used;
    at += used;
  }
  return <i32>(at - from);
}

/**
 * Reads a piece of a body that is not complete from [from, end), which is not empty: as much content as there is when it is at that, else one byte.
 * @returns bytes used, or the negative of a refusing status code
 */
export function bodyStep(body: Body, from: usize, end: usize): i32 {
  if (!body.isAtContent()) {
    const refusal = stepFraming(body, load<u8>(from));
    return refusal != 0 ? -refusal : 1;
  }
  const count = min<u64>(body.left, <u64>(end - from));
  body.left -= count;
  body.content += count;
  if (body.left == 0) body.state = body.state == DATA ? DONE : CHUNK_CR;
  return <i32>count;
}

/** One byte that is no content. */
function stepFraming(body: Body, byte: u8): i32 {
  if (++body.overhead > OVERHEAD_LIMIT + OVERHEAD_PER_BYTE * body.content) return REQUEST_HEADER_FIELDS_TOO_LARGE;
  switch (body.state) {
    case SIZE:
    case SIZE_BLANK:
    case EXTENSION:
      return stepSize(body, byte);
    case SIZE_LF:
      if (byte != LF) return BAD_REQUEST;
      return startChunk(body);
    case CHUNK_CR:
      return expect(body, byte, CR, CHUNK_LF);
    case CHUNK_LF:
      body.digits = 0;
      return expect(body, byte, LF, SIZE);
    case TRAILER:
      if (byte == CR) return become(body, END_LF);
      return isLineByte(byte) && !isBlank(byte) ? become(body, TRAILER_LINE) : BAD_REQUEST;
    case TRAILER_LINE:
      if (byte == CR) return become(body, TRAILER_LF);
      return isLineByte(byte) ? 0 : BAD_REQUEST;
    case TRAILER_LF:
      return expect(body, byte, LF, TRAILER);
    default:
      return expect(body, byte, LF, DONE);
  }
}

/** chunk-size [ chunk-ext ] CR, an extension being skipped as RFC 9112 section 7.1.1 asks. */
function stepSize(body: Body, byte: u8): i32 {
  if (byte == CR) return body.digits == 0 ? BAD_REQUEST : become(body, SIZE_LF);
  if (body.state == EXTENSION) return isLineByte(byte) ? 0 : BAD_REQUEST;
  if (byte == SEMICOLON) return body.digits == 0 ? BAD_REQUEST : become(body, EXTENSION);
  if (isBlank(byte)) return body.digits == 0 ? BAD_REQUEST : become(body, SIZE_BLANK);
  const value = hexValue(byte);
  if (value < 0 || body.state == SIZE_BLANK) return BAD_REQUEST;
  // Fifteen digits cannot overflow; whoever sends more is not counting bytes.
  if (++body.digits > 15) return BAD_REQUEST;
  body.left = (body.left << 4) | (<u64>value);
  return 0;
}

function startChunk(body: Body): i32 {
  if (body.left == 0) return become(body, TRAILER);
  if (body.left > BODY_LIMIT - body.content) return CONTENT_TOO_LARGE;
  return become(body, CHUNK_DATA);
}

function expect(body: Body, byte: u8, wanted: u8, next: u8): i32 {
  return byte == wanted ? become(body, next) : BAD_REQUEST;
}

function become(body: Body, state: u8): i32 {
  body.state = state;
  return 0;
}

function isLineByte(byte: u8): bool {
  return (byte >= 0x20 && byte != 0x7f) || byte == 0x09;
}
