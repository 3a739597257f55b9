// GET /stream?seconds=10&interval=1000: server-sent events for so many seconds, one in so many milliseconds. The process does nothing else
// meanwhile: that is what it has been forked for. Of prefork's workers it is one that accepts no more until it is done, so that nobody
// waits behind the stream; told to end, it ends when the stream has.
import { EAGAIN, EINTR, MSG_NOSIGNAL, POLLOUT, errno, getpid, poll, pollfd, send, usleep } from "karyon";
import { BAD_REQUEST, METHOD_HEAD, OK, equalsText, spanLength, spanStart, writer } from "karyon/http/message";
import { logAnswer } from "../access_log";
import { answerStatus, commitAnswer, openAnswer, writeHeadEnd, writeStatus } from "../answer";
import { monotonicTime, updateClock } from "../clock";
import { closeConnection, Connection } from "../connection";
import { SEND_TIMEOUT } from "../exchange";
import { parseNumber } from "../options";
import { closeListener } from "./converse";
import { memberGoesOn, memberIs } from "./member";
import { STATE_SERVING, STATE_STREAMING } from "./scoreboard";

const MOST_SECONDS: i32 = 86_400;
const LEAST_INTERVAL: i32 = 10;
const MOST_INTERVAL: i32 = 60_000;
/** Longest query that is read. */
const MOST_QUERY: u32 = 64;

const entry = changetype<pollfd>(memory.data(8, 8));
let seconds: i32 = 0;
let interval: i32 = 0;
let content: u64 = 0;

/** Answers when the path of `length` bytes at `path` is the stream's. */
export function stream(connection: Connection, path: usize, length: u32): bool {
  if (!equalsText(path, path + length, "/stream")) return false;
  if (!readQuery(connection)) {
    answerStatus(connection, BAD_REQUEST);
    return true;
  }
  const chunked = connection.request.minorVersion != 0;
  // Its end is the connection's: who wants another asks anew, and may reach another process.
  connection.closing = true;
  openAnswer(connection);
  writeStatus(OK);
  writer.text("Content-Type: text/event-stream\r\nCache-Control: no-store\r\n");
  if (chunked) writer.text("Transfer-Encoding: chunked\r\n");
  writeHeadEnd(connection);
  commitAnswer(connection);
  content = 0;
  if (connection.request.method != METHOD_HEAD) sendEvents(connection, chunked);
  logAnswer(connection, OK, content);
  return true;
}

function readQuery(connection: Connection): bool {
  seconds = 10;
  interval = 1000;
  const query = connection.request.query;
  const length = spanLength(query);
  if (query == 0 || length <= 1) return true;
  if (length > MOST_QUERY) return false;
  const words = String.UTF8.decodeUnsafe(spanStart(connection.message, query) + 1, length - 1).split("&");
  for (let i = 0; i < words.length; i++) {
    const word = words[i];
    if (word.startsWith("seconds=")) seconds = parseNumber(word.substring(8));
    else if (word.startsWith("interval=")) interval = parseNumber(word.substring(9));
    else return false;
  }
  return seconds >= 1 && seconds <= MOST_SECONDS && interval >= LEAST_INTERVAL && interval <= MOST_INTERVAL;
}

function sendEvents(connection: Connection, chunked: bool): void {
  closeListener();
  memberIs(STATE_STREAMING);
  const end = updateClock() + <u64>seconds * 1000;
  let number: u32 = 0;
  let alive: bool = true;
  for (let next = monotonicTime(); alive && next < end; next += interval) {
    alive = sendEvent(connection, ++number, chunked);
    while (alive && updateClock() < next + interval) usleep(<u32>(next + interval - monotonicTime()) * 1000);
    memberGoesOn();
  }
  if (alive && chunked) {
    openAnswer(connection);
    writer.text("0\r\n\r\n");
    commitAnswer(connection);
  } else if (!alive) {
    closeConnection(connection);
  }
  memberIs(STATE_SERVING);
}

/** Sends what is in the output and an event behind it. Returns false when the client has gone, or takes nothing. */
function sendEvent(connection: Connection, number: u32, chunked: bool): bool {
  const event = `id: ${number}\ndata: process ${getpid()}\n\n`;
  openAnswer(connection);
  if (chunked) writer.text(`${event.length.toString(16)}\r\n`);
  writer.text(event);
  if (chunked) writer.text("\r\n");
  commitAnswer(connection);
  content += event.length;
  const until = monotonicTime() + SEND_TIMEOUT;
  while (connection.outputStart < connection.outputEnd) {
    const from = connection.output + connection.outputStart;
    const count = send(connection.descriptor, from, connection.outputEnd - connection.outputStart, MSG_NOSIGNAL);
    if (count > 0) connection.outputStart += <u32>count;
    else if (count == 0 || errno != EAGAIN || !awaitRoom(connection, until)) return false;
  }
  connection.outputStart = 0;
  connection.outputEnd = 0;
  return true;
}

/** Waits until the client takes more; false when it does not until `until`. */
function awaitRoom(connection: Connection, until: u64): bool {
  entry.fd = connection.descriptor;
  entry.events = POLLOUT;
  while (updateClock() < until) {
    const ready = poll(changetype<usize>(entry), 1, <i32>(until - monotonicTime()));
    if (ready > 0) return true;
    if (ready < 0 && errno != EINTR) return false;
  }
  return false;
}
