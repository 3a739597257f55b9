// Architecture "sequential": one connection at a time, from its first request to its close; the others wait in the backlog.
// A client that keeps its connection would keep everybody else out, so as soon as somebody waits, the answer under way is
// the connection's last, and a connection at rest has a short time left.
import { poll, pollfd, POLLIN, POLLOUT } from "karyon";
import { updateClock } from "./clock";
import { Connection, freeConnection, STATE_CLOSED, STATE_LINGERING } from "./connection";
import { expireConnection, runConnection, startConnection } from "./exchange";
import { acceptConnection, openListener, pauseAfterFailure } from "./listener";
import { options } from "./options";

/** Milliseconds that a connection at rest has left when another client waits. */
const YIELD_TIMEOUT: u64 = 500;

/** Two entries: the connection and the listener. */
const entries = memory.data(16, 8);
const connectionEntry = changetype<pollfd>(entries);
const listenerEntry = changetype<pollfd>(entries + 8);

/** Serves for ever. Returns -1 when it cannot begin, with errno. */
export function serveSequentially(): i32 {
  const listener = openListener(<u16>options.port, 0);
  if (listener < 0) return -1;
  listenerEntry.fd = listener;
  while (true) {
    const connection = acceptConnection(listener, updateClock());
    if (connection !== null) serve(connection);
    else pauseAfterFailure();
  }
}

function serve(connection: Connection): void {
  let now = updateClock();
  startConnection(connection, now); // accept may have waited for long
  runConnection(connection, now, true);
  while (connection.state != STATE_CLOSED) {
    wait(connection, now);
    now = updateClock();
    if (connectionEntry.revents != 0) runConnection(connection, now, (connectionEntry.revents & ~POLLOUT) != 0);
    else if (now >= connection.deadline) expireConnection(connection, now);
  }
  freeConnection(connection);
}

/** Waits for the connection, and notices when others wait for it to end. */
function wait(connection: Connection, now: u64): void {
  connectionEntry.fd = connection.descriptor;
  connectionEntry.events = connection.events;
  // Once it is known that somebody waits, the listener would only wake us again and again.
  listenerEntry.events = connection.yields ? 0 : POLLIN;
  const timeout = connection.deadline > now ? <i32>min<u64>(connection.deadline - now, 3_600_000) : 0;
  poll(entries, 2, timeout);
  if (connection.yields || listenerEntry.revents == 0) return;
  connection.yields = true;
  const rests = !connection.started && !connection.hasOutput();
  if (rests || connection.state == STATE_LINGERING) {
    connection.deadline = min(connection.deadline, updateClock() + YIELD_TIMEOUT);
  }
}
