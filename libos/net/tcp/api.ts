// What the rest of the system calls. Functions return >= 0 or -errno and never block; whoever wants to block waits on
// the socket's waitQueue and looks again. Addresses are IpAddresses (ip/address.ts), ports in host order, `now` is
// monotonic ns, pointers are kernel addresses that have been checked.
import { EADDRNOTAVAIL, EALREADY, EINPROGRESS, EINVAL, EISCONN, ENETUNREACH } from "../../../kernel/errno";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import { ipIsGroup, ipIsLocal, ipSourceFor } from "../ip/routing";
import { transportRegister } from "../transport";
import { IPPROTO_TCP } from "../wire/ipv4";
import { bindCheck, boundInit, boundInsert, portForBind, portForConnect } from "./bound_ports";
import { connectionOpen, socketCreate } from "./connection";
import { BACKLOG_MAX } from "./constants";
import { SHARED } from "./flags";
import { halfOpenInit } from "./half_open";
import { tcpError } from "./icmp";
import { tcpInput } from "./input";
import { isnInit } from "./isn";
import { acceptQueueTake, listenerOpen } from "./listen";
import { bufferMemoryInit } from "./memory";
import { orphansInit } from "./orphans";
import { outputInit, tcpFlush } from "./output";
import { rangeListsInit } from "./range_list";
import { retransmissionLogsInit } from "./retransmission_log";
import { NO_SOCKET, TcpSocket, socketsInit } from "./socket";
import { CLOSED, LISTEN, SYN_RECEIVED, SYN_SENT, isSynchronized } from "./state";
import { tcpTakeError } from "./stream";
import { cookieInit } from "./syn_cookie";
import { tableInit } from "./table";
import { timeWaitInit } from "./time_wait";
import { traceInit } from "./trace";

export { SHUT_RD, SHUT_RDWR, SHUT_WR, tcpAbort, tcpClose, tcpShutdown } from "./close";
export { POLLPRI, tcpPeek, tcpPollEvents, tcpReceive, tcpSend, tcpTakeError } from "./stream";

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

/** True when other processes of the family may hold the connection, too. */
export function tcpShared(s: TcpSocket): bool {
  return (s.sharing & SHARED) != 0;
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
