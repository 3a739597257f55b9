// The ways in which an application ends a connection or its hold on it. See api.ts for what its functions have in common.
import { ECONNABORTED, EINVAL, ENOTCONN } from "../../../kernel/errno";
import { wakeAll } from "../../../kernel/thread/wait_queue";
import { connectionClaim, connectionReleases, listenerLeaves } from "../../optional/with_fork_network";
import { boundRemove } from "./bound_ports";
import { connectionAbort, connectionRelease, socketUnlink } from "./connection";
import { tcpExtendedCounters } from "./counters";
import { FIN_QUEUED, READ_SHUT, SHARED, USED } from "./flags";
import { listenerClose } from "./listen";
import { orphanAdd, orphansTooMany } from "./orphans";
import { outputNow } from "./output";
import { receiveAvailable } from "./receive_queue";
import { TcpSocket } from "./socket";
import {
  CLOSED,
  CLOSE_WAIT,
  ESTABLISHED,
  FIN_WAIT_1,
  INHERITED,
  LAST_ACK,
  LISTEN,
  SYN_RECEIVED,
  SYN_SENT,
  TIME_WAIT,
  isSynchronized,
} from "./state";
import { lifeTimerStart } from "./timers";
import { stateEnter } from "./trace";

/** tcpShutdown's `how`, with POSIX's values. */
export const SHUT_RD: i32 = 0;
export const SHUT_WR: i32 = 1;
export const SHUT_RDWR: i32 = 2;

/** Closes one direction or both. -EAGAIN while another process has the connection. */
export function tcpShutdown(s: TcpSocket, how: i32, now: u64): i32 {
  if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
  if (s.state == CLOSED || s.state == LISTEN || s.state == SYN_SENT) return -ENOTCONN;
  if (s.state == INHERITED) return connectionClaim(s);
  s.sharing |= USED;
  if (how != SHUT_WR) s.set(READ_SHUT);
  if (how != SHUT_RD) finish(s, now);
  wakeAll(s.waitQueue);
  return 0;
}

/** Queues our FIN and moves to the state that waits for its acknowledgment. */
function finish(s: TcpSocket, now: u64): void {
  if (s.has(FIN_QUEUED)) return;
  if (s.state == ESTABLISHED || s.state == SYN_RECEIVED) {
    if (s.state == ESTABLISHED) stateEnter(s, FIN_WAIT_1);
  } else if (s.state == CLOSE_WAIT) {
    stateEnter(s, LAST_ACK);
  } else {
    return;
  }
  s.set(FIN_QUEUED);
  outputNow(s, now);
}

/**
 * Ends the caller's hold on the socket, which must not be used afterwards. Queued data and a FIN still go out; unread
 * data, or SO_LINGER with 0 seconds, resets the connection (RFC 9293 MAY-1, SHLD-3). One that others of a
 * family may hold goes on until they have let go of it, too.
 */
export function tcpClose(s: TcpSocket, now: u64): void {
  if ((s.sharing & SHARED) != 0 && connectionReleases(s)) return;
  if (s.state == LISTEN && listenerLeaves(s, now)) return;
  orphanAdd(s);
  s.set(READ_SHUT);
  boundRemove(s);
  if (s.state == LISTEN) listenerClose(s, now);
  else if (isSynchronized(s.state) && s.state != TIME_WAIT && (receiveAvailable(s) != 0 || s.linger == 0)) {
    if (receiveAvailable(s) != 0) tcpExtendedCounters.tcpAbortOnClose += 1;
    else tcpExtendedCounters.tcpAbortOnData += 1;
    connectionAbort(s, 0, now);
  } else if (s.state == SYN_SENT) {
    socketUnlink(s, CLOSED);
  } else {
    finish(s, now);
    if (isSynchronized(s.state) && s.state != TIME_WAIT && orphansTooMany()) {
      tcpExtendedCounters.tcpAbortOnMemory += 1;
      connectionAbort(s, 0, now);
    }
    lifeTimerStart(s, now);
  }
  connectionRelease(s);
}

/** Ends the connection with a RST; the socket stays the caller's, with error ECONNABORTED (RFC 9293, 3.10.5). */
export function tcpAbort(s: TcpSocket, now: u64): void {
  if (s.state == LISTEN) listenerClose(s, now);
  else connectionAbort(s, ECONNABORTED, now);
}
