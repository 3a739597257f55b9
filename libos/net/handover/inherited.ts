// A connection of another process of the family, of which ours has a descriptor since a fork: state INHERITED. There is nothing of the connection
// but its ends and options; it stays in the table, so that nothing that comes for it is taken for a stranger's. Who uses it claims it, and waits as
// for a connection that is not ready, until the state has come (install.ts) or the answer is no.
import { EAGAIN, EBUSY, ECONNRESET } from "../../../kernel/errno";
import { wakeAll } from "../../../kernel/thread/wait_queue";
import { flowHold } from "../family/flow_list";
import { connectionFail, connectionRelease, socketUnlink } from "../tcp/connection";
import { CLAIMING, HANDING, HASHED, LEFT, SHARED, TOLD } from "../tcp/flags";
import { receiveDiscard } from "../tcp/receive_queue";
import { NO_SOCKET, TcpSocket } from "../tcp/socket";
import { INHERITED } from "../tcp/state";
import { tcpTakeError } from "../tcp/stream";
import { arrivalForget } from "./arrivals";
import { FLOW, flowSocket } from "./flow";
import { handingEnd } from "./handing";
import { connectionDrop } from "./release";
import { connectionTell } from "./tell";

/** The largest errno that is believed. */
const ERRNO_MAX: u32 = 4095;

/** The connection is another process's from now on: what it needs no longer is given back. Descriptors of it stay. */
export function connectionInherit(s: TcpSocket): void {
  connectionEmpty(s);
  s.sharing = SHARED;
  flowHold(s, 1);
}

/** Makes it INHERITED, gives back its memory and stops its timers. */
export function connectionEmpty(s: TcpSocket): void {
  s.clear(HASHED); // it stays in the table
  socketUnlink(s, INHERITED);
  s.set(HASHED);
  receiveDiscard(s);
}

/** Export, by libos/optional/with_fork_network.ts: the application wants to use a connection of state INHERITED. -EAGAIN until it can, or why it cannot. */
export function connectionClaim(s: TcpSocket): i32 {
  if (s.error != 0) return -tcpTakeError(s);
  if ((s.sharing & CLAIMING) == 0) {
    s.sharing = (s.sharing | CLAIMING) & ~TOLD;
    connectionTell(s);
  }
  return -EAGAIN;
}

/** The answer is no (MESSAGE_REFUSE), or who was to send the state has gone. */
export function refusalArrives(payload: usize, length: u32): void {
  if (length < FLOW + 4) return;
  arrivalForget(payload);
  const s = flowSocket(payload);
  if (s == NO_SOCKET || s.state != INHERITED || (s.sharing & (HANDING | LEFT)) != 0) return;
  const reason = load<u32>(payload + FLOW);
  if (reason == ECONNRESET) inheritedLost(payload);
  else claimFails(payload, reason == 0 || reason > ERRNO_MAX ? EBUSY : reason);
}

/** The connection's owner has died: descriptors hear ECONNRESET, nothing else stays. One that is ours, or on its way from us, goes on. */
export function inheritedLost(flow: usize): void {
  const s = flowSocket(flow);
  if (s == NO_SOCKET || s.state != INHERITED || (s.sharing & HANDING) != 0) return;
  if ((s.sharing & LEFT) != 0) {
    connectionDrop(s);
    return;
  }
  handingEnd(s);
  connectionFail(s, ECONNRESET);
  connectionRelease(s);
}

/** The connection of that name does not become ours: whoever wants it is told why, and may try again. */
export function claimFails(flow: usize, reason: u32): void {
  const s = flowSocket(flow);
  if (s == NO_SOCKET || s.state != INHERITED || (s.sharing & (HANDING | CLAIMING)) != CLAIMING) return;
  s.sharing &= ~(CLAIMING | TOLD);
  s.error = reason;
  wakeAll(s.waitQueue);
}
