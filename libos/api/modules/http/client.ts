// A client: a request, and the answer to it, on a connection of its own. It follows no redirections.
import { EINVAL } from "../../../../kernel/errno";
import { errno, setErrno } from "../../errno";
import { Connection } from "../net/connection";
import { connect } from "../net/connect";
import { Fields, isName } from "./fields";
import { receiveAnswer } from "./answer";
import { Response } from "./response";
import { Url, parseUrl } from "./url";

/** How long the connection, and each wait for more of the answer, may take, in ms. */
const PATIENCE: u32 = 30_000;
/** Most bytes of content by default. */
const LIMIT: i32 = 16 << 20;

function sendRequest(
  connection: Connection,
  url: Url,
  method: string,
  body: Uint8Array | null,
  fields: Fields | null,
): bool {
  let head = `${method} ${url.target} HTTP/1.1\r\nHost: ${url.authority}\r\nConnection: close\r\n`;
  if (fields !== null) head += fields.toString();
  if (body !== null) head += `Content-Length: ${body.length}\r\n`;
  if (!connection.writeText(head + "\r\n")) return false;
  return body === null || connection.write(body);
}

/**
 * Sends a request for `url` ("http://host:port/path?query") and returns the answer, whatever its status. `fields` are sent beside Host, Connection and Content-Length, which they must not have. Null
 * on error: EINVAL (no URL or method), EPROTONOSUPPORT (https: there is no TLS), what `connect` says, EPROTO (an answer that is none, or not all of it), EMSGSIZE (its content is longer than `limit` bytes),
 * EAGAIN (30 s without a byte).
 */
export function fetch(
  url: string,
  method: string = "GET",
  body: Uint8Array | null = null,
  fields: Fields | null = null,
  limit: i32 = LIMIT,
): Response | null {
  const before = errno;
  const target = parseUrl(url);
  if (target === null) return null;
  if (!isName(method)) {
    setErrno(EINVAL);
    return null;
  }
  const connection = connect(target.host, target.port, PATIENCE);
  if (connection === null) return null;
  connection.setTimeout(PATIENCE);
  // A server may answer, and close, before it has read all.
  sendRequest(connection, target, method, body, fields);
  const response = receiveAnswer(connection, method == "HEAD", limit);
  const reason = response === null ? errno : before;
  connection.close();
  setErrno(reason);
  return response;
}

/** The answer to GET for `url`; null on error, as `fetch` says. */
export function get(url: string): Response | null {
  return fetch(url);
}

/** Sends `content` to `url` with POST; null on error, as `fetch` says. */
export function post(url: string, content: string, type: string = "text/plain; charset=utf-8"): Response | null {
  const fields = new Fields();
  fields.add("content-type", type);
  return fetch(url, "POST", Uint8Array.wrap(String.UTF8.encode(content)), fields);
}
