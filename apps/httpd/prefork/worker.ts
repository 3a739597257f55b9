// A worker of the architecture prefork: waits in accept() on the listener that it has inherited, serves one connection at a time, and
// ends when it is told to (SIGUSR1), or after --max-requests: then it closes the listener first, and the connection that it is
// serving gets its answer.
import { EINTR, SIGCHLD, SIGHUP, SIGTERM, SIGUSR1, SIG_DFL, SIG_IGN, errno, signal } from "karyon";
import { updateClock } from "../clock";
import { acceptConnection, openListener, pauseAfterFailure } from "../listener";
import { options } from "../options";
import { requestCount } from "../status_page";
import { closeListener, converse, currentListener, isLeaving, leave, setListener } from "./converse";
import { memberConnection, memberIs, memberOrphaned } from "./member";
import { forkOptions } from "./options";
import { STATE_ENDING, STATE_IDLE, STATE_SERVING } from "./scoreboard";

/** A worker's life; its exit status. */
export function work(listener: i32): i32 {
  setListener(listener);
  signal(SIGUSR1, (_: i32) => leave());
  signal(SIGHUP, SIG_IGN);
  signal(SIGTERM, SIG_DFL);
  signal(SIGCHLD, SIG_DFL);
  updateClock();
  memberIs(STATE_IDLE);
  while (!isLeaving()) {
    const connection = acceptConnection(currentListener(), updateClock());
    if (connection === null) {
      if (errno != EINTR) pauseAfterFailure();
      continue;
    }
    memberConnection();
    updateClock();
    memberIs(STATE_SERVING);
    converse(connection, retire);
    retire();
    if (!isLeaving() && currentListener() < 0) acceptAgain();
    memberIs(isLeaving() ? STATE_ENDING : STATE_IDLE);
  }
  closeListener();
  memberIs(STATE_ENDING);
  return 0;
}

/** After a stream: opens a listener of its own in place of the one that it has closed. A worker that cannot ends, and another takes its place. */
function acceptAgain(): void {
  const listener = openListener(<u16>options.port, 0);
  if (listener >= 0) setListener(listener);
  else leave();
}

/** Leaves when it has answered as many requests as it shall. */
function retire(): void {
  const most = forkOptions.maxRequests;
  if (most == 0 || isLeaving() || requestCount() < <u64>most || memberOrphaned()) return;
  leave();
  memberIs(STATE_ENDING);
}
