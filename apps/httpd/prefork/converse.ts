// One connection from its first request to its close, in a process that serves no other meanwhile. The listener, while the process has
// one, is watched, too: who keeps a connection without a use for it gives way to who waits.
import { close, poll, pollfd, POLLIN, POLLOUT } from "karyon";
import { updateClock } from "../clock";
import { Connection, freeConnection, STATE_CLOSED, STATE_LINGERING } from "../connection";
import { expireConnection, runConnection, startConnection } from "../exchange";
import { memberGoesOn } from "./member";

/** Milliseconds that a connection at rest has left when another client waits, or the process is to end; and one that has asked for nothing yet. */
const YIELD_TIMEOUT: u64 = 500;
const FIRST_YIELD_TIMEOUT: u64 = 5000;
/** Longest wait in ms: the scoreboard is told how far a long connection is. */
const LONGEST_WAIT: u64 = 1000;

/** Two entries: the connection and the listener. */
const entries = memory.data(16, 8);
const connectionEntry = changetype<pollfd>(entries);
const listenerEntry = changetype<pollfd>(entries + 8);

/** What the process accepts from; -1 when it does not accept. */
let listener: i32 = -1;
/** Whether the process takes no further connection. */
let leaving: bool = false;

/** The process accepts from `descriptor` from now on, -1: from nothing. */
export function setListener(descriptor: i32): void {
  listener = descriptor;
}

/** What the process accepts from; -1 when it does not accept. */
export function currentListener(): i32 {
  return listener;
}

/** The process is to end after the connection that it serves. May be called by a signal's handler. */
export function leave(): void {
  leaving = true;
}

/** Whether it is. */
export function isLeaving(): bool {
  return leaving;
}

/** Accepts no more: the connections that wait go to others of the family. */
export function closeListener(): void {
  if (listener >= 0) close(listener);
  listener = -1;
}

/** Serves `connection` to its end. `afterTurn` is called whenever some of it is done. */
export function converse(connection: Connection, afterTurn: () => void): void {
  let now = updateClock();
  // From now on: between accept and here there may have been a fork.
  startConnection(connection, now);
  runConnection(connection, now, true);
  while (connection.state != STATE_CLOSED) {
    afterTurn();
    memberGoesOn();
    wait(connection, now);
    now = updateClock();
    if (connectionEntry.revents != 0) runConnection(connection, now, (connectionEntry.revents & ~POLLOUT) != 0);
    else if (now >= connection.deadline) expireConnection(connection, now);
  }
  freeConnection(connection);
}

function wait(connection: Connection, now: u64): void {
  if (leaving) {
    closeListener();
    giveWay(connection);
  }
  connectionEntry.fd = connection.descriptor;
  connectionEntry.events = connection.events;
  connectionEntry.revents = 0;
  listenerEntry.fd = listener;
  // Once it is known that somebody waits, the listener would only wake us again and again.
  listenerEntry.events = connection.yields ? 0 : POLLIN;
  listenerEntry.revents = 0;
  const rest = connection.deadline > now ? connection.deadline - now : 0;
  poll(entries, 2, <i32>min(rest, LONGEST_WAIT));
  if (listenerEntry.revents != 0) giveWay(connection);
}

/** The answer under way is the connection's last; at rest it has a short time left. */
function giveWay(connection: Connection): void {
  if (connection.yields) return;
  connection.yields = true;
  const rests = !connection.started && !connection.hasOutput();
  if (rests || connection.state == STATE_LINGERING) {
    // Who closes before the first request seems to fail; later a client expects it (RFC 9112, section 9.5).
    const isNew = !connection.served && connection.state != STATE_LINGERING;
    const timeout = isNew ? FIRST_YIELD_TIMEOUT : YIELD_TIMEOUT;
    connection.deadline = min(connection.deadline, updateClock() + timeout);
  }
}
