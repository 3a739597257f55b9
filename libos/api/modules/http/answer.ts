// An answer as a client receives it (RFC 9112 section 4 and 6.3): whatever the server sends, its length is bounded and nothing of it is believed but what is well formed.
import { EMSGSIZE, EPROTO } from "../../../../kernel/errno";
import { errno, setErrno } from "../../errno";
import { Connection } from "../net/connection";
import { Fields, isName } from "./fields";
import { Body, bodyRelieve, bodyStartChunks, bodyStep } from "./message/body";
import { Response } from "./response";

const LINE_LIMIT: i32 = 8192;
const FIELD_LIMIT: i32 = 100;
/** Most answers 1xx before the one that counts. */
const INTERIM_LIMIT: i32 = 8;
const PIECE: i32 = 16 * 1024;
/** Any so many digits fit. */
const LENGTH_DIGITS: i32 = 9;
const UNKNOWN: i32 = -1;
const MALFORMED: i32 = -2;

function failed(reason: i32): bool {
  setErrno(reason);
  return false;
}

/** A line of the head; null on error, the end of the stream included. */
function headLine(connection: Connection): string | null {
  const line = connection.readLine(LINE_LIMIT);
  if (line === null && errno == 0) setErrno(EPROTO);
  return line;
}

/** The number that `digits` are, of at most LENGTH_DIGITS; MALFORMED. */
function numberOf(digits: string): i32 {
  if (digits.length == 0 || digits.length > LENGTH_DIGITS) return MALFORMED;
  let value = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = <u32>(digits.charCodeAt(i) - 0x30);
    if (digit > 9) return MALFORMED;
    value = value * 10 + digit;
  }
  return value;
}

/** The status that a status line tells; MALFORMED. */
function statusOf(line: string): i32 {
  if (!line.startsWith("HTTP/1.") || line.length < 12 || line.charAt(8) != " ") return MALFORMED;
  if (line.length > 12 && line.charAt(12) != " ") return MALFORMED;
  const status = numberOf(line.substring(9, 12));
  return status < 100 || status > 599 ? MALFORMED : status;
}

/** Reads the lines up to the empty one. */
function receiveFields(connection: Connection, fields: Fields): bool {
  for (let count = 0; count <= FIELD_LIMIT; count++) {
    const line = headLine(connection);
    if (line === null) return false;
    if (line.length == 0) return true;
    const colon = line.indexOf(":");
    if (colon <= 0 || !isName(line.substring(0, colon))) return failed(EPROTO);
    fields.add(line.substring(0, colon), line.substring(colon + 1).trim());
  }
  return failed(EMSGSIZE);
}

/** The answer that counts, with its fields; null on error. */
function receiveHead(connection: Connection): Response | null {
  for (let i = 0; i < INTERIM_LIMIT; i++) {
    const line = headLine(connection);
    if (line === null) return null;
    const response = new Response(statusOf(line));
    if (response.status == MALFORMED) break;
    if (!receiveFields(connection, response.fields)) return null;
    if (response.status >= 200) return response;
  }
  setErrno(EPROTO);
  return null;
}

/** What Content-Length says; UNKNOWN without one, MALFORMED. Repetitions of the same number count once (RFC 9110 section 8.6). */
function lengthOf(fields: Fields): i32 {
  const told = fields.get("content-length");
  if (told === null) return UNKNOWN;
  const values = told.split(",");
  for (let i = 1; i < values.length; i++) if (values[i].trim() != values[0].trim()) return MALFORMED;
  return numberOf(values[0].trim());
}

/** Content that grows as it comes. */
@final
class Content {
  bytes: Uint8Array = new Uint8Array(0);
  length: i32 = 0;

  constructor(private limit: i32) {}

  /** Adds `count` bytes at `start`; false with EMSGSIZE when that is more than the limit. */
  add(start: usize, count: i32): bool {
    if (count > this.limit - this.length) return failed(EMSGSIZE);
    if (this.length + count > this.bytes.length) {
      const larger = new Uint8Array(max(this.length + count, min(2 * this.bytes.length, this.limit)));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    memory.copy(this.bytes.dataStart + this.length, start, count);
    this.length += count;
    return true;
  }
}

/** Reads `length` bytes, or with UNKNOWN up to the end of the stream. */
function receivePlain(connection: Connection, content: Content, length: i32): bool {
  const piece = new Uint8Array(PIECE);
  while (length == UNKNOWN || content.length < length) {
    const room = length == UNKNOWN ? PIECE : min(PIECE, length - content.length);
    const count = connection.read(room == PIECE ? piece : piece.subarray(0, room));
    if (count < 0) return false;
    if (count == 0) return length == UNKNOWN || failed(EPROTO);
    if (!content.add(piece.dataStart, count)) return false;
  }
  return true;
}

/** Reads a body in chunks (RFC 9112 section 7.1). */
function receiveChunks(connection: Connection, content: Content): bool {
  const piece = new Uint8Array(PIECE);
  const bodyMemory = new StaticArray<u8>(offsetof<Body>());
  const body = changetype<Body>(bodyMemory);
  bodyStartChunks(body);
  while (!body.isComplete()) {
    const length = connection.read(piece);
    if (length <= 0) return length < 0 ? false : failed(EPROTO);
    const end = piece.dataStart + length;
    for (let at = piece.dataStart; at < end && !body.isComplete();) {
      const isContent = body.isAtContent();
      const count = bodyStep(body, at, end);
      if (count < 0) return failed(EPROTO);
      if (isContent) {
        if (!content.add(at, count)) return false;
        bodyRelieve(body);
      }
      at += count;
    }
  }
  return true;
}

function receiveContent(connection: Connection, response: Response, content: Content): bool {
  const coding = response.fields.get("transfer-encoding");
  if (coding !== null) {
    return coding.toLowerCase() == "chunked" ? receiveChunks(connection, content) : failed(EPROTO);
  }
  const length = lengthOf(response.fields);
  return length == MALFORMED ? failed(EPROTO) : receivePlain(connection, content, length);
}

/** Receives an answer. `isToHead`: it answers HEAD, so it has no content. Null on error: EPROTO, EMSGSIZE, EAGAIN, ECONNRESET … */
export function receiveAnswer(connection: Connection, isToHead: bool, limit: i32): Response | null {
  const response = receiveHead(connection);
  if (response === null) return null;
  if (isToHead || response.status == 204 || response.status == 304) return response;
  const content = new Content(limit);
  if (!receiveContent(connection, response, content)) return null;
  response.body = content.bytes.subarray(0, content.length);
  return response;
}
