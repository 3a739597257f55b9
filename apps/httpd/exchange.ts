// The connection's state machine. runConnection moves a connection as far as it gets without waiting; afterwards its
// `events` and `deadline` say what to wait for. Read runConnection first.
//
// Invariants
// - What is to be sent goes out before anything more is read, so a client that does not read its answers stops itself.
// - Answers leave in the order of the requests; several pipelined ones go out with one send.
// - A connection makes progress or has a deadline: every wait of a client's doing ends.
import {
  EAGAIN,
  errno,
  MSG_MORE,
  MSG_NOSIGNAL,
  POLLIN,
  POLLOUT,
  recv,
  send,
  sendfile,
  setsockopt,
  SHUT_WR,
  shutdown,
  SO_LINGER,
  SOL_SOCKET,
} from "karyon";
import {
  CONTENT_TOO_LARGE,
  EXPECT_CONTINUE,
  EXPECT_UNKNOWN,
  PARSE_COMPLETE,
  PARSE_MORE,
  REQUEST_TIMEOUT,
  SERVICE_UNAVAILABLE,
  bodyConsume,
  bodyStart,
  requestParse,
  requestReset,
  writer,
} from "karyon/http/message";
import { ANSWER_ROOM, answerStatus, commitAnswer, openAnswer } from "./answer";
import {
  closeConnection,
  Connection,
  releaseFile,
  releaseInput,
  releaseOutput,
  reserveInput,
  reserveOutput,
  STATE_CLOSED,
  STATE_DRAINING,
  STATE_LINGERING,
  STATE_RECEIVING,
} from "./connection";
import { LARGE_BUFFER } from "./memory_pool";
import { options } from "./options";
import { allowsMethod, answerRequest } from "./resource";

/** Milliseconds a client has for a request's head, from its first byte to its last. */
export const HEAD_TIMEOUT: u64 = 10_000;
/** … for the body, from its first byte to its last. */
export const BODY_TIMEOUT: u64 = 20_000;
/** … for taking any byte of an answer. */
export const SEND_TIMEOUT: u64 = 30_000;
/** … for closing after it has been told that we do. */
export const LINGER_TIMEOUT: u64 = 3_000;

/** Bytes of a file sent in one go before other connections get their turn. */
const SEND_TURN: u64 = 256 * 1024;
/** Reads of a lingering connection in one go. */
const LINGER_TURN: i32 = 8;

/** Where the bytes of a lingering connection go. */
const DISCARD_SIZE: usize = 4000;
const discarded = memory.data(4000, 8);

/** struct linger {1, 0}: close resets the connection. */
const resetOnClose = memory.data<i32>([1, 0]);

/** Starts the clock of a connection that has just been opened. */
export function startConnection(connection: Connection, now: u64): void {
  connection.deadline = now + HEAD_TIMEOUT;
}

/**
 * Moves the connection as far as it gets without waiting. Afterwards it is closed, or waits for `events` until `deadline`.
 * @param readable whether trying to receive may be worth it
 */
export function runConnection(connection: Connection, now: u64, readable: bool): void {
  let mayReceive = readable;
  while (connection.state != STATE_CLOSED) {
    if (connection.hasOutput() && !flush(connection, now)) return;
    if (connection.state == STATE_LINGERING) return drain(connection);
    if (connection.closing) {
      beginClose(connection, now);
      continue;
    }
    if (consumeInput(connection, now)) continue;
    if (!mayReceive) {
      connection.events = POLLIN;
      return;
    }
    mayReceive = receive(connection, now);
  }
}

/** Acts on a deadline that has passed. */
export function expireConnection(connection: Connection, now: u64): void {
  const waitsForRequest = connection.started && !connection.hasOutput() && connection.state != STATE_LINGERING;
  if (waitsForRequest) {
    refuse(connection, REQUEST_TIMEOUT);
    runConnection(connection, now, false);
    return;
  }
  // A client that has stopped taking its answer would keep what is left of it in our memory.
  if (connection.hasOutput()) resetConnection(connection);
  else closeConnection(connection);
}

/** Answers 503 without having seen a request, for a client that is one too many. */
export function turnAway(connection: Connection, now: u64): void {
  refuse(connection, SERVICE_UNAVAILABLE);
  runConnection(connection, now, false);
}

function resetConnection(connection: Connection): void {
  setsockopt(connection.descriptor, SOL_SOCKET, SO_LINGER, resetOnClose, 8);
  closeConnection(connection);
}

/** Sends what is waiting. Returns true when all of it has gone, false when the client has to take some first, or is gone. */
function flush(connection: Connection, now: u64): bool {
  // A file that follows, or our end of the stream, goes with the last of the output in one packet.
  const follows = connection.file !== null || connection.closing;
  const flags = follows ? MSG_NOSIGNAL | MSG_MORE : MSG_NOSIGNAL;
  while (connection.outputStart < connection.outputEnd) {
    const from = connection.output + connection.outputStart;
    const count = send(connection.descriptor, from, connection.outputEnd - connection.outputStart, flags);
    if (count <= 0) return awaitRoom(connection, now, count);
    connection.outputStart += <u32>count;
    connection.deadline = now + SEND_TIMEOUT;
  }
  releaseOutput(connection);
  if (connection.file !== null && !flushFile(connection, now)) return false;
  connection.deadline = now + restTimeout(connection);
  connection.events = POLLIN;
  return true;
}

function flushFile(connection: Connection, now: u64): bool {
  let turn: u64 = 0;
  while (connection.fileLeft != 0) {
    const wanted = <usize>min<u64>(connection.fileLeft, SEND_TURN);
    const offset = <i64>connection.fileOffset;
    const count = sendfile(connection.descriptor, connection.fileDescriptor, offset, wanted);
    if (count <= 0) return awaitRoom(connection, now, count);
    connection.fileOffset += <u64>count;
    connection.fileLeft -= <u64>count;
    connection.deadline = now + SEND_TIMEOUT;
    turn += <u64>count;
    if (turn >= SEND_TURN && connection.fileLeft != 0) {
      connection.events = POLLOUT;
      return false;
    }
  }
  releaseFile(connection);
  return true;
}

/** After a call that sent nothing: waits if the client only has to catch up. Always false. */
function awaitRoom(connection: Connection, now: u64, result: i32): bool {
  if (result == 0 || errno != EAGAIN) {
    closeConnection(connection);
    return false;
  }
  if (connection.events != POLLOUT) connection.deadline = now + SEND_TIMEOUT;
  connection.events = POLLOUT;
  return false;
}

/** How long the client may take for what it has to do next. */
function restTimeout(connection: Connection): u64 {
  if (connection.state == STATE_DRAINING) return BODY_TIMEOUT;
  return connection.started ? HEAD_TIMEOUT : <u64>options.idleTimeout;
}

/**
 * After the last answer: our side ends. A client that may still be sending would be answered with a reset, which can overtake
 * the answer (RFC 9112 section 9.6): then reading goes on for a while.
 */
function beginClose(connection: Connection, now: u64): void {
  if (shutdown(connection.descriptor, SHUT_WR) < 0) return closeConnection(connection);
  if (!connection.lingers && connection.available == 0 && !hasUnread(connection)) return closeConnection(connection);
  releaseInput(connection);
  connection.state = STATE_LINGERING;
  connection.deadline = now + LINGER_TIMEOUT;
}

/** True when the client has sent something after a request that it called its last. Nobody will miss it. */
function hasUnread(connection: Connection): bool {
  return recv(connection.descriptor, discarded, DISCARD_SIZE) > 0;
}

/** Throws away what a lingering connection still sends. */
function drain(connection: Connection): void {
  connection.events = POLLIN;
  for (let i = 0; i < LINGER_TURN; i++) {
    const count = recv(connection.descriptor, discarded, DISCARD_SIZE);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) return closeConnection(connection);
  }
}

/** Receives once. Returns true when there may be more to receive. */
function receive(connection: Connection, now: u64): bool {
  if (!reserveInput(connection)) {
    refuse(connection, SERVICE_UNAVAILABLE);
    return false;
  }
  const room = connection.inputCapacity - connection.inputEnd;
  const count = recv(connection.descriptor, connection.input + connection.inputEnd, room);
  if (count <= 0) {
    if (count == 0 || errno != EAGAIN) closeConnection(connection);
    else if (connection.available == 0) releaseInput(connection);
    return false;
  }
  connection.inputEnd += <u32>count;
  if (!connection.started) {
    connection.started = true;
    connection.deadline = now + HEAD_TIMEOUT;
  }
  return <u32>count == room;
}

/**
 * Answers the requests in the input buffer, as far as they are complete and their answers find room.
 * @returns true when there is something to send, or nothing more to read
 */
function consumeInput(connection: Connection, now: u64): bool {
  while (connection.state == STATE_DRAINING || connection.available != 0) {
    // The answers before may have used up the room: they go out first.
    if (connection.outputEnd > LARGE_BUFFER - ANSWER_ROOM) return true;
    if (connection.state == STATE_RECEIVING) {
      const result = requestParse(connection.request, connection.message, connection.available);
      if (result == PARSE_MORE) break;
      if (result != PARSE_COMPLETE) refuse(connection, result);
      else acceptHead(connection, now);
    } else if (!consumeBody(connection)) {
      break;
    }
    if (connection.closing || connection.file !== null) return true;
  }
  if (connection.state == STATE_RECEIVING && connection.available == 0) releaseInput(connection);
  return connection.closing || connection.hasOutput();
}

/** A complete head: answered at once, or after its body. */
function acceptHead(connection: Connection, now: u64): void {
  const request = connection.request;
  if (!request.keepsAlive()) connection.closing = true;
  else if (connection.yields) closeAfterAnswer(connection);
  if (!request.hasBody()) return completeRequest(connection, request.line);

  const expects = request.has(EXPECT_CONTINUE);
  const tooLarge = bodyStart(connection.body, request) != 0;
  const allowed = allowsMethod(request);
  if (tooLarge && allowed) return refuse(connection, CONTENT_TOO_LARGE);
  // A final answer in place of 100 leaves it open whether the body comes (RFC 9110 section 10.1.1): nothing after it counts.
  if (tooLarge || request.has(EXPECT_UNKNOWN) || (expects && !allowed)) {
    closeAfterAnswer(connection);
    return completeRequest(connection, request.line);
  }
  connection.state = STATE_DRAINING;
  connection.deadline = now + BODY_TIMEOUT;
  if (expects && connection.available == request.line && reserveOutput(connection)) {
    openAnswer(connection);
    writer.text("HTTP/1.1 100 Continue\r\n\r\n");
    commitAnswer(connection);
  }
}

/** Throws away what has come of a body. Returns true when the request has been answered, false when more must come. */
function consumeBody(connection: Connection): bool {
  const request = connection.request;
  const from = connection.message + request.line;
  const used = bodyConsume(connection.body, from, connection.input + connection.inputEnd);
  if (used < 0) {
    refuse(connection, -used);
    return true;
  }
  if (connection.body.isComplete()) {
    connection.state = STATE_RECEIVING;
    completeRequest(connection, request.line + <u32>used);
    return true;
  }
  connection.inputEnd = connection.inputStart + request.line;
  return false;
}

/** Answers the request, which takes `length` bytes of the input, and turns to the next. */
function completeRequest(connection: Connection, length: u32): void {
  if (!reserveOutput(connection)) return giveUp(connection);
  answerRequest(connection);
  connection.inputStart += length;
  connection.started = connection.available != 0;
  connection.served = true;
  requestReset(connection.request);
}

/** Answers with an error after which nothing the client has sent can be relied upon. */
function refuse(connection: Connection, status: i32): void {
  closeAfterAnswer(connection);
  connection.state = STATE_RECEIVING;
  if (!reserveOutput(connection)) return giveUp(connection);
  answerStatus(connection, status);
}

/** Makes the next answer the last, at our wish: the client may be sending more. */
function closeAfterAnswer(connection: Connection): void {
  connection.closing = true;
  connection.lingers = true;
}

/** There is no memory even for an answer. */
function giveUp(connection: Connection): void {
  connection.closing = true;
  closeConnection(connection);
}
