// Architecture "poll": one thread, all connections, poll(2) says which of them can go on.
//
// Two parallel arrays: entry 0 of `entries` is the listener, entry i the connection in slot i. The last one fills the place
// of one that is removed, so both stay dense, and slots are gone through from the end.
import { poll, pollfd, POLLIN, POLLOUT, SOCK_NONBLOCK } from "karyon";
import { monotonicTime, updateClock } from "./clock";
import { closeConnection, Connection, freeConnection, STATE_CLOSED } from "./connection";
import { expireConnection, HEAD_TIMEOUT, runConnection, turnAway } from "./exchange";
import { acceptConnection, openListener, TURN_AWAY_LIMIT } from "./listener";
import { allocateStorage } from "./memory_pool";
import { options } from "./options";

/** Connections accepted in one go. */
const ACCEPT_TURN: i32 = 32;
/** Milliseconds that a request's head may take however many clients wait. */
const HEAD_GRACE: u64 = 1000;
/** Milliseconds without accepting after accept has failed for want of something. */
const ACCEPT_PAUSE: u64 = 100;

const LISTENER: i32 = 0;

let listener: i32 = -1;
let entries: usize = 0;
let slots: usize = 0;
/** Slots in use, the listener's included. */
let count: i32 = 1;
/** No connection's deadline is before this. Deadlines mostly move away, so it is looked at again only when it is reached. */
let nextDeadline: u64 = u64.MAX_VALUE;
let acceptsFrom: u64 = 0;

function entryAt(slot: i32): pollfd {
  return changetype<pollfd>(entries + <usize>slot * offsetof<pollfd>());
}

function connectionAt(slot: i32): Connection {
  return changetype<Connection>(load<usize>(slots + <usize>slot * sizeof<usize>()));
}

/** Serves for ever. Returns -1 when it cannot begin, with errno. */
export function servePolling(): i32 {
  const capacity = options.maxConnections + TURN_AWAY_LIMIT + 1;
  entries = allocateStorage(<usize>capacity * offsetof<pollfd>());
  slots = allocateStorage(<usize>capacity * sizeof<usize>());
  listener = openListener(<u16>options.port, SOCK_NONBLOCK);
  if (listener < 0 || entries == 0 || slots == 0) return -1;
  entryAt(LISTENER).fd = listener;
  updateClock();
  while (true) turn();
}

/** Waits for something to happen and lets it. */
function turn(): void {
  const listening = count <= options.maxConnections + TURN_AWAY_LIMIT && monotonicTime() >= acceptsFrom;
  entryAt(LISTENER).events = listening ? POLLIN : 0;
  const ready = poll(entries, count, waitTime(monotonicTime()));
  const now = updateClock();
  if (ready > 0) serveReady(ready, now);
  if (now >= nextDeadline) sweep(now);
}

/** Milliseconds until the next deadline, -1 for ever. */
function waitTime(now: u64): i32 {
  let until = nextDeadline;
  if (now < acceptsFrom) until = min(until, acceptsFrom);
  if (until == u64.MAX_VALUE) return -1;
  return until <= now ? 0 : <i32>min<u64>(until - now, 3_600_000);
}

function serveReady(ready: i32, now: u64): void {
  let left = ready;
  const newcomers = entryAt(LISTENER).revents != 0;
  if (newcomers) left--;
  for (let slot = count - 1; slot > LISTENER && left > 0; slot--) {
    const revents = entryAt(slot).revents;
    if (revents == 0) continue;
    left--;
    runConnection(connectionAt(slot), now, (revents & ~POLLOUT) != 0);
    settle(slot);
  }
  if (newcomers) acceptAll(now);
}

/** After a connection has moved: waits for what it wants now, or forgets it. */
function settle(slot: i32): void {
  const connection = connectionAt(slot);
  if (connection.state == STATE_CLOSED) return remove(slot);
  entryAt(slot).events = connection.events;
  if (connection.deadline < nextDeadline) nextDeadline = connection.deadline;
}

function remove(slot: i32): void {
  freeConnection(connectionAt(slot));
  const last = --count;
  store<usize>(slots + <usize>slot * sizeof<usize>(), changetype<usize>(connectionAt(last)));
  store<u64>(changetype<usize>(entryAt(slot)), load<u64>(changetype<usize>(entryAt(last))));
}

function acceptAll(now: u64): void {
  for (let i = 0; i < ACCEPT_TURN && count <= options.maxConnections + TURN_AWAY_LIMIT; i++) {
    const connection = acceptConnection(listener, now);
    if (connection === null) {
      // Nobody waits any more, or somebody gave up waiting; for want of descriptors or memory it pays to wait.
      if (i == 0) acceptsFrom = now + ACCEPT_PAUSE;
      return;
    }
    if (count > options.maxConnections && !makeRoom(now)) turnAway(connection, now);
    else runConnection(connection, now, true);
    add(connection);
  }
}

function add(connection: Connection): void {
  const slot = count++;
  store<usize>(slots + <usize>slot * sizeof<usize>(), changetype<usize>(connection));
  const entry = entryAt(slot);
  entry.fd = connection.descriptor;
  entry.revents = 0;
  settle(slot);
}

/**
 * Closes the connection that has rested longest between two requests, or else the one whose request's head has been on its way
 * longest, and for more than HEAD_GRACE: many that send no request, or an endless one, shut nobody else out. False when there
 * is none.
 */
function makeRoom(now: u64): bool {
  let resting = -1;
  let slow = -1;
  for (let slot = 1; slot < count; slot++) {
    const connection = connectionAt(slot);
    if (!connection.awaitsHead()) continue;
    if (connection.served && !connection.started) resting = earlier(resting, slot);
    else slow = earlier(slow, slot);
  }
  let chosen = resting;
  if (chosen < 0 && slow >= 0 && connectionAt(slow).deadline + HEAD_GRACE <= now + HEAD_TIMEOUT) chosen = slow;
  if (chosen < 0) return false;
  closeConnection(connectionAt(chosen));
  remove(chosen);
  return true;
}

/** Of two slots that of the earlier deadline; -1 = none. */
function earlier(one: i32, other: i32): i32 {
  return one >= 0 && connectionAt(one).deadline <= connectionAt(other).deadline ? one : other;
}

/** Ends what is overdue and finds the next deadline. */
function sweep(now: u64): void {
  nextDeadline = u64.MAX_VALUE;
  for (let slot = count - 1; slot > LISTENER; slot--) {
    const connection = connectionAt(slot);
    if (connection.deadline <= now) expireConnection(connection, now);
    settle(slot);
  }
}
