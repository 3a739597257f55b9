// Connections that go to another process by a descriptor (SCM_RIGHTS, libos/posix/unix/passing.ts): what can go, and what the receiver has of it. That is
// what a child has of its parent's after a fork: a socket of state INHERITED, listed for forkd before the sender may let go, and claimed when it is used.
import { ECONNRESET } from "../../../kernel/errno";
import { connectionFail, socketCreate, socketLink } from "../tcp/connection";
import { DETACHED, FRESH, HASHED, LEFT, OFFERED, RELEASED, SHARED, TOLD, USED } from "../tcp/flags";
import { NO_SOCKET, TcpSocket } from "../tcp/socket";
import { CLOSED, INHERITED, isSynchronized } from "../tcp/state";
import { receiveAvailable } from "../tcp/receive_queue";
import { NO_ENDPOINT, isTimeWait } from "../tcp/table";
import { TimeWait, timeWaitFree } from "../tcp/time_wait";
import { stateEnter } from "../tcp/trace";
import { flowEndpoint, flowRead, flowSocket } from "./flow";
import { connectionDrop } from "./release";

/** Whether `s` can go to another process: a connection with another host. */
export function connectionPasses(s: TcpSocket): bool {
  return connectionIsOver(s) || (isSynchronized(s.state) && s.has(HASHED) && s.flowEntry != 0);
}

/** Whether it has failed, and nothing is left to read. */
export function connectionIsOver(s: TcpSocket): bool {
  return s.state == CLOSED && s.remotePort != 0 && receiveAvailable(s) == 0;
}

/** It goes: another process can have it as soon as it wants, whatever this one has done with it before. */
export function connectionPassed(s: TcpSocket): void {
  if (!connectionIsOver(s)) s.sharing = (s.sharing | SHARED) & ~USED;
}

/** The socket of this process for a connection that has come; NO_SOCKET without memory. It may be one that a description refers to. */
export function connectionComes(flow: usize, ipv6: bool): TcpSocket {
  const e = flowEndpoint(flow);
  if (e != NO_ENDPOINT && isTimeWait(e)) timeWaitFree(changetype<TimeWait>(e)); // an earlier connection's
  const held = flowSocket(flow);
  if (held != NO_SOCKET && (held.sharing & LEFT) == 0) return taken(held);
  if (held != NO_SOCKET) connectionDrop(held); // it comes back so soon
  return flowEndpoint(flow) == NO_ENDPOINT ? create(flow, ipv6) : connectionLost(flow, ipv6);
}

/** A socket that this process has, and that its application may have closed a moment ago. */
function taken(s: TcpSocket): TcpSocket {
  if (s.has(DETACHED) || s.listener != 0 || (s.sharing & OFFERED) != 0) return NO_SOCKET;
  s.sharing = (s.sharing | SHARED) & ~(RELEASED | TOLD);
  return s;
}

function create(flow: usize, ipv6: bool): TcpSocket {
  const s = unconnected(flow, ipv6);
  if (s == NO_SOCKET) return s;
  stateEnter(s, INHERITED);
  s.set(FRESH);
  s.sharing = SHARED;
  socketLink(s);
  if (s.flowEntry != 0) return s;
  connectionDrop(s); // forkd would not know that we have it
  return NO_SOCKET;
}

function unconnected(flow: usize, ipv6: bool): TcpSocket {
  const s = socketCreate();
  if (s == NO_SOCKET) return s;
  flowRead(s, flow);
  s.ipv6 = ipv6;
  return s;
}

/** A socket for a connection that is over; NO_SOCKET without memory. */
export function connectionLost(flow: usize, ipv6: bool): TcpSocket {
  const s = unconnected(flow, ipv6);
  if (s != NO_SOCKET) connectionFail(s, ECONNRESET);
  return s;
}
