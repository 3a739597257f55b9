// What the rest of the system calls. Functions return >= 0 or -errno and never block; whoever wants to block waits on
// the socket's waitQueue and looks again. Addresses are IpAddresses (ip/address.ts), ports in host order, `now` is
// monotonic ns, pointers are kernel addresses that have been checked.
import {
  EADDRNOTAVAIL,
  EAGAIN,
  EALREADY,
  ECONNABORTED,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOTCONN,
  EPIPE,
} from "../../../kernel/errno";
import { networkListens } from "../../with_fork_network";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import { ipIsGroup, ipIsLocal, ipSourceFor } from "../ip/routing";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP } from "../poll_events";
import { transportRegister } from "../transport";
import { IPPROTO_TCP } from "../wire/ipv4";
import { bindCheck, boundInit, boundInsert, boundRemove, portForBind, portForConnect } from "./bound_ports";
import { connectionAbort, connectionOpen, connectionRelease, socketCreate, socketUnlink } from "./connection";
import { BACKLOG_MAX } from "./constants";
import { tcpExtendedCounters } from "./counters";
import { halfOpenInit } from "./half_open";
import { tcpError } from "./icmp";
import { tcpInput } from "./input";
import { isnInit } from "./isn";
import { acceptQueueTake, listenerClose, listenerOpen } from "./listen";
import { bufferMemoryInit } from "./memory";
import { orphanAdd, orphansInit, orphansTooMany } from "./orphans";
import { outputInit, outputNow, tcpFlush } from "./output";
import { rangeListsInit } from "./range_list";
import { receiveAvailable, receivePeek, receiveTake } from "./receive_queue";
import { retransmissionLogsInit } from "./retransmission_log";
import { sendQueue, sendSpace } from "./send_queue";
import { FIN_QUEUED, MORE_FOLLOWS, READ_SHUT, STARVED, URGENT } from "./flags";
import { NO_SOCKET, TcpSocket, socketsInit } from "./socket";
import {
  CLOSED,
  CLOSE_WAIT,
  ESTABLISHED,
  FIN_WAIT_1,
  LAST_ACK,
  LISTEN,
  SYN_RECEIVED,
  SYN_SENT,
  TIME_WAIT,
  acceptsSend,
  acceptsText,
  isSynchronized,
  peerHasFinished,
} from "./state";
import { cookieInit } from "./syn_cookie";
import { tableInit } from "./table";
import { lifeTimerStart } from "./timers";
import { timeWaitInit } from "./time_wait";
import { wakeAll } from "../../../kernel/thread/wait_queue";
import { stateEnter, traceInit } from "./trace";

/** tcpShutdown's `how`, with POSIX's values. */
export const SHUT_RD: i32 = 0;
export const SHUT_WR: i32 = 1;
export const SHUT_RDWR: i32 = 2;

/** There is urgent data to read. */
export const POLLPRI: u32 = 0x002;

/**
 * Starts TCP: call once, before anything else here. `bufferPages` is the most that the buffers of all connections may
 * take together, 0 = half of what is free now. False without memory.
 */
export function tcpInit(bufferPages: u32 = 0): bool {
  socketsInit();
  bufferMemoryInit(bufferPages);
  outputInit();
  halfOpenInit();
  cookieInit();
  orphansInit();
  timeWaitInit();
  rangeListsInit();
  retransmissionLogsInit();
  isnInit();
  traceInit();
  if (!tableInit()) return false;
  boundInit();
  transportRegister(IPPROTO_TCP, tcpInput.index, tcpError.index, tcpFlush.index);
  return true;
}

/** A new socket in state CLOSED, of AF_INET6 when `ipv6`; NO_SOCKET without memory. */
export function tcpSocketCreate(ipv6: bool): TcpSocket {
  const s = socketCreate();
  if (s == NO_SOCKET) return s;
  s.ipv6 = ipv6;
  if (!ipv6) s.local.setIpv4(0);
  return s;
}

/** Binds to a local address (maybe "any"; RFC 9293 MUST-43) and port (0 = a free one). */
export function tcpBind(s: TcpSocket, address: IpAddress, port: u16): i32 {
  if (s.state != CLOSED || s.localPort != 0) return -EINVAL;
  if (s.only6 && address.isIpv4()) return -EINVAL;
  if (!address.isAny() && !ipIsLocal(address)) return -EADDRNOTAVAIL;
  const error = port == 0 ? 0 : bindCheck(s, address, port);
  if (error < 0) return error;
  s.local.copy(address);
  const chosen = port == 0 ? portForBind(s) : <i32>port;
  if (chosen < 0) return chosen;
  s.localPort = <u16>chosen;
  boundInsert(s);
  return 0;
}

/** Starts to listen, or changes the backlog of a listener. An unbound socket gets a free port. */
export function tcpListen(s: TcpSocket, backlog: i32): i32 {
  const bounded = backlog < 1 ? 1 : min<u32>(backlog, BACKLOG_MAX);
  if (s.state == LISTEN) {
    s.backlog = bounded;
    return 0;
  }
  if (s.state != CLOSED) return -EINVAL;
  if (s.localPort == 0) {
    const error = tcpBind(s, s.local, 0);
    if (error < 0) return error;
  }
  return listenerOpen(s, bounded);
}

/** The oldest connection that waits to be accepted, now the caller's; NO_SOCKET when there is none. */
export function tcpAccept(s: TcpSocket): TcpSocket {
  return s.state == LISTEN ? acceptQueueTake(s) : NO_SOCKET;
}

/** The address that a connection's packets carry; what the socket was bound to before it. */
const ownAddress = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));
const boundAddress = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/** Opens a connection: -EINPROGRESS, then POLLOUT says that it stands and POLLERR that it failed (tcpTakeError). */
export function tcpConnect(s: TcpSocket, address: IpAddress, port: u16, now: u64): i32 {
  if (s.state == SYN_SENT || s.state == SYN_RECEIVED) return -EALREADY;
  if (isSynchronized(s.state)) return -EISCONN;
  if (s.state == LISTEN) return -EISCONN;
  if (s.error != 0) return -tcpTakeError(s);
  if (port == 0 || ipIsGroup(address)) return -EADDRNOTAVAIL; // RFC 9293 MUST-46
  if (s.only6 && address.isIpv4()) return -ENETUNREACH;
  if (!ipSourceFor(address, ownAddress)) return -ENETUNREACH; // RFC 9293 MUST-44
  boundAddress.copy(s.local);
  if (boundAddress.isAny())
    s.local.copy(ownAddress); // RFC 9293 MUST-45
  else if (boundAddress.isIpv4() != address.isIpv4()) return -ENETUNREACH;
  s.remote.copy(address);
  s.remotePort = port;
  const chosen = s.localPort != 0 ? <i32>s.localPort : portForConnect(s);
  const error = chosen < 0 ? chosen : connectionOpen(s, <u16>chosen, now);
  if (error == 0) return -EINPROGRESS;
  s.local.copy(boundAddress);
  s.remote.clear();
  s.remotePort = 0;
  return error;
}

/**
 * Queues up to `count` bytes. `more`, the opposite of a PUSH (RFC 9293 MAY-15): others or the end follow at once, so what does not fill a segment waits for them, at
 * most CORK_MAX after all before it is acknowledged. Bytes taken, -EAGAIN when the queue is full, -EPIPE after the end, or the pending error.
 */
export function tcpSend(s: TcpSocket, source: usize, count: u32, now: u64, more: bool): i32 {
  if (s.error != 0) return -tcpTakeError(s);
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
  if (s.has(READ_SHUT)) return 0;
  if (receiveAvailable(s) != 0) return 1;
  if (s.error != 0) return -tcpTakeError(s);
  if (s.state == SYN_SENT || s.state == SYN_RECEIVED) return -EAGAIN;
  if (acceptsText(s.state)) return -EAGAIN;
  return s.state == CLOSED && s.remotePort == 0 ? -ENOTCONN : 0;
}

/** Closes one direction or both. */
export function tcpShutdown(s: TcpSocket, how: i32, now: u64): i32 {
  if (how < SHUT_RD || how > SHUT_RDWR) return -EINVAL;
  if (s.state == CLOSED || s.state == LISTEN || s.state == SYN_SENT) return -ENOTCONN;
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
 * data, or SO_LINGER with 0 seconds, resets the connection (RFC 9293 MAY-1, SHLD-3).
 */
export function tcpClose(s: TcpSocket, now: u64): void {
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

/** POLLIN | POLLOUT | POLLPRI | POLLERR | POLLHUP | POLLRDHUP as they are now. */
export function tcpPollEvents(s: TcpSocket): u32 {
  if (s.state == LISTEN) {
    if (s.accepts == 0) {
      s.accepts = 1;
      networkListens(s, true);
    }
    return s.acceptCount != 0 ? POLLIN : 0;
  }
  if (s.state == SYN_SENT || s.state == SYN_RECEIVED) return s.error != 0 ? POLLERR : 0;
  let events: u32 = s.error != 0 ? POLLERR | POLLIN : 0;
  const over = s.state == CLOSED || s.state == TIME_WAIT;
  const finished = peerHasFinished(s.state) || s.has(READ_SHUT) || s.state == CLOSED;
  if (receiveAvailable(s) != 0 || finished) events |= POLLIN;
  if (finished) events |= POLLRDHUP;
  if (s.has(URGENT)) events |= POLLPRI; // RFC 9293 MUST-33
  if (over || (finished && s.has(FIN_QUEUED))) events |= POLLHUP;
  // A write that would fail at once does not block either.
  if (s.has(FIN_QUEUED) || over || (sendSpace(s) != 0 && !s.has(STARVED))) events |= POLLOUT;
  else s.wantsRoom = true;
  return events;
}

/** The pending error (positive errno, 0 = none), and forgets it. */
export function tcpTakeError(s: TcpSocket): i32 {
  const error = s.error;
  s.error = 0;
  return error;
}

/**
 * As tcpTakeError, and without an error what troubles the connection although it goes on (RFC 9293 MUST-47): what ICMP
 * said last, or ETIMEDOUT after R1 retransmissions. Only who asks is told (RFC 9293 SHLD-20): SO_ERROR, as on Linux.
 */
export function tcpTakeReport(s: TcpSocket): i32 {
  if (s.error != 0) return tcpTakeError(s);
  const report = s.softError;
  s.softError = 0;
  return report;
}

/** Bytes queued that the peer has not acknowledged yet, for SO_LINGER and SIOCOUTQ. */
export function tcpUnsent(s: TcpSocket): u32 {
  return s.sendBuffer.length;
}

/** True when the connection is established, now or before, and not reset. */
export function tcpConnected(s: TcpSocket): bool {
  return isSynchronized(s.state);
}

export function tcpLocalAddress(s: TcpSocket): IpAddress {
  return s.local;
}

export function tcpLocalPort(s: TcpSocket): u16 {
  return s.localPort;
}

/** :: while there is no peer. */
export function tcpRemoteAddress(s: TcpSocket): IpAddress {
  return s.remote;
}

/** 0 while there is no peer. */
export function tcpRemotePort(s: TcpSocket): u16 {
  return s.remotePort;
}
