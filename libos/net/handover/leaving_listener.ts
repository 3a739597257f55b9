// A listener that its application has closed while others of the family may accept on its port. Clients do not know of that yet, nor do
// the rules on the bridge: for LEAVE it goes on answering SYNs, and what gets established is offered to the others at once. So
// closing a listener loses no connection, whether it waits for accept, is half open, or is still a SYN on its way.
// Invariant: such a listener is bound, of state LISTEN, and DETACHED; no other listener is.
import { listFirst } from "../../../kernel/list";
import { monotonicNow } from "../../../kernel/time/clock";
import { TIMER_SIZE, Timer, timerInit, timerSet } from "../../../kernel/time/timer";
import { networkListens } from "../../with_fork_network";
import { boundFirst, boundNext, boundRemove } from "../tcp/bound_ports";
import { connectionAbort, connectionRelease } from "../tcp/connection";
import { DETACHED, READ_SHUT } from "../tcp/flags";
import { acceptQueueTake, listenerClose } from "../tcp/listen";
import { orphanAdd } from "../tcp/orphans";
import { NO_SOCKET, TcpSocket } from "../tcp/socket";
import { LISTEN } from "../tcp/state";
import { connectionOffers, hasForked } from "./release";

/** How long, in ns: more than forkd takes to change the rules, and a SYN to be sent again. */
const LEAVE: u64 = 2_000_000_000;

const timer = changetype<Timer>(memory.data(TIMER_SIZE, 8));

/** Export, by libos/with_fork_network.ts: the last descriptor of a listener is closed. False: it is closed at once. */
export function listenerLeaves(s: TcpSocket, now: u64): bool {
  if (s.accepts == 0 || !hasForked()) return false;
  networkListens(s, false);
  orphanAdd(s);
  s.set(READ_SHUT);
  s.lifeDeadline = now + LEAVE;
  while (listFirst(s.acceptNode) != 0) {
    const child = acceptQueueTake(s);
    if (!connectionOffers(child)) reset(child, now);
  }
  timerInit(timer, onTimer.index, 0);
  timerSet(timer, next());
  return true;
}

function reset(child: TcpSocket, now: u64): void {
  orphanAdd(child);
  connectionAbort(child, 0, now);
  connectionRelease(child);
}

function isLeaving(s: TcpSocket): bool {
  return s.state == LISTEN && s.has(DETACHED);
}

/** When the next one goes; 0 when there is none. */
function next(): u64 {
  let deadline: u64 = 0;
  for (let s = boundFirst(); s != NO_SOCKET; s = boundNext(s)) {
    if (isLeaving(s) && (deadline == 0 || s.lifeDeadline < deadline)) deadline = s.lifeDeadline;
  }
  return deadline;
}

function onTimer(_argument: usize): void {
  leavingEnd(monotonicNow());
  const deadline = next();
  if (deadline != 0) timerSet(timer, deadline);
}

/** Closes those whose time is over; with u64.MAX_VALUE all, as in the child of a fork, to whom nobody's SYNs come. */
export function leavingEnd(now: u64): void {
  let s = boundFirst();
  while (s != NO_SOCKET) {
    const following = boundNext(s);
    if (isLeaving(s) && s.lifeDeadline <= now) {
      boundRemove(s);
      listenerClose(s, now);
      connectionRelease(s);
    }
    s = following;
  }
}
