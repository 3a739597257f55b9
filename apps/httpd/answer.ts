// Answers, written at the end of a connection's output: what is common to all of them, errors and redirections. Those that
// carry a file are in file_answer.ts. The caller has made sure of ANSWER_ROOM bytes.
import {
  METHOD_HEAD,
  METHOD_NOT_ALLOWED,
  MOVED_PERMANENTLY,
  NO_CONTENT,
  RANGE_NOT_SATISFIABLE,
  SERVICE_UNAVAILABLE,
  escapePath,
  reasonPhrase,
  spanLength,
  spanStart,
  writeHeadStart,
  writer,
} from "karyon/http/message";
import { logAnswer } from "./access_log";
import { dateText } from "./clock";
import { Connection } from "./connection";
import { LARGE_BUFFER } from "./memory_pool";

/** Room in the output that is enough for any answer but for a file's contents. */
export const ANSWER_ROOM: u32 = 5 * 1024;
/** Longest query that a redirection repeats. */
const QUERY_LIMIT: u32 = 1024;

const ALLOW = "Allow: GET, HEAD, OPTIONS\r\n";

/** Directs the writer to the free part of the output. */
export function openAnswer(connection: Connection): void {
  writer.open(connection.output + connection.outputEnd, connection.output + LARGE_BUFFER);
}

/** Adds what the writer has written to the output. */
export function commitAnswer(connection: Connection): void {
  connection.outputEnd = <u32>(writer.at - connection.output);
}

/** Status line, Date and Server. */
export function writeStatus(status: i32): void {
  writeHeadStart(status, reasonPhrase(status), dateText());
}

/** True when the answer has to name the fate of the connection: it is the default in HTTP/1.1 that it goes on. */
export function needsConnectionField(connection: Connection): bool {
  return connection.closing || connection.request.minorVersion == 0;
}

/** The Connection field where it is needed, and the empty line. */
export function writeHeadEnd(connection: Connection): void {
  // RFC 9112 section 9.6: a server that closes after an answer says so in it.
  if (connection.closing) writer.text("Connection: close\r\n");
  else if (connection.request.minorVersion == 0) writer.text("Connection: keep-alive\r\n");
  writer.text("\r\n");
}

/** An answer whose status says it all, with a short page about it. */
export function answerStatus(connection: Connection, status: i32): void {
  openAnswer(connection);
  writeStatus(status);
  // RFC 9110 section 15.5.6: a 405 lists the methods that are allowed.
  if (status == METHOD_NOT_ALLOWED) writer.text(ALLOW);
  if (status == SERVICE_UNAVAILABLE) writer.text("Retry-After: 1\r\n");
  finishWithPage(connection, status);
}

/** 416 with the size that would have been right (RFC 9110 section 15.5.17). */
export function answerUnsatisfiable(connection: Connection, size: u64): void {
  openAnswer(connection);
  writeStatus(RANGE_NOT_SATISFIABLE);
  writer.text("Content-Range: bytes */").decimal(size).text("\r\n");
  finishWithPage(connection, RANGE_NOT_SATISFIABLE);
}

/** 204 that lists the methods (RFC 9110 section 9.3.7). */
export function answerOptions(connection: Connection): void {
  openAnswer(connection);
  writeStatus(NO_CONTENT);
  writer.text(ALLOW);
  writeHeadEnd(connection);
  commitAnswer(connection);
  logAnswer(connection, NO_CONTENT, 0);
}

/** 301 from the normalised path of a directory to the same with a slash behind it. */
export function answerRedirect(connection: Connection, path: usize, length: u32): void {
  openAnswer(connection);
  writeStatus(MOVED_PERMANENTLY);
  writer.text("Location: ");
  writer.at += escapePath(path, path + length, writer.at);
  writer.text("/");
  const query = connection.request.query;
  if (query != 0 && spanLength(query) <= QUERY_LIMIT) {
    writer.bytes(spanStart(connection.message, query), spanLength(query));
  }
  writer.text("\r\n");
  finishWithPage(connection, MOVED_PERMANENTLY);
}

/** Ends a head with the fields of a page that shows the status, and appends that page. */
function finishWithPage(connection: Connection, status: i32): void {
  const reason = reasonPhrase(status);
  const length = PAGE_LENGTH + 2 * reason.length;
  writer
    .text("Content-Type: text/html; charset=utf-8\r\nContent-Length: ")
    .decimal(<u64>length)
    .text("\r\n");
  writeHeadEnd(connection);
  const withContent = connection.request.method != METHOD_HEAD;
  if (withContent) {
    writer
      .text(PAGE_START)
      .decimal(<u64>status)
      .text(" ")
      .text(reason)
      .text(PAGE_MIDDLE);
    writer
      .decimal(<u64>status)
      .text(" ")
      .text(reason)
      .text(PAGE_END);
  }
  commitAnswer(connection);
  logAnswer(connection, status, withContent ? <u64>length : 0);
}

const PAGE_START = '<!doctype html><html lang="en"><meta charset="utf-8"><title>';
const PAGE_MIDDLE = "</title><h1>";
const PAGE_END = "</h1></html>\n";
/** Length of the page without the reason phrases: three digits and a space come with each. */
const PAGE_LENGTH: i32 = PAGE_START.length + PAGE_MIDDLE.length + PAGE_END.length + 8;
