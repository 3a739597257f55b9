// Sockets: sock_accept, sock_recv, sock_send and sock_shutdown of preview 1, which has no function that makes a socket; and those of WasmEdge's
// extension that do: sock_open, sock_bind, sock_listen, sock_connect, sock_getlocaladdr, sock_getpeeraddr. The rest of it is in datagrams.ts,
// socket_options.ts and names.ts.
import { EAFNOSUPPORT, EINPROGRESS, ENOTCONN } from "../../kernel/errno";
import { monotonicNow } from "../../kernel/time/clock";
import { IpAddress } from "../net/ip/address";
import {
  tcpBind,
  tcpConnect,
  tcpConnected,
  tcpLocalAddress,
  tcpLocalPort,
  tcpRemoteAddress,
  tcpRemotePort,
} from "../net/tcp/api";
import { udpBind, udpConnect } from "../net/udp/socket";
import { endpointResolveAny } from "../posix/address";
import * as posix from "../posix/constants";
import { messageReceive, messageSend, messageTold } from "../posix/messages";
import { piecesError } from "../posix/pieces";
import { isIpv6, posix_accept, posix_listen, posix_shutdown, posix_socket } from "../posix/sockets";
import { streamAwaitConnected } from "../posix/stream";
import { descriptorFile } from "../process/descriptors";
import { KIND_TCP, OpenFile, openFileHold, openFileRelease } from "../process/open_file";
import { userBuffer } from "../process/user_memory";
import { answerWord, isWord, tellWord } from "./answer";
import { WASI_FAULT, WASI_INVAL, wasiError } from "./errno";
import { FDFLAGS_NONBLOCK } from "./layout";
import { INET4, INET6, givenEndpoint, readEndpoint, roomError, socketError, tellAddress } from "./socket_address";

/** Types of sockets. */
export const SOCK_DATAGRAM: u32 = 1;
export const SOCK_STREAM: u32 = 2;
/** What sock_getlocaladdr calls families. */
const IP_VERSION_4: u32 = 4;
const IP_VERSION_6: u32 = 6;

/** `riflags`, `roflags` and `sdflags`. */
const RECV_PEEK: u32 = 1;
const RECV_WAITALL: u32 = 2;
export const RECV_DATA_TRUNCATED: u16 = 1;
const SHUTDOWN_RD: u32 = 1;
const SHUTDOWN_WR: u32 = 2;

/** Whether there is anything in `riflags` that is not known. */
export function receiveFlagsAreWrong(flags: u32): bool {
  return (flags & ~(RECV_PEEK | RECV_WAITALL)) != 0;
}

/** MSG_… for `riflags`. */
export function receiveFlags(flags: u32): i32 {
  const waiting = (flags & RECV_WAITALL) != 0 ? posix.MSG_WAITALL : 0;
  return (flags & RECV_PEEK) != 0 ? posix.MSG_PEEK | waiting : waiting;
}

export function wasi_sock_accept(fd: i32, flags: u32, accepted: u32): u32 {
  if ((flags & ~FDFLAGS_NONBLOCK) != 0) return WASI_INVAL;
  if (!isWord(accepted)) return WASI_FAULT;
  return answerWord(posix_accept(fd, 0, flags != 0 ? posix.SOCK_NONBLOCK : 0), accepted);
}

export function wasi_sock_recv(fd: i32, pieces: u32, count: u32, flags: u32, done: u32, told: u32): u32 {
  const file = descriptorFile(fd);
  let error = socketError(file);
  if (error != 0) return wasiError(error);
  if (receiveFlagsAreWrong(flags) || count > posix.UIO_MAXIOV) return WASI_INVAL;
  error = piecesError(pieces, count);
  const truncated = userBuffer(told, sizeof<u16>());
  if (error != 0) return wasiError(error);
  if (truncated == 0 || !isWord(done)) return WASI_FAULT;
  openFileHold(file);
  const result = messageReceive(file, pieces, count, receiveFlags(flags), 0);
  openFileRelease(file);
  if (result < 0) return wasiError(result);
  store<u16>(truncated, (messageTold() & posix.MSG_TRUNC) != 0 ? RECV_DATA_TRUNCATED : 0);
  return tellWord(done, result);
}

export function wasi_sock_send(fd: i32, pieces: u32, count: u32, flags: u32, done: u32): u32 {
  const file = descriptorFile(fd);
  let error = socketError(file);
  if (error != 0) return wasiError(error);
  if (flags != 0 || count > posix.UIO_MAXIOV) return WASI_INVAL;
  error = piecesError(pieces, count);
  if (error != 0) return wasiError(error);
  if (!isWord(done)) return WASI_FAULT;
  openFileHold(file);
  const result = messageSend(file, pieces, count, 0, 0, 0);
  openFileRelease(file);
  return answerWord(result, done);
}

export function wasi_sock_shutdown(fd: i32, how: u32): u32 {
  if (how == 0 || (how & ~(SHUTDOWN_RD | SHUTDOWN_WR)) != 0) return WASI_INVAL;
  const ends = how == SHUTDOWN_RD ? posix.SHUT_RD : how == SHUTDOWN_WR ? posix.SHUT_WR : posix.SHUT_RDWR;
  return wasiError(posix_shutdown(fd, ends));
}

export function wasi_sock_open(family: u32, type: u32, opened: u32): u32 {
  if (!isWord(opened)) return WASI_FAULT;
  if (family != INET4 && family != INET6) return wasiError(-EAFNOSUPPORT);
  if (type != SOCK_DATAGRAM && type != SOCK_STREAM) return WASI_INVAL;
  const domain = family == INET4 ? posix.AF_INET : posix.AF_INET6;
  return answerWord(posix_socket(domain, type == SOCK_STREAM ? posix.SOCK_STREAM : posix.SOCK_DGRAM, 0), opened);
}

export function wasi_sock_listen(fd: i32, backlog: u32): u32 {
  return wasiError(posix_listen(fd, backlog));
}

function bindTo(file: OpenFile): i32 {
  const endpoint = givenEndpoint();
  return file.kind == KIND_TCP
    ? tcpBind(file.tcp, endpoint.address, endpoint.port)
    : udpBind(file.udp, endpoint.address, endpoint.port);
}

function connectTo(file: OpenFile): i32 {
  const endpoint = givenEndpoint();
  endpointResolveAny(endpoint);
  if (file.kind != KIND_TCP) return udpConnect(file.udp, endpoint.address, endpoint.port);
  const result = tcpConnect(file.tcp, endpoint.address, endpoint.port, monotonicNow());
  if (result != -EINPROGRESS || file.nonBlocking) return result;
  openFileHold(file);
  const outcome = streamAwaitConnected(file);
  openFileRelease(file);
  return outcome;
}

export function wasi_sock_bind(fd: i32, address: u32, port: u32): u32 {
  const file = descriptorFile(fd);
  const error = readEndpoint(file, address, port);
  return wasiError(error != 0 ? error : bindTo(file));
}

export function wasi_sock_connect(fd: i32, address: u32, port: u32): u32 {
  const file = descriptorFile(fd);
  const error = readEndpoint(file, address, port);
  return wasiError(error != 0 ? error : connectTo(file));
}

/** Writes an address to the place that the structure at `address` names, its kind to `version` and the port to `portAt`. */
function tellEndpoint(file: OpenFile, ip: IpAddress, port: u16, address: u32, version: u32, portAt: u32): u32 {
  if (!isWord(version) || !isWord(portAt)) return WASI_FAULT;
  const error = roomError(file, address);
  if (error != 0) return wasiError(error);
  tellAddress(file, ip, address);
  tellWord(version, isIpv6(file) ? IP_VERSION_6 : IP_VERSION_4);
  return tellWord(portAt, port);
}

export function wasi_sock_getlocaladdr(fd: i32, address: u32, version: u32, port: u32): u32 {
  const file = descriptorFile(fd);
  const error = socketError(file);
  if (error != 0) return wasiError(error);
  const isStream = file.kind == KIND_TCP;
  const ip = isStream ? tcpLocalAddress(file.tcp) : file.udp.local;
  return tellEndpoint(file, ip, isStream ? tcpLocalPort(file.tcp) : file.udp.localPort, address, version, port);
}

export function wasi_sock_getpeeraddr(fd: i32, address: u32, version: u32, port: u32): u32 {
  const file = descriptorFile(fd);
  const error = socketError(file);
  if (error != 0) return wasiError(error);
  const isStream = file.kind == KIND_TCP;
  if (isStream ? !tcpConnected(file.tcp) : file.udp.remotePort == 0) return wasiError(-ENOTCONN);
  const ip = isStream ? tcpRemoteAddress(file.tcp) : file.udp.remote;
  return tellEndpoint(file, ip, isStream ? tcpRemotePort(file.tcp) : file.udp.remotePort, address, version, port);
}
