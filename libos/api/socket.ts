// sys/socket.h: TCP and UDP over IPv4 and IPv6, and sockets of AF_UNIX. Addresses are sockaddr_in, sockaddr_in6 or sockaddr_un objects, so C's length parameters
// are not there; where a call stores an address, the object's class decides on its form.
// A blocking call sleeps only the calling thread; a non-blocking one fails with EAGAIN (connect: EINPROGRESS).
import { EFAULT } from "../../kernel/errno";
import { SOL_SOCKET } from "../posix/constants";
import { conclude, errno } from "./errno";
import { sockaddr } from "./sockaddr";
import * as posix from "./posix";
import { timeval } from "./time";

/** struct ucred: whose the other end of a socket of AF_UNIX was (SO_PEERCRED). */
@unmanaged
@final
export class ucred {
  pid: i32;
  /** 0: there are no users. -1 without a peer. */
  uid: i32;
  gid: i32;
}

/** struct linger: what close does with unsent data. */
@final
export class linger {
  constructor(
    /** Not 0: close waits until the data is delivered, l_linger seconds at most; with 0 seconds it resets the connection. */
    public l_onoff: i32 = 0,
    public l_linger: i32 = 0,
  ) {}
}

/**
 * A socket: `domain` AF_INET, or AF_INET6 for IPv6 and IPv4 (see IPV6_V6ONLY), `type` SOCK_STREAM or SOCK_DGRAM, maybe or'ed with SOCK_NONBLOCK and SOCK_CLOEXEC;
 * AF_UNIX in an app that uses sockaddr_un, of SOCK_SEQPACKET, too. Returns its descriptor, or -1.
 */
export function socket(domain: i32, type: i32, protocol: i32 = 0): i32 {
  return conclude(errno, posix.socket(domain, type, protocol));
}

/**
 * Two sockets that are connected with each other, also across a later fork: `domain` AF_UNIX, `type` SOCK_STREAM, SOCK_DGRAM or SOCK_SEQPACKET,
 * maybe or'ed with SOCK_NONBLOCK and SOCK_CLOEXEC. Returns 0, or -1 (EMFILE, ENFILE without memory, EAFNOSUPPORT, EOPNOTSUPP).
 */
export function socketpair(domain: i32, type: i32, protocol: i32, fds: StaticArray<i32>): i32 {
  return conclude(errno, fds.length < 2 ? -EFAULT : posix.socketpair(domain, type, protocol, changetype<usize>(fds)));
}

/** Gives the socket its local address; port 0 lets the system choose. */
export function bind(fd: i32, address: sockaddr): i32 {
  return conclude(errno, posix.bind(fd, changetype<usize>(address)));
}

/** Takes connections; up to `backlog` (1 … SOMAXCONN) wait for accept. */
export function listen(fd: i32, backlog: i32): i32 {
  return conclude(errno, posix.listen(fd, backlog));
}

/** Takes the next connection: its descriptor (blocking, whatever the listener's mode), or -1. `address` gets the peer's. */
export function accept(fd: i32, address: sockaddr | null = null): i32 {
  return conclude(errno, posix.accept(fd, changetype<usize>(address), 0));
}

/** Like `accept`, with SOCK_NONBLOCK and SOCK_CLOEXEC for the new descriptor in `flags`. */
export function accept4(fd: i32, address: sockaddr | null, flags: i32): i32 {
  return conclude(errno, posix.accept(fd, changetype<usize>(address), flags));
}

/**
 * Connects to `address`. Non-blocking: -1 with EINPROGRESS; the socket becomes writable when it is done, and
 * SO_ERROR tells how it went. On a datagram socket: sets the peer.
 */
export function connect(fd: i32, address: sockaddr): i32 {
  return conclude(errno, posix.connect(fd, changetype<usize>(address)));
}

/** Like write, with flags (MSG_DONTWAIT, MSG_MORE, MSG_NOSIGNAL). EPIPE after shutdown, with SIGPIPE unless MSG_NOSIGNAL. */
export function send(fd: i32, buffer: usize, length: usize, flags: i32 = 0): i32 {
  return conclude(errno, posix.sendto(fd, buffer, <u32>length, flags, 0));
}

/** Sends one datagram to `address` (null: to the connected peer). Returns its length, or -1. */
export function sendto(fd: i32, buffer: usize, length: usize, flags: i32, address: sockaddr | null): i32 {
  return conclude(errno, posix.sendto(fd, buffer, <u32>length, flags, changetype<usize>(address)));
}

/** Like read, with flags (MSG_DONTWAIT, MSG_PEEK, MSG_WAITALL, MSG_TRUNC). */
export function recv(fd: i32, buffer: usize, length: usize, flags: i32 = 0): i32 {
  return conclude(errno, posix.recvfrom(fd, buffer, <u32>length, flags, 0));
}

/** Like recv; `address` gets the sender's. A datagram longer than `length` is cut. */
export function recvfrom(fd: i32, buffer: usize, length: usize, flags: i32, address: sockaddr | null): i32 {
  return conclude(errno, posix.recvfrom(fd, buffer, <u32>length, flags, changetype<usize>(address)));
}

/** Ends one direction or both: SHUT_RD, SHUT_WR (the peer reads an end of stream), SHUT_RDWR. */
export function shutdown(fd: i32, how: i32): i32 {
  return conclude(errno, posix.shutdown(fd, how));
}

/** `address` gets the local address. */
export function getsockname(fd: i32, address: sockaddr): i32 {
  return conclude(errno, posix.getsockname(fd, changetype<usize>(address)));
}

/** `address` gets the peer's address. ENOTCONN without one. */
export function getpeername(fd: i32, address: sockaddr): i32 {
  return conclude(errno, posix.getpeername(fd, changetype<usize>(address)));
}

/** Writes the value of an option to `value`, `length` bytes at most. Returns its length (C stores it), or -1. */
export function getsockopt(fd: i32, level: i32, name: i32, value: usize, length: usize): i32 {
  return conclude(errno, posix.getsockopt(fd, level, name, value, <u32>length));
}

/** Sets an option from the `length` bytes at `value`. Returns 0, or -1. */
export function setsockopt(fd: i32, level: i32, name: i32, value: usize, length: usize): i32 {
  return conclude(errno, posix.setsockopt(fd, level, name, value, <u32>length));
}

/** The integer option `name`; -1 with errno on error. */
export function getSocketOption(fd: i32, level: i32, name: i32): i32 {
  const value = new StaticArray<i32>(1);
  const length = conclude(errno, posix.getsockopt(fd, level, name, changetype<usize>(value), 4));
  return length < 0 ? -1 : value[0];
}

/** Sets the integer option `name`. Returns 0, or -1. */
export function setSocketOption(fd: i32, level: i32, name: i32, number: i32): i32 {
  const value = new StaticArray<i32>(1);
  value[0] = number;
  return conclude(errno, posix.setsockopt(fd, level, name, changetype<usize>(value), 4));
}

/** Sets SO_RCVTIMEO or SO_SNDTIMEO to `milliseconds`; 0 = no time-out. Returns 0, or -1. */
export function setSocketTimeout(fd: i32, name: i32, milliseconds: u32): i32 {
  const time = new timeval(<i64>(milliseconds / 1000), <i64>(milliseconds % 1000) * 1000);
  return conclude(errno, posix.setsockopt(fd, SOL_SOCKET, name, changetype<usize>(time), offsetof<timeval>()));
}
