// Answers that carry a file of the site, or say why they need not: 200, 206, 304, 412, 416, and 404 with the site's own page.
//
// The common case, a whole small file on a connection that goes on, is one copy of a prepared block: head and contents are
// the same every time but for the date in the head, which stands at a fixed place.
import {
  INTERNAL_SERVER_ERROR,
  METHOD_GET,
  METHOD_HEAD,
  NOT_FOUND,
  NOT_MODIFIED,
  OK,
  PARTIAL_CONTENT,
  Request,
  spanEnd,
  spanStart,
  writer,
} from "karyon/http/message";
import { logAnswer } from "./access_log";
import {
  answerStatus,
  answerUnsatisfiable,
  commitAnswer,
  needsConnectionField,
  openAnswer,
  writeHeadEnd,
  writeStatus,
} from "./answer";
import { putDate, wallTime } from "./clock";
import { Connection } from "./connection";
import { evaluateConditions, rangeApplies } from "./http/conditions";
import { ByteRange, parseRange, RANGE_SINGLE, RANGE_UNSATISFIABLE } from "./http/range";
import { LARGE_BUFFER } from "./memory_pool";
import { fileContentType, openDescriptor, prepareFile, SiteFile } from "./site";

/** Where the date stands in an answer that begins with "HTTP/1.1 200 OK". */
const DATE_OFFSET: usize = 23;
/** More than a Connection field takes. */
const CONNECTION_FIELD_ROOM: usize = 32;

const range = changetype<ByteRange>(memory.data(offsetof<ByteRange>(), 8));

/** Answers a GET or HEAD for `file`. */
export function answerFile(connection: Connection, file: SiteFile): void {
  const request = connection.request;
  if ((request.ifMatch | request.ifNoneMatch | request.ifModifiedSince | request.ifUnmodifiedSince) != 0) {
    const status = evaluateConditions(request, connection.message, file, wallTime());
    if (status == NOT_MODIFIED) return answerNotModified(connection, file);
    if (status != OK) return answerStatus(connection, status);
  }
  // RFC 9110 section 14.2: Range means something for GET only.
  if (request.range != 0 && request.method == METHOD_GET) {
    const outcome = resolveRange(request, connection.message, file);
    if (outcome == RANGE_UNSATISFIABLE) return answerUnsatisfiable(connection, file.size);
    if (outcome == RANGE_SINGLE) return answerPart(connection, file);
  }
  answerWhole(connection, file);
}

function resolveRange(request: Request, message: usize, file: SiteFile): i32 {
  if (!rangeApplies(request, message, file, wallTime())) return 0;
  return parseRange(spanStart(message, request.range), spanEnd(message, request.range), file.size, range);
}

/** 304, with the fields that RFC 9110 section 15.4.5 asks for. */
function answerNotModified(connection: Connection, file: SiteFile): void {
  openAnswer(connection);
  writeStatus(NOT_MODIFIED);
  writer.text("ETag: ").bytes(file.tag, file.tagLength).text("\r\n");
  writeHeadEnd(connection);
  commitAnswer(connection);
  logAnswer(connection, NOT_MODIFIED, 0);
}

/** 206 with the part of the file that `range` names. */
function answerPart(connection: Connection, file: SiteFile): void {
  const first = range.first;
  const length = range.length;
  if (!attachContents(connection, file, first, length, 0)) return;
  openAnswer(connection);
  writeStatus(PARTIAL_CONTENT);
  writeFileFields(file, length);
  writer
    .text("Content-Range: bytes ")
    .decimal(first)
    .text("-")
    .decimal(first + length - 1);
  writer.text("/").decimal(file.size).text("\r\n");
  writeValidators(file);
  writeHeadEnd(connection);
  appendContents(connection, file, first, length);
  commitAnswer(connection);
  logAnswer(connection, PARTIAL_CONTENT, length);
}

/** 404 with a page of the site. */
export function answerMissing(connection: Connection, page: SiteFile): void {
  if (!attachContents(connection, page, 0, page.size, 0)) return;
  openAnswer(connection);
  writeStatus(NOT_FOUND);
  writeFileFields(page, page.size);
  writeHeadEnd(connection);
  appendContents(connection, page, 0, page.size);
  commitAnswer(connection);
  logAnswer(connection, NOT_FOUND, contentLength(connection, page));
}

/** 200. */
function answerWhole(connection: Connection, file: SiteFile): void {
  if (file.head == 0) prepare(connection, file);
  const headLength = file.headLength;
  if (!attachContents(connection, file, 0, file.size, headLength)) return;
  openAnswer(connection);
  if (file.head == 0) {
    writeWholeHead(file);
  } else {
    // The prepared head ends with the empty line, the way it is mostly needed.
    const start = writer.at;
    writer.bytes(file.head, headLength);
    putDate(start + DATE_OFFSET);
    if (needsConnectionField(connection)) writer.at -= 2;
  }
  if (file.head == 0 || needsConnectionField(connection)) writeHeadEnd(connection);
  appendContents(connection, file, 0, file.size);
  commitAnswer(connection);
  logAnswer(connection, OK, contentLength(connection, file));
}

/** Writes the head of the 200 for `file` where the answer will go, only to have it kept. */
function prepare(connection: Connection, file: SiteFile): void {
  openAnswer(connection);
  const start = writer.at;
  writeWholeHead(file);
  writer.text("\r\n");
  prepareFile(file, start, writer.at - start);
}

function writeWholeHead(file: SiteFile): void {
  writeStatus(OK);
  writeFileFields(file, file.size);
  writeValidators(file);
}

function writeFileFields(file: SiteFile, length: u64): void {
  writer.text("Content-Type: ").text(fileContentType(file)).text("\r\nContent-Length: ").decimal(length).text("\r\n");
}

function writeValidators(file: SiteFile): void {
  writer.text("Last-Modified: ").date(file.modified).text("\r\nETag: ").bytes(file.tag, file.tagLength);
  writer.text("\r\nAccept-Ranges: bytes\r\n");
}

function contentLength(connection: Connection, file: SiteFile): u64 {
  return connection.request.method == METHOD_HEAD ? 0 : file.size;
}

/** True when `length` bytes of contents are in memory and fit behind a head into what is left of the output. */
function fitsInline(connection: Connection, file: SiteFile, length: u64, headLength: usize): bool {
  if (file.body == 0) return false;
  const head = max<usize>(headLength + CONNECTION_FIELD_ROOM, HEAD_ROOM);
  return <u64>(connection.outputEnd + head) + length <= LARGE_BUFFER;
}

/** More than a head with a file's fields takes. */
const HEAD_ROOM: usize = 768;

/**
 * Decides, before the head is written, how the contents will go out: behind the head when they fit, else by sendfile,
 * for which the file is opened now.
 * @returns false when that failed and the answer is 500 instead
 */
function attachContents(connection: Connection, file: SiteFile, first: u64, length: u64, headLength: usize): bool {
  if (connection.request.method == METHOD_HEAD || length == 0 || fitsInline(connection, file, length, headLength))
    return true;
  const descriptor = openDescriptor(file);
  if (descriptor < 0) {
    answerStatus(connection, INTERNAL_SERVER_ERROR);
    return false;
  }
  connection.file = file;
  connection.fileDescriptor = descriptor;
  connection.fileOffset = first;
  connection.fileLeft = length;
  return true;
}

function appendContents(connection: Connection, file: SiteFile, first: u64, length: u64): void {
  if (connection.request.method == METHOD_HEAD || connection.file !== null) return;
  writer.bytes(file.body + <usize>first, <usize>length);
}
