// The stream of a connection as the application sees it: sending, receiving, readiness. See api.ts for what its functions have in common.
import { EAGAIN, ENOTCONN, EPIPE } from "../../../kernel/errno";
import { connectionClaim, networkListens } from "../../optional/with_fork_network";
import { POLLERR, POLLHUP, POLLRDHUP, READABLE, WRITABLE } from "../poll_events";
import { FIN_QUEUED, MORE_FOLLOWS, READ_SHUT, STARVED, URGENT, USED } from "./flags";
import { outputNow } from "./output";
import { receiveAvailable, receivePeek, receiveTake } from "./receive_queue";
import { sendQueue, sendSpace } from "./send_queue";
import { TcpSocket } from "./socket";
import {
  CLOSED,
  INHERITED,
  LISTEN,
  SYN_RECEIVED,
  SYN_SENT,
  TIME_WAIT,
  acceptsSend,
  acceptsText,
  peerHasFinished,
} from "./state";

/** There is urgent data to read. */
export const POLLPRI: u32 = 0x002;

/**
 * Queues up to `count` bytes. `more`, the opposite of a PUSH (RFC 9293 MAY-15): others or the end follow at once, so what does not fill a segment waits for them, at
 * most CORK_MAX after all before it is acknowledged. Bytes taken, -EAGAIN when the queue is full, -EPIPE after the end, or the pending error.
 */
export function tcpSend(s: TcpSocket, source: usize, count: u32, now: u64, more: bool): i32 {
  if (s.state == INHERITED) return connectionClaim(s);
  if (s.error != 0) return -tcpTakeError(s);
  s.sharing |= USED;
  if (s.state == SYN_SENT || s.state == SYN_RECEIVED) return s.has(FIN_QUEUED) ? -EPIPE : -EAGAIN;
  if (s.has(FIN_QUEUED)) return -EPIPE;
  if (!acceptsSend(s.state)) return s.remotePort == 0 ? -ENOTCONN : -EPIPE;
  if (count == 0) return 0;
  const taken = sendQueue(s, source, min<u32>(count, i32.MAX_VALUE));
  if (taken == 0) return -EAGAIN;
  if ((more || s.corked) && sendSpace(s) != 0) s.set(MORE_FOLLOWS);
  else s.clear(MORE_FOLLOWS);
  outputNow(s, now);
  return <i32>taken;
}

/** Takes up to `count` bytes. 0 = the peer has finished, -EAGAIN = nothing yet, or the pending error. */
export function tcpReceive(s: TcpSocket, target: usize, count: u32, now: u64): i32 {
  const status = receiveStatus(s);
  if (status <= 0 || count == 0) return status < 0 ? status : 0;
  return <i32>receiveTake(s, target, min<u32>(count, i32.MAX_VALUE), now);
}

/** As tcpReceive, but leaves the bytes in the queue (MSG_PEEK). */
export function tcpPeek(s: TcpSocket, target: usize, count: u32): i32 {
  const status = receiveStatus(s);
  if (status <= 0 || count == 0) return status < 0 ? status : 0;
  return <i32>receivePeek(s, target, min<u32>(count, i32.MAX_VALUE));
}

/** 1 = there are bytes, 0 = end of the stream, or -errno. Text that arrived before an error is read first. */
function receiveStatus(s: TcpSocket): i32 {
  if (s.state == LISTEN) return -ENOTCONN;
  if (s.state == INHERITED) return connectionClaim(s);
  s.sharing |= USED;
  if (s.has(READ_SHUT)) return 0;
  if (receiveAvailable(s) != 0) return 1;
  if (s.error != 0) return -tcpTakeError(s);
  if (s.state == SYN_SENT || s.state == SYN_RECEIVED) return -EAGAIN;
  if (acceptsText(s.state)) return -EAGAIN;
  return s.state == CLOSED && s.remotePort == 0 ? -ENOTCONN : 0;
}

/** READABLE | WRITABLE | POLLPRI | POLLERR | POLLHUP | POLLRDHUP as they are now. */
export function tcpPollEvents(s: TcpSocket): u32 {
  if (s.state == LISTEN) {
    if (s.accepts == 0) {
      s.accepts = 1;
      networkListens(s, true);
    }
    return s.acceptCount != 0 ? READABLE : 0;
  }
  if (s.state == INHERITED && s.error == 0) connectionClaim(s);
  if (s.state == SYN_SENT || s.state == SYN_RECEIVED || s.state == INHERITED) return s.error != 0 ? POLLERR : 0;
  let events: u32 = s.error != 0 ? POLLERR | READABLE : 0;
  const over = s.state == CLOSED || s.state == TIME_WAIT;
  const finished = peerHasFinished(s.state) || s.has(READ_SHUT) || s.state == CLOSED;
  if (receiveAvailable(s) != 0 || finished) events |= READABLE;
  if (finished) events |= POLLRDHUP;
  if (s.has(URGENT)) events |= POLLPRI; // RFC 9293 MUST-33
  if (over || (finished && s.has(FIN_QUEUED))) events |= POLLHUP;
  // A write that would fail at once does not block either.
  if (s.has(FIN_QUEUED) || over || (sendSpace(s) != 0 && !s.has(STARVED))) events |= WRITABLE;
  else s.wantsRoom = true;
  return events;
}

/** The pending error (positive errno, 0 = none), and forgets it. */
export function tcpTakeError(s: TcpSocket): i32 {
  const error = s.error;
  s.error = 0;
  return error;
}
