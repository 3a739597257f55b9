// System calls on sockets, apart from options, waiting and messages. Sockets of AF_UNIX are in unix/.
import {
  EAFNOSUPPORT,
  EAGAIN,
  EBADF,
  EFAULT,
  EINPROGRESS,
  EINVAL,
  ENFILE,
  ENOBUFS,
  ENOTCONN,
  ENOTSOCK,
  EOPNOTSUPP,
  EPROTONOSUPPORT,
  EPROTOTYPE,
  ESOCKTNOSUPPORT,
} from "../../kernel/errno";
import { monotonicNow } from "../../kernel/time/clock";
import {
  tcpAccept,
  tcpBind,
  tcpConnect,
  tcpConnected,
  tcpListen,
  tcpLocalAddress,
  tcpLocalPort,
  tcpPollEvents,
  tcpRemoteAddress,
  tcpRemotePort,
  tcpShutdown,
  tcpSocketCreate,
} from "../net/tcp/api";
import { POLLIN } from "../net/poll_events";
import { NO_SOCKET } from "../net/tcp/socket";
import { LISTEN } from "../net/tcp/state";
import { UDP_PEER_SIZE, UdpPeer } from "../net/udp/input";
import { udpBind, udpConnect, udpDisconnect, udpShutdown, udpSocketCreate } from "../net/udp/socket";
import { descriptorFile, descriptorFree, descriptorSet } from "../process/descriptors";
import {
  KIND_TCP,
  KIND_UDP,
  KIND_UNIX,
  NO_FILE,
  OpenFile,
  openFileCreate,
  openFileHold,
  openFileIsSocket,
  openFileRelease,
} from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { NO_UNIX_SOCKETS, unixName, unixOpen, unixReceive, unixSend, unixShutdown } from "../optional/with_unix";
import { CALL_ACCEPT, CALL_BIND, CALL_CONNECT, CALL_LISTEN, NO_NAMES, unixNamed } from "../optional/with_unix_names";
import { ENDPOINT_SIZE, Endpoint, addressRead, addressWritable, addressWrite, endpointResolveAny } from "./address";
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  AF_UNSPEC,
  IPPROTO_IP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  MSG_DONTWAIT,
  MSG_MORE,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  O_RDWR,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  TRANSFER_MAX,
} from "./constants";
import { streamShutdownLater } from "../optional/with_fork_network";
import { timeoutDeadline } from "./deadline";
import { datagramReceive, datagramSend, fileWait, streamAwaitConnected, streamReceive, streamSend } from "./stream";

const TYPE_FLAGS: i32 = SOCK_NONBLOCK | SOCK_CLOEXEC;
/** RFC 9293 SHLD-13: no MSG_OOB, so no application employs the urgent mechanism; what peers send of it is understood. */
export const SEND_FLAGS: i32 = MSG_DONTWAIT | MSG_MORE | MSG_NOSIGNAL;
export const RECEIVE_FLAGS: i32 = MSG_DONTWAIT | MSG_PEEK | MSG_WAITALL | MSG_TRUNC | MSG_NOSIGNAL;

/** Types of sockets are below (linux/net.h). */
const SOCK_MAX: u32 = 11;

const endpoint = changetype<Endpoint>(memory.data(ENDPOINT_SIZE, 8));
const peer = changetype<UdpPeer>(memory.data(UDP_PEER_SIZE, 8));

/** The error for a description that is no socket, 0 for a socket. */
function socketError(file: OpenFile): i32 {
  if (file == NO_FILE) return -EBADF;
  return openFileIsSocket(file) ? 0 : -ENOTSOCK;
}

/** bind, listen, accept or connect of a socket of AF_UNIX. */
function named(call: i32, file: OpenFile, address: u32, argument: i32): i32 {
  return unixNamed(call, file, address, argument) ^ NO_NAMES;
}

export function posix_socket(domain: i32, type: i32, protocol: i32): i32 {
  if (domain == AF_UNIX) return unixOpen(type, protocol) ^ NO_UNIX_SOCKETS;
  if (domain != AF_INET && domain != AF_INET6) return -EAFNOSUPPORT;
  const kind = type & ~TYPE_FLAGS;
  if (kind != SOCK_STREAM && kind != SOCK_DGRAM) return <u32>kind < SOCK_MAX ? -ESOCKTNOSUPPORT : -EINVAL;
  const natural = kind == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
  if (protocol != IPPROTO_IP && protocol != natural) {
    return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP ? -EPROTOTYPE : -EPROTONOSUPPORT;
  }
  const isStream = kind == SOCK_STREAM;
  const ipv6 = domain == AF_INET6;
  const fd = descriptorFree(0);
  if (fd < 0) return fd;
  const file = openFileCreate(isStream ? KIND_TCP : KIND_UDP, 0, O_RDWR | (type & SOCK_NONBLOCK));
  if (file == NO_FILE) return -ENFILE;
  file.object = isStream ? changetype<usize>(tcpSocketCreate(ipv6)) : changetype<usize>(udpSocketCreate(ipv6));
  if (file.object == 0) {
    openFileRelease(file);
    return -ENOBUFS;
  }
  descriptorSet(fd, file, (type & SOCK_CLOEXEC) != 0);
  return fd;
}

/** True for a socket of AF_INET6. */
export function isIpv6(file: OpenFile): bool {
  return file.kind == KIND_TCP ? file.tcp.ipv6 : file.udp.ipv6;
}

export function posix_bind(fd: i32, address: u32): i32 {
  const file = descriptorFile(fd);
  const error = socketError(file);
  if (error != 0) return error;
  if (file.kind == KIND_UNIX) return named(CALL_BIND, file, address, 0);
  const given = addressRead(address, isIpv6(file), endpoint);
  if (given != 0) return given;
  return file.kind == KIND_TCP
    ? tcpBind(file.tcp, endpoint.address, endpoint.port)
    : udpBind(file.udp, endpoint.address, endpoint.port);
}

export function posix_listen(fd: i32, backlog: i32): i32 {
  const file = descriptorFile(fd);
  const error = socketError(file);
  if (error != 0) return error;
  if (file.kind == KIND_UNIX) return named(CALL_LISTEN, file, 0, backlog);
  return file.kind == KIND_TCP ? tcpListen(file.tcp, backlog) : -EOPNOTSUPP;
}

/** Waits until a connection can be taken from a listener: 0, or -errno. */
function awaitConnection(file: OpenFile): i32 {
  const deadline = timeoutDeadline(file.receiveTimeout);
  while (true) {
    if (file.tcp.state != LISTEN) return -EINVAL;
    if ((tcpPollEvents(file.tcp) & POLLIN) != 0) return 0;
    const waited = fileWait(file, 0, file.tcp.waitQueue, deadline);
    if (waited != 0) return waited;
  }
}

/** Takes a connection; its descriptor and description come first, so that none is lost for want of one. */
function takeConnection(listener: OpenFile, address: u32, flags: i32): i32 {
  const fd = descriptorFree(0);
  if (fd < 0) return fd;
  const file = openFileCreate(KIND_TCP, 0, O_RDWR | (flags & SOCK_NONBLOCK));
  if (file == NO_FILE) return -ENFILE;
  const socket = tcpAccept(listener.tcp);
  if (socket == NO_SOCKET) {
    openFileRelease(file);
    return -EAGAIN;
  }
  file.object = changetype<usize>(socket);
  descriptorSet(fd, file, (flags & SOCK_CLOEXEC) != 0);
  addressWrite(address, tcpRemoteAddress(socket), tcpRemotePort(socket));
  return fd;
}

export function posix_accept(fd: i32, address: u32, flags: i32): i32 {
  const file = descriptorFile(fd);
  const error = socketError(file);
  if (error != 0) return error;
  if (file.kind == KIND_UNIX) return named(CALL_ACCEPT, file, address, flags);
  if (file.kind != KIND_TCP) return -EOPNOTSUPP;
  if ((flags & ~TYPE_FLAGS) != 0) return -EINVAL;
  if (!addressWritable(address)) return -EFAULT;
  openFileHold(file);
  let result = awaitConnection(file);
  if (result == 0) result = takeConnection(file, address, flags);
  openFileRelease(file);
  return result;
}

function connectStream(file: OpenFile): i32 {
  const result = tcpConnect(file.tcp, endpoint.address, endpoint.port, monotonicNow());
  if (result != -EINPROGRESS || file.nonBlocking) return result;
  openFileHold(file);
  const outcome = streamAwaitConnected(file);
  openFileRelease(file);
  return outcome;
}

export function posix_connect(fd: i32, address: u32): i32 {
  const file = descriptorFile(fd);
  const error = socketError(file);
  if (error != 0) return error;
  if (file.kind == KIND_UNIX) return named(CALL_CONNECT, file, address, 0);
  const given = addressRead(address, isIpv6(file), endpoint);
  if (given == -EAFNOSUPPORT && endpoint.family == AF_UNSPEC && file.kind == KIND_UDP) {
    udpDisconnect(file.udp);
    return 0;
  }
  if (given != 0) return given;
  endpointResolveAny(endpoint);
  return file.kind == KIND_TCP ? connectStream(file) : udpConnect(file.udp, endpoint.address, endpoint.port);
}

export function posix_sendto(fd: i32, buffer: u32, length: u32, flags: i32, address: u32): i32 {
  const file = descriptorFile(fd);
  const error = socketError(file);
  if (error != 0) return error;
  if ((flags & ~SEND_FLAGS) != 0) return -EOPNOTSUPP;
  const count = min(length, TRANSFER_MAX);
  const bytes = userBuffer(buffer, count);
  if (bytes == 0) return -EFAULT;
  openFileHold(file);
  let result: i32;
  // A connected stream ignores the address.
  if (file.kind == KIND_TCP) result = streamSend(file, bytes, count, flags);
  else if (file.kind == KIND_UNIX) result = unixSend(file, bytes, count, flags, address);
  else result = datagramSend(file, bytes, count, flags, address);
  openFileRelease(file);
  return result;
}

export function posix_recvfrom(fd: i32, buffer: u32, length: u32, flags: i32, address: u32): i32 {
  const file = descriptorFile(fd);
  const error = socketError(file);
  if (error != 0) return error;
  if ((flags & ~RECEIVE_FLAGS) != 0) return -EOPNOTSUPP;
  const count = min(length, TRANSFER_MAX);
  const bytes = userBuffer(buffer, count);
  if (bytes == 0 || !addressWritable(address)) return -EFAULT;
  openFileHold(file);
  let result: i32;
  if (file.kind == KIND_TCP) {
    result = streamReceive(file, bytes, count, flags);
    if (result >= 0) addressWrite(address, tcpRemoteAddress(file.tcp), tcpRemotePort(file.tcp));
  } else if (file.kind == KIND_UNIX) {
    result = unixReceive(file, bytes, count, flags, address);
  } else {
    result = datagramReceive(file, bytes, count, flags, peer);
    if (result >= 0) addressWrite(address, peer.address, peer.port);
  }
  openFileRelease(file);
  return result;
}

export function posix_shutdown(fd: i32, how: i32): i32 {
  const file = descriptorFile(fd);
  const error = socketError(file);
  if (error != 0) return error;
  if (file.kind == KIND_UNIX) return unixShutdown(file, how);
  if (file.kind == KIND_UDP) return udpShutdown(file.udp, how);
  const result = tcpShutdown(file.tcp, how, monotonicNow());
  return result == -EAGAIN ? streamShutdownLater(file, how) : result;
}

export function posix_getsockname(fd: i32, address: u32): i32 {
  const file = descriptorFile(fd);
  const error = socketError(file);
  if (error != 0) return error;
  if (address == 0 || !addressWritable(address)) return -EFAULT;
  if (file.kind == KIND_UNIX) return unixName(file, address, false);
  if (file.kind == KIND_TCP) addressWrite(address, tcpLocalAddress(file.tcp), tcpLocalPort(file.tcp));
  else addressWrite(address, file.udp.local, file.udp.localPort);
  return 0;
}

export function posix_getpeername(fd: i32, address: u32): i32 {
  const file = descriptorFile(fd);
  const error = socketError(file);
  if (error != 0) return error;
  if (address == 0 || !addressWritable(address)) return -EFAULT;
  if (file.kind == KIND_UNIX) return unixName(file, address, true);
  const isStream = file.kind == KIND_TCP;
  if (isStream ? !tcpConnected(file.tcp) : file.udp.remotePort == 0) return -ENOTCONN;
  if (isStream) addressWrite(address, tcpRemoteAddress(file.tcp), tcpRemotePort(file.tcp));
  else addressWrite(address, file.udp.remote, file.udp.remotePort);
  return 0;
}
