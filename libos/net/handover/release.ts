// The end of what an application holds of a connection that others may hold too. Its owner keeps it alive without an application, and without
// a FIN, until forkd says that nobody else has it (then it ends as it would have) or who shall have it. What only an INHERITED socket was, goes at once.
import { FORKD, MESSAGE_RELEASE } from "../../../kernel/fork/mailbox";
import { flowRemoved } from "../family/flow_list";
import { boundFirst, boundNext, boundRemove } from "../tcp/bound_ports";
import { tcpClose } from "../tcp/close";
import { connectionAbort, connectionFail, connectionRelease } from "../tcp/connection";
import { CLAIMING, DETACHED, HANDING, HASHED, LEFT, OFFERED, RELEASED, TOLD } from "../tcp/flags";
import { orphanAdd } from "../tcp/orphans";
import { outputNow } from "../tcp/output";
import { NO_SOCKET, TcpSocket } from "../tcp/socket";
import { CLOSE_WAIT, ESTABLISHED, INHERITED, LISTEN, isSynchronized } from "../tcp/state";
import { flowWrite, scratch, walkBegin, walkNext } from "./flow";
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

/** Export, by libos/with_fork_network.ts: the last descriptor of a SHARED connection is closed. False: it ends as any other. */
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

/** Export, by libos/with_fork_network.ts: the timer of a socket of state INHERITED. */
export function inheritedExpired(s: TcpSocket, now: u64): void {
  if ((s.sharing & HANDING) != 0 || s.handing == 0) return;
  if (now < s.lifeDeadline)
    outputNow(s, now); // arms the timer again
  else if ((s.sharing & LEFT) != 0) connectionDrop(s);
  else handingEnd(s);
}

/** Export, by libos/with_fork_network.ts: `child`, which nobody has accepted, can go to another who accepts on the port. False: to nobody. */
export function connectionOffers(child: TcpSocket): bool {
  if (!forked || child.flowEntry == 0 || (child.state != ESTABLISHED && child.state != CLOSE_WAIT)) return false;
  child.sharing = OFFERED;
  connectionTell(child);
  return true;
}

/** Nobody else has what was released: it ends as if it had never been shared. Nobody takes what was offered: it is reset. */
export function connectionEnd(s: TcpSocket, now: u64): void {
  const released = (s.sharing & RELEASED) != 0;
  s.sharing = 0;
  if (released) {
    tcpClose(s, now);
  } else {
    orphanAdd(s);
    connectionAbort(s, 0, now);
    connectionRelease(s);
  }
}

/** Export, by libos/with_fork_network.ts: true while something is to be released, offered or handed over, or a listener leaves. */
export function networkUnreleased(): bool {
  for (let s = boundFirst(); s != NO_SOCKET; s = boundNext(s)) {
    if (s.state == LISTEN && s.has(DETACHED)) return true;
  }
  walkBegin();
  for (let s = walkNext(); s != NO_SOCKET; s = walkNext()) {
    if ((s.sharing & (RELEASED | OFFERED | HANDING)) != 0) return true;
  }
  return false;
}

/** Export, by libos/with_fork_network.ts: nobody has answered; what is still ours ends. */
export function networkReleases(now: u64): void {
  walkBegin();
  for (let s = walkNext(); s != NO_SOCKET; s = walkNext()) {
    if ((s.sharing & (RELEASED | OFFERED)) != 0 && (s.sharing & HANDING) == 0) connectionEnd(s, now);
  }
}
