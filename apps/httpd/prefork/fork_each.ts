// The architecture fork, the oldest there is: process 1 accepts, forks a child for the connection, and closes its own descriptor of it; the
// child closes the listener, serves the connection to its end and exits. The connection goes to the child when one of the two first
// uses it, or the parent has closed it.
import {
  SIGCHLD,
  SIGHUP,
  SIGTERM,
  SIGUSR1,
  SIG_DFL,
  SIG_IGN,
  SOCK_NONBLOCK,
  close,
  recv,
  signal,
  usleep,
} from "karyon";
import { updateClock } from "../clock";
import { closeConnection, Connection, freeConnection } from "../connection";
import { turnAway } from "../exchange";
import { acceptConnection, openListener } from "../listener";
import { options } from "../options";
import { board, crewEnd, crewDismiss, crewEndedWell, crewFork, crewHear, crewOpen, crewReap, crewSay, crewSignal, crewWait } from "./crew"; // prettier-ignore
import { closeListener, converse, leave, setListener } from "./converse";
import { memberConnection, memberIs } from "./member";
import { forkOptions } from "./options";
import { STATE_SERVING } from "./scoreboard";

/** Attempts to fork for a connection, and the microseconds between two: a family's limits may be reached for a moment. */
const ATTEMPTS: i32 = 20;
const ATTEMPT_PAUSE: u32 = 100_000;
/** Longest wait in ms: reports are taken that often. */
const LONGEST_WAIT: i32 = 1000;
const DISCARD_SIZE: usize = 4000;
const discarded = memory.data(4000, 8);

let endWanted: bool = false;
let restartWanted: bool = false;

/** Serves until SIGTERM. Returns an exit status; -1 with errno when it cannot begin. In a child: its exit status. */
export function serveByForking(): i32 {
  const listener = openListener(<u16>options.port, SOCK_NONBLOCK);
  if (listener < 0 || crewOpen() < 0) return -1;
  signal(SIGCHLD, (_: i32) => {}); // it only ends the wait
  signal(SIGTERM, (_: i32) => {
    endWanted = true;
  });
  signal(SIGHUP, (_: i32) => {
    restartWanted = true;
  });
  signal(SIGUSR1, (_: i32) => {
    restartWanted = true;
  });
  while (!endWanted) {
    crewHear();
    bury();
    if (restartWanted) {
      restartWanted = false;
      crewSignal(SIGUSR1);
    }
    // Those who come when there are as many children as there may be wait in the listener's queue.
    const room = board.workers.length < forkOptions.maxWorkers;
    if (!crewWait(LONGEST_WAIT, room ? listener : -1)) continue;
    const connection = acceptConnection(listener, updateClock());
    if (connection === null) continue;
    if (forkFor(connection)) {
      close(listener);
      return serve(connection);
    }
  }
  close(listener);
  crewDismiss();
  return 0;
}

/** Forks a child for the connection. True in the child; in the parent the connection is closed. */
function forkFor(connection: Connection): bool {
  let pid = crewFork();
  for (let i = 1; pid < 0 && i < ATTEMPTS; i++) {
    usleep(ATTEMPT_PAUSE);
    bury();
    pid = crewFork();
  }
  if (pid == 0) return true;
  if (pid < 0) refuse(connection);
  closeConnection(connection);
  freeConnection(connection);
  return false;
}

/** 503; what the client has sent is read, for a close would answer it with a reset. */
function refuse(connection: Connection): void {
  while (recv(connection.descriptor, discarded, DISCARD_SIZE) > 0);
  turnAway(connection, updateClock());
}

/** A child's life; its exit status. */
function serve(connection: Connection): i32 {
  setListener(-1);
  signal(SIGUSR1, (_: i32) => leave());
  signal(SIGHUP, SIG_IGN);
  signal(SIGTERM, SIG_DFL);
  signal(SIGCHLD, SIG_DFL);
  updateClock();
  memberConnection();
  memberIs(STATE_SERVING);
  converse(connection, () => {});
  closeListener();
  memberIs(STATE_SERVING);
  return 0;
}

function bury(): void {
  while (true) {
    const child = crewReap();
    if (child === null) return;
    if (!crewEndedWell()) crewSay(`process ${child.pid} ${crewEnd()} after ${child.requests} requests`);
  }
}
