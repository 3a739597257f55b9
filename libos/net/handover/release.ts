// The end of what an application holds of a connection that others may hold too. Its owner keeps it alive without an application, and without
// a FIN, until forkd says that nobody else has it (then it ends as it would have) or who shall have it. What only an INHERITED socket was, goes at once.
import { FORKD, MESSAGE_RELEASE } from "../../../kernel/fork/mailbox";
import { flowRemoved } from "../family/flow_list";
import { boundRemove, listenerFind } from "../tcp/bound_ports";
import { tcpClose } from "../tcp/close";
import { connectionAbort, connectionFail, connectionRelease } from "../tcp/connection";
import { CLAIMING, DETACHED, HANDING, HASHED, LEFT, OFFERED, RELEASED, TOLD } from "../tcp/flags";
import { acceptQueueAdd, acceptQueueFull } from "../tcp/listen";
import { orphanAdd } from "../tcp/orphans";
import { outputNow } from "../tcp/output";
import { NO_SOCKET, TcpSocket } from "../tcp/socket";
import { CLOSE_WAIT, ESTABLISHED, INHERITED, isSynchronized } from "../tcp/state";
import { flowWrite, scratch } from "./flow";
import { handingEnd } from "./handing";
import { noteSend } from "./notes";
import { connectionTell } from "./tell";

/** This process has forked, or was. */
let forked = false;

/** From now on others of the family can take what this process leaves. */
export function releaseForked(): void {
  forked = true;
}

/** Whether others of the family can take what this process leaves. */
export function hasForked(): bool {
  return forked;
}

/** Export, by libos/optional/with_fork_network.ts: the last descriptor of a SHARED connection is closed. False: it ends as any other. */
export function connectionReleases(s: TcpSocket): bool {
  if (!isSynchronized(s.state) || !s.has(HASHED)) return false;
  if (s.state == INHERITED) {
    leave(s);
    return true;
  }
  if (s.flowEntry == 0) return false; // nobody can know of it
  boundRemove(s);
  s.sharing = (s.sharing | RELEASED) & ~TOLD;
  connectionTell(s);
  return true;
}

function leave(s: TcpSocket): void {
  boundRemove(s);
  s.sharing &= ~(CLAIMING | TOLD);
  if ((s.sharing & HANDING) != 0) {
    s.sharing |= RELEASED; // hand.ts goes on with it
    return;
  }
  flowWrite(s, scratch);
  flowRemoved(s);
  noteSend(MESSAGE_RELEASE, FORKD, scratch);
  if (s.handing != 0) s.sharing = LEFT;
  else connectionDrop(s);
}

/** Frees a connection that no application of ours holds, without a word to the peer. */
export function connectionDrop(s: TcpSocket): void {
  handingEnd(s);
  s.sharing = 0;
  if (!s.has(DETACHED)) orphanAdd(s);
  connectionFail(s, 0);
  connectionRelease(s);
}

/** Export, by libos/optional/with_fork_network.ts: the timer of a socket of state INHERITED. */
export function inheritedExpired(s: TcpSocket, now: u64): void {
  if ((s.sharing & HANDING) != 0 || s.handing == 0) return;
  if (now < s.lifeDeadline)
    outputNow(s, now); // arms the timer again
  else if ((s.sharing & LEFT) != 0) connectionDrop(s);
  else handingEnd(s);
}

/**
 * Export, by libos/optional/with_fork_network.ts: `child`, which nobody here accepts, goes to another who accepts on the port, now or as soon as there is one.
 * False: to nobody.
 */
export function connectionOffers(child: TcpSocket): bool {
  if (!forked || child.flowEntry == 0 || (child.state != ESTABLISHED && child.state != CLOSE_WAIT)) return false;
  child.sharing = OFFERED;
  connectionTell(child);
  return true;
}

/**
 * Nobody else has what was released: it ends as if it had never been shared. Nobody takes what was offered: it waits on for our own application, or
 * is reset when that does not listen any more.
 */
export function connectionEnd(s: TcpSocket, now: u64): void {
  const released = (s.sharing & RELEASED) != 0;
  s.sharing = 0;
  if (released) tcpClose(s, now);
  else if (!connectionWaits(s)) connectionReset(s, now);
}

/** Lets `s`, which nobody has accepted, wait on with a listener of ours; false when there is none, or no room. */
export function connectionWaits(s: TcpSocket): bool {
  if (s.listener != 0) return true;
  const listener = listenerFind(s.local, s.localPort, s.remote, s.remotePort);
  if (listener == NO_SOCKET) return false;
  if (listener.has(DETACHED)) return (s.sharing & OFFERED) != 0; // leaving_listener.ts ends it if nobody takes it
  if (acceptQueueFull(listener)) return false;
  acceptQueueAdd(listener, s);
  return true;
}

/** Resets a connection that nobody has accepted, and nobody will. */
export function connectionReset(s: TcpSocket, now: u64): void {
  s.sharing = 0;
  orphanAdd(s);
  connectionAbort(s, 0, now);
  connectionRelease(s);
}
