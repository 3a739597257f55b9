// Who of this process gets a connection that another sends: the socket that has inherited it, or, of one that is offered, a listener on its port.
import { EADDRINUSE, ECONNREFUSED, EINVAL } from "../../../kernel/errno";
import { listenerFind } from "../tcp/bound_ports";
import { DETACHED, HANDING, LEFT } from "../tcp/flags";
import { NO_SOCKET, TcpSocket } from "../tcp/socket";
import { NO_ENDPOINT } from "../tcp/table";
import { flowEndpoint, flowLocal, flowLocalPort, flowRemote, flowRemotePort, flowSocket } from "./flow";
import { connectionDrop, connectionOffers } from "./release";
import { REASON_OFFERED } from "./state_layout";

/** Why nobody here can get the connection `flow`; 0 = there is somebody. */
export function recipientRefusal(flow: usize, reason: u32): u32 {
  let e = flowEndpoint(flow);
  if (e != NO_ENDPOINT && flowSocket(flow) == NO_SOCKET) return EADDRINUSE;
  const s = flowSocket(flow);
  if (s != NO_SOCKET && (s.sharing & HANDING) != 0) return EINVAL;
  if (s != NO_SOCKET && (s.sharing & LEFT) != 0) {
    connectionDrop(s); // it comes back so soon
    e = NO_ENDPOINT;
  }
  if (e != NO_ENDPOINT) return 0;
  return reason == REASON_OFFERED && recipientListener(flow) != NO_SOCKET ? 0 : ECONNREFUSED;
}

/** The listener in whose queue an offered connection comes, NO_SOCKET when there is none. */
export function recipientListener(flow: usize): TcpSocket {
  const s = listenerFind(flowLocal(flow), flowLocalPort(flow), flowRemote(flow), flowRemotePort(flow));
  return s != NO_SOCKET && s.has(DETACHED) ? NO_SOCKET : s;
}

/** An offered connection has come. Here, too, perhaps nobody accepts: who leads the family keeps what waits until somebody does. */
export function recipientOffers(flow: usize): void {
  const s = flowSocket(flow);
  if (s != NO_SOCKET && s.listener != 0 && changetype<TcpSocket>(s.listener).accepts == 0) connectionOffers(s);
}
