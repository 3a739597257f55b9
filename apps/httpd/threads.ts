// Architecture "threads": a thread for each connection, while the main thread accepts. Threads are cooperative, and the
// only call of a connection's thread that switches to another is the poll it waits in, so what is shared needs no lock.
import {
  poll,
  POLLIN,
  POLLOUT,
  pthread_attr_t,
  pthread_cond_signal,
  pthread_cond_t,
  pthread_cond_wait,
  pthread_create,
  pthread_mutex_lock,
  pthread_mutex_t,
  pthread_mutex_unlock,
} from "karyon";
import { updateClock } from "./clock";
import { closeConnection, Connection, freeConnection, STATE_CLOSED } from "./connection";
import { expireConnection, runConnection, startConnection, turnAway } from "./exchange";
import { acceptConnection, openListener, pauseAfterFailure, TURN_AWAY_LIMIT } from "./listener";
import { options } from "./options";

const attributes = new pthread_attr_t();
/** Guards `active`, for the one who waits for it to fall. */
const mutex = new pthread_mutex_t();
const threadEnded = new pthread_cond_t();
let active: i32 = 0;

/** Serves for ever. Returns -1 when it cannot begin, with errno. */
export function serveWithThreads(): i32 {
  const listener = openListener(<u16>options.port, 0);
  if (listener < 0) return -1;
  attributes.detached = true;
  while (true) {
    awaitThread();
    const connection = acceptConnection(listener, updateClock());
    if (connection !== null) startThread(connection);
    else pauseAfterFailure();
  }
}

/** Waits until there are fewer threads than allowed. */
function awaitThread(): void {
  pthread_mutex_lock(mutex);
  while (active >= options.maxConnections + TURN_AWAY_LIMIT) pthread_cond_wait(threadEnded, mutex);
  pthread_mutex_unlock(mutex);
}

function startThread(connection: Connection): void {
  if (active >= options.maxConnections) {
    turnAway(connection, updateClock());
    if (connection.state == STATE_CLOSED) return freeConnection(connection);
  }
  active++;
  if (pthread_create<Connection>(serve, connection, attributes) < 0) {
    closeConnection(connection);
    endConnection(connection);
  }
}

/** A connection's thread. */
function serve(connection: Connection): i32 {
  connection.events = POLLIN;
  const entry = connection.poll;
  entry.fd = connection.descriptor;
  let now = updateClock();
  startConnection(connection, now); // accept may have waited for long
  runConnection(connection, now, true);
  while (connection.state != STATE_CLOSED) {
    entry.events = connection.events;
    const timeout = connection.deadline > now ? <i32>min<u64>(connection.deadline - now, 3_600_000) : 0;
    const ready = poll(changetype<usize>(entry), 1, timeout);
    now = updateClock();
    if (ready > 0) runConnection(connection, now, (entry.revents & ~POLLOUT) != 0);
    else if (now >= connection.deadline) expireConnection(connection, now);
  }
  endConnection(connection);
  return 0;
}

function endConnection(connection: Connection): void {
  freeConnection(connection);
  pthread_mutex_lock(mutex);
  active--;
  pthread_cond_signal(threadEnded);
  pthread_mutex_unlock(mutex);
}
