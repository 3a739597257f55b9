// TCP at a fork. The parent goes on with its connections, and knows from then on that others may hold them too. The child has their sockets, INHERITED;
// what no descriptor of its own refers to, and what is not open yet, is the parent's alone. Listeners stay, with empty queues, and so do
// connections within the domain.
import { ECONNABORTED } from "../../../kernel/errno";
import { NEVER } from "../../../kernel/time/clock";
import { ipIsLocal } from "../ip/routing";
import { connectionFail } from "../tcp/connection";
import { ENDPOINT_HALF_OPEN, TcpEndpoint } from "../tcp/endpoint";
import { DETACHED, LEFT, OFFERED, RELEASED, SHARED, USED } from "../tcp/flags";
import { HalfOpen, halfOpenFree } from "../tcp/half_open";
import { acceptQueueRemove } from "../tcp/listen";
import { NO_SOCKET, TcpSocket } from "../tcp/socket";
import { isSynchronized } from "../tcp/state";
import { NO_ENDPOINT, isTimeWait, tableChain, tableChains } from "../tcp/table";
import { TimeWait, timeWaitFree } from "../tcp/time_wait";
import { arrivalsForked } from "./arrivals";
import { walkBegin, walkNext } from "./flow";
import { framesForked } from "./frames";
import { handingEnd } from "./handing";
import { connectionInherit } from "./inherited";
import { leavingEnd } from "./leaving_listener";
import { notesForked } from "./notes";
import { connectionDrop, connectionOffers, releaseForked } from "./release";
import { tellForked } from "./tell";

/**
 * Export, by libos/optional/with_fork_network.ts, in a process that forks. Before: connections with a descriptor are SHARED, and count as not used yet, for the child's
 * claim may come before fork() has returned. Afterwards, if there is a child: also what has come until the copy was made, and what waits for a
 * process that does not accept may have another's.
 */
export function networkShares(afterwards: bool): void {
  if (afterwards) releaseForked();
  walkBegin();
  for (let s = walkNext(); s != NO_SOCKET; s = walkNext()) {
    if (afterwards && s.listener != 0 && changetype<TcpSocket>(s.listener).accepts == 0) connectionOffers(s);
    if (!held(s) || !isSynchronized(s.state)) continue;
    s.sharing |= SHARED;
    if (!afterwards) s.sharing &= ~USED;
  }
}

/** Whether a descriptor refers to `s`. */
function held(s: TcpSocket): bool {
  return s.listener == 0 && !s.has(DETACHED) && (s.sharing & (RELEASED | OFFERED | LEFT)) == 0;
}

/** In the child: lets go of everything that the parent goes on with, without a word to the peers. */
export function tcpForked(): void {
  releaseForked();
  notesForked();
  tellForked();
  arrivalsForked();
  framesForked();
  for (let i: u32 = 0; i < tableChains(); i++) {
    let e = tableChain(i);
    while (e != NO_ENDPOINT) {
      const next = changetype<TcpEndpoint>(e.hashNext);
      if (!ipIsLocal(e.remote)) leave(e);
      e = next;
    }
  }
  leavingEnd(NEVER);
}

function leave(e: TcpEndpoint): void {
  if (e.kind == ENDPOINT_HALF_OPEN) {
    halfOpenFree(changetype<HalfOpen>(e));
  } else if (isTimeWait(e)) {
    timeWaitFree(changetype<TimeWait>(e));
  } else {
    const s = changetype<TcpSocket>(e);
    handingEnd(s);
    if (held(s)) inherit(s);
    else abandon(s);
  }
}

function inherit(s: TcpSocket): void {
  if (isSynchronized(s.state)) connectionInherit(s);
  else connectionFail(s, ECONNABORTED);
}

function abandon(s: TcpSocket): void {
  if (s.listener != 0) acceptQueueRemove(s);
  connectionDrop(s);
}
