// TCP in the child of a fork: the connections are the parent's. The child has their sockets, but neither sends segments of theirs nor
// receives any. Listeners stay, with empty queues, and so do connections within the domain.
import { ECONNABORTED } from "../../../kernel/errno";
import { ipIsLocal } from "../ip/routing";
import { connectionFail, connectionRelease } from "./connection";
import { ENDPOINT_HALF_OPEN, TcpEndpoint } from "./endpoint";
import { HalfOpen, halfOpenFree } from "./half_open";
import { acceptQueueRemove } from "./listen";
import { orphanAdd } from "./orphans";
import { TcpSocket } from "./socket";
import { NO_ENDPOINT, isTimeWait, tableChain, tableChains } from "./table";
import { TimeWait, timeWaitFree } from "./time_wait";

/** Lets go of everything that the parent goes on with, without a word to its peers. */
export function tcpForked(): void {
  for (let i: u32 = 0; i < tableChains(); i++) {
    let e = tableChain(i);
    while (e != NO_ENDPOINT) {
      const next = changetype<TcpEndpoint>(e.hashNext);
      if (!ipIsLocal(e.remote)) leave(e);
      e = next;
    }
  }
}

function leave(e: TcpEndpoint): void {
  if (e.kind == ENDPOINT_HALF_OPEN) {
    halfOpenFree(changetype<HalfOpen>(e));
  } else if (isTimeWait(e)) {
    timeWaitFree(changetype<TimeWait>(e));
  } else {
    const s = changetype<TcpSocket>(e);
    if (s.listener != 0) {
      acceptQueueRemove(s);
      orphanAdd(s);
    }
    connectionFail(s, ECONNABORTED);
    connectionRelease(s);
  }
}
