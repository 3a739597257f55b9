// Architecture "poll": one thread, all connections, epoll(7) says which of them can go on: those that rest cost nothing.
//
// The connections stand in slots from 1 on. The last one fills the place of one that is removed, so they stay dense, and slots are gone through
// from the end.
import {
  epoll_create1,
  epoll_ctl,
  EPOLL_CTL_ADD,
  EPOLL_CTL_MOD,
  epoll_event,
  epoll_wait,
  EPOLLIN,
  EPOLLOUT,
  SOCK_NONBLOCK,
} from "karyon";
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

/** Connections that are told of in one go. */
const READY_TURN: i32 = 64;

let listener: i32 = -1;
/** Whether it is watched for newcomers. */
let listening = false;
let epoll: i32 = -1;
/** Room for an event that is given, and behind it for READY_TURN that come. */
let events: usize = 0;
let slots: usize = 0;
/** Slots in use, and one. */
let count: i32 = 1;
/** No connection's deadline is before this. Deadlines mostly move away, so it is looked at again only when it is reached. */
let nextDeadline: u64 = u64.MAX_VALUE;
let acceptsFrom: u64 = 0;

/** What is given, for 0; else event `index` of those that have come. */
function eventAt(index: i32): epoll_event {
  return changetype<epoll_event>(events + <usize>index * offsetof<epoll_event>());
}

/** Has a descriptor be watched; false without memory. Events of the listener have no `connection`. */
function watch(operation: i32, descriptor: i32, wanted: u32, connection: usize): bool {
  const event = eventAt(0);
  event.events = wanted;
  event.data = connection;
  return epoll_ctl(epoll, operation, descriptor, changetype<usize>(event)) == 0;
}

function connectionAt(slot: i32): Connection {
  return changetype<Connection>(load<usize>(slots + <usize>slot * sizeof<usize>()));
}

/** Serves for ever. Returns -1 when it cannot begin, with errno. */
export function servePolling(): i32 {
  const capacity = options.maxConnections + TURN_AWAY_LIMIT + 1;
  events = allocateStorage(<usize>(1 + READY_TURN) * offsetof<epoll_event>());
  slots = allocateStorage(<usize>capacity * sizeof<usize>());
  listener = openListener(<u16>options.port, SOCK_NONBLOCK);
  epoll = epoll_create1(0);
  if (listener < 0 || epoll < 0 || events == 0 || slots == 0) return -1;
  if (!watch(EPOLL_CTL_ADD, listener, 0, 0)) return -1;
  updateClock();
  while (true) turn();
}

/** Waits for something to happen and lets it. */
function turn(): void {
  const listens = count <= options.maxConnections + TURN_AWAY_LIMIT && monotonicTime() >= acceptsFrom;
  if (listens != listening) {
    listening = listens;
    watch(EPOLL_CTL_MOD, listener, listens ? EPOLLIN : 0, 0);
  }
  const ready = epoll_wait(epoll, changetype<usize>(eventAt(1)), READY_TURN, waitTime(monotonicTime()));
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
  let newcomers = false;
  for (let i = 1; i <= ready; i++) {
    const event = eventAt(i);
    const connection = changetype<Connection>(<usize>event.data);
    if (event.data == 0) {
      newcomers = true;
      continue;
    }
    runConnection(connection, now, (event.events & ~EPOLLOUT) != 0);
    settle(connection.slot);
  }
  if (newcomers) acceptAll(now);
}

/** After a connection has moved: waits for what it wants now, or forgets it. */
function settle(slot: i32): void {
  const connection = connectionAt(slot);
  if (connection.state == STATE_CLOSED) return remove(slot);
  if (!watchFor(connection)) {
    closeConnection(connection);
    return remove(slot);
  }
  if (connection.deadline < nextDeadline) nextDeadline = connection.deadline;
}

/** Has it be watched for what it wants now; false without memory. */
function watchFor(connection: Connection): bool {
  const before = connection.watched;
  if (connection.events == before) return true;
  connection.watched = connection.events;
  const operation = before == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  return watch(operation, connection.descriptor, <u32>connection.events, changetype<usize>(connection));
}

function remove(slot: i32): void {
  freeConnection(connectionAt(slot));
  place(connectionAt(--count), slot);
}

function place(connection: Connection, slot: i32): void {
  connection.slot = slot;
  store<usize>(slots + <usize>slot * sizeof<usize>(), changetype<usize>(connection));
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
  place(connection, count++);
  settle(connection.slot);
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
  for (let slot = count - 1; slot > 0; slot--) {
    const connection = connectionAt(slot);
    if (connection.deadline <= now) expireConnection(connection, now);
    settle(slot);
  }
}
