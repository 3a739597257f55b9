// A server: a handler is asked for the answer to each request. Each connection has a thread, so a handler may wait; it lasts for many requests (RFC 9112 section 9.3).
import { Connection } from "../net/connection";
import { CONNECTIONS, ConnectionHandler, serveOn } from "../net/serve";
import { Server, listen } from "../net/server";
import { CONNECTION_OVER, Input, REQUEST_HERE } from "./input";
import { spanEnd, spanLength, spanStart } from "./message/span";
import { BAD_REQUEST, URI_TOO_LONG } from "./message/status";
import { PATH_TOO_LONG, TARGET_CAPACITY, normalisePath } from "./message/target";
import { COLON, SP, findByte, skipBlanks, trimBlanks } from "./message/bytes";
import { TARGET_ASTERISK } from "./message/request";
import { sendResponse } from "./output";
import { Request } from "./request";
import { Response, status as statusOnly } from "./response";

/** How long a client that was refused may take to read why, in ms, and how much it may send meanwhile. */
const FAREWELL_TIME: u32 = 1_000;
const FAREWELL_BYTES: i32 = 64 * 1024;

/** What answers requests. */
export type Handler = (request: Request) => Response;

function textOf(from: usize, end: usize): string {
  return String.UTF8.decodeUnsafe(from, end - from);
}

/** Puts the fields of the head, whose lines end at `end`, into `request`; the parser has found them well formed. */
function takeFields(request: Request, from: usize, end: usize): void {
  for (let line = from; line < end;) {
    const lineEnd = findByte(line, end, 0x0d);
    const colon = findByte(line, lineEnd, COLON);
    if (colon < lineEnd) {
      const value = skipBlanks(colon + 1, lineEnd);
      request.fields.add(textOf(line, colon), textOf(value, trimBlanks(value, lineEnd)));
    }
    line = lineEnd + 2;
  }
}

/** Makes the request of what has come. Returns 0 or the status that refuses it. */
function describe(input: Input, request: Request): i32 {
  const head = input.head;
  const message = input.message;
  const lineStart = spanStart(message, head.requestLine);
  const lineEnd = spanEnd(message, head.requestLine);
  request.method = textOf(lineStart, findByte(lineStart, lineEnd, SP));
  if (head.query != 0 && spanLength(head.query) > 1) {
    request.query = textOf(spanStart(message, head.query) + 1, spanEnd(message, head.query));
  }
  if (head.has(TARGET_ASTERISK)) {
    request.path = "*";
  } else {
    const path = new ArrayBuffer(<i32>TARGET_CAPACITY);
    const start = changetype<usize>(path);
    const length = normalisePath(spanStart(message, head.path), spanEnd(message, head.path), start);
    if (length < 0) return length == PATH_TOO_LONG ? URI_TOO_LONG : BAD_REQUEST;
    request.path = textOf(start, start + length);
  }
  takeFields(request, lineEnd + 2, message + head.line);
  request.body = input.content;
  return 0;
}

/** Answers a refused request and gives the client time to read that before the connection is closed, which resets it when there is more to read. */
function refuse(connection: Connection, number: i32): void {
  if (!sendResponse(connection, statusOnly(number), true, "close") || !connection.end()) return;
  connection.setTimeout(FAREWELL_TIME);
  const rest = new Uint8Array(4096);
  let left = FAREWELL_BYTES;
  while (left > 0) {
    const count = connection.read(rest);
    if (count <= 0) return;
    left -= count;
  }
}

/** Connections of which `handler` answers the requests. */
@final
class Requests extends ConnectionHandler {
  constructor(private handler: Handler) {
    super();
  }

  serve(connection: Connection): void {
    const handler = this.handler;
    const input = new Input(connection);
    while (true) {
      const result = input.next();
      if (result == CONNECTION_OVER) return;
      const request = new Request();
      request.client = connection.host;
      const refusal = result == REQUEST_HERE ? describe(input, request) : result;
      if (refusal != 0) return refuse(connection, refusal);
      const response = handler(request);
      const keeps = input.head.keepsAlive();
      const field = keeps ? (input.head.minorVersion == 0 ? "keep-alive" : "") : "close";
      if (!sendResponse(connection, response, request.method != "HEAD", field) || !keeps) return;
    }
  }
}

/**
 * Listens on `port` and answers requests with what `handler` returns, a thread for each of up to `most` connections. Returns only when it cannot listen: false (EADDRINUSE …).
 * Requests that are not well formed, too long (a head of 15 KiB, content of 1 MiB) or too slow (30 s) are refused without asking it.
 */
export function serve(port: u16, handler: Handler, most: i32 = CONNECTIONS): bool {
  const server = listen(port);
  return server === null ? false : serveHttp(server, handler, most);
}

/** Like `serve`, with a listener that is there: returns when it is closed. */
export function serveHttp(server: Server, handler: Handler, most: i32 = CONNECTIONS): bool {
  return serveOn(server, new Requests(handler), most);
}
