// A listener that its application has closed while others of the family may accept on its port. Clients do not know of that yet, nor do
// the rules on the bridge: until forkd has changed them (MESSAGE_LISTENING) it goes on answering SYNs, and what gets established is offered to the
// others. So closing a listener loses no connection, whether it waits for accept, is half open, or is still a SYN on its way.
// Invariant: such a listener is bound, of state LISTEN, and DETACHED; no other listener is. Of its deadlines lifeDeadline is the latest end, and
// retransmitDeadline the earliest, NEVER until forkd has answered.
import { listFirst } from "../../../kernel/list";
import { NEVER, monotonicNow } from "../../../kernel/time/clock";
import { TIMER_SIZE, Timer, timerInit, timerSet } from "../../../kernel/time/timer";
import { networkListens } from "../../optional/with_fork_network";
import { boundFirst, boundNext, boundRemove } from "../tcp/bound_ports";
import { connectionRelease } from "../tcp/connection";
import { DETACHED, HANDING, OFFERED } from "../tcp/flags";
import { acceptQueueTake, listenerClose } from "../tcp/listen";
import { orphanAdd } from "../tcp/orphans";
import { NO_SOCKET, TcpSocket } from "../tcp/socket";
import { LISTEN } from "../tcp/state";
import { walkBegin, walkNext } from "./flow";
import { connectionOffers, connectionReset, hasForked } from "./release";

/** How long at most, in ns: when forkd does not answer, a handshake takes long, or nobody takes what was offered. */
const MOST: u64 = 10_000_000_000;
/** What was on its way here when the rules changed has come by then. */
const AFTERWARDS: u64 = 500_000_000;
/** Between two looks. */
const LOOK: u64 = 250_000_000;

const timer = changetype<Timer>(memory.data(TIMER_SIZE, 8));

/** Export, by libos/optional/with_fork_network.ts: the last descriptor of a listener is closed. False: it is closed at once. */
export function listenerLeaves(s: TcpSocket, now: u64): bool {
  // On one that nobody here has accepted on connections wait only if we lead the family.
  if (!hasForked() || (s.accepts == 0 && listFirst(s.acceptNode) == 0 && s.halfOpenCount == 0)) return false;
  s.retransmitDeadline = s.accepts == 0 ? now : NEVER;
  s.lifeDeadline = now + MOST;
  if (s.accepts != 0) networkListens(s, false);
  orphanAdd(s);
  while (listFirst(s.acceptNode) != 0) {
    const child = acceptQueueTake(s);
    if (!connectionOffers(child)) connectionReset(child, now);
  }
  if (timer.callback == 0) timerInit(timer, onTimer.index, 0);
  if (!timer.pending) timerSet(timer, now + LOOK);
  return true;
}

/** forkd lets nobody new come to `port` of this process any more. */
export function listenerLeft(port: u16, now: u64): void {
  for (let s = boundFirst(); s != NO_SOCKET; s = boundNext(s)) {
    if (isLeaving(s) && s.localPort == port && s.retransmitDeadline == NEVER) s.retransmitDeadline = now + AFTERWARDS;
  }
}

/** Whether there is any. */
export function listenersLeave(): bool {
  for (let s = boundFirst(); s != NO_SOCKET; s = boundNext(s)) {
    if (isLeaving(s)) return true;
  }
  return false;
}

function isLeaving(s: TcpSocket): bool {
  return s.state == LISTEN && s.has(DETACHED);
}

function onTimer(_argument: usize): void {
  const now = monotonicNow();
  leavingEnd(now);
  if (listenersLeave()) timerSet(timer, now + LOOK);
}

/** Closes those whose time is over; with NEVER all, as in the child of a fork, to whom nobody's SYNs come. */
export function leavingEnd(now: u64): void {
  let s = boundFirst();
  while (s != NO_SOCKET) {
    const following = boundNext(s);
    if (isLeaving(s) && (now >= s.lifeDeadline || (now >= s.retransmitDeadline && isDone(s)))) end(s, now);
    s = following;
  }
}

/** Whether all that began here has come to somebody. */
function isDone(s: TcpSocket): bool {
  return s.halfOpenCount == 0 && nextOffered(s.localPort, true) == NO_SOCKET;
}

/** A connection to `port` that is still offered and waits for no application of ours; also when it is `onItsWay` to somebody. */
function nextOffered(port: u16, onItsWay: bool): TcpSocket {
  walkBegin();
  for (let s = walkNext(); s != NO_SOCKET; s = walkNext()) {
    if (s.localPort != port || s.listener != 0 || (s.sharing & OFFERED) == 0) continue;
    if (onItsWay || (s.sharing & HANDING) == 0) return s;
  }
  return NO_SOCKET;
}

function end(s: TcpSocket, now: u64): void {
  const port = s.localPort;
  boundRemove(s);
  listenerClose(s, now);
  connectionRelease(s);
  for (let left = nextOffered(port, false); left != NO_SOCKET; left = nextOffered(port, false)) {
    connectionReset(left, now);
  }
}
