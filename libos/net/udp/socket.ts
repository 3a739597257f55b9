// UDP sockets (RFC 768; the socket interface as in POSIX). Read this file first: it has the structure, its life and
// its table of ports; input.ts and output.ts move datagrams.
//
// Invariants: a socket with a local port is in the table under it, others are not; `queued` is the memory of the
// datagrams in the receive queue and exceeds `receiveLimit` by less than one datagram.
import { EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENETUNREACH, ENOTCONN } from "../../../kernel/errno";
import { SLAB_SIZE, Slab, slabInit } from "../../../kernel/memory/slab";
import { WaitQueue, wakeAll } from "../../../kernel/thread/wait_queue";
import { networkServes } from "../../optional/with_fork_network";
import { IP_ADDRESS_SIZE, IpAddress, addressesOverlap } from "../ip/address";
import { IpSettings } from "../ip/settings";
import { ipIsBroadcast, ipIsLocal, ipSourceFor } from "../ip/routing";
import { POLLERR, POLLHUP, POLLRDHUP, READABLE, WRITABLE } from "../poll_events";
import { ephemeralPort } from "../ports";
import { Datagram, datagramFree } from "./datagram";

/** Values of `how` in udpShutdown(), as in POSIX. */
export const SHUT_RD: u32 = 0;
export const SHUT_WR: u32 = 1;
export const SHUT_RDWR: u32 = 2;

/** Memory in bytes that a receive queue may hold unless set otherwise, and at most. */
const UDP_RECEIVE_LIMIT: u32 = 65536;
const RECEIVE_LIMIT_MINIMUM: u32 = 4096;
const RECEIVE_LIMIT_MAXIMUM: u32 = 1048576;

const BUCKETS: u32 = 64;

/** One socket. Fields are read by anyone, written by libos/net/udp only. */
@unmanaged
@final
export class UdpSocket {
  /** Storage of the WaitQueue: use waitQueue(). */
  waiters: u64;
  /** Next socket of the same bucket. */
  nextInBucket: usize;
  /** Received datagrams, oldest first. */
  head: usize;
  tail: usize;
  queued: u32;
  receiveLimit: u32;
  // Storage of the addresses: use `local` and `remote`.
  private localHigh: u64;
  private localLow: u64;
  private remoteHigh: u64;
  private remoteLow: u64;
  // Storage of the settings: use `settings`.
  private settingsBytes: u64;
  /** Positive errno that an ICMP message left; 0 = none. */
  error: i32;
  /** 0 = not bound. */
  localPort: u16;
  /** 0 = not connected. */
  remotePort: u16;
  /** A socket of AF_INET6. */
  ipv6: bool;
  /** IPV6_V6ONLY. */
  only6: bool;
  reuseAddress: bool;
  /** SO_REUSEPORT. */
  reusePort: bool;
  /** SO_BROADCAST. */
  broadcast: bool;
  readShut: bool;
  writeShut: bool;
  /** Sending found no buffer; udpPoll() will wake the senders. */
  starved: bool;
  /** The DHCP client's socket: sends without an address of our own. */
  unconfigured: bool;
  /** The address was chosen by connect, not by bind: disconnecting takes it back. */
  addressByConnect: bool;
  /** The port was named by bind: it is one that others know. */
  portNamed: bool;
  /** Whether the application waits for what comes to that port, and forkd knows (family/listeners.ts); 0 = it never has. */
  accepts: u8;
  /** Datagrams dropped for want of room or memory. */
  drops: u32;

  /** Our address, maybe "any". */
  get local(): IpAddress {
    return changetype<IpAddress>(changetype<usize>(this) + offsetof<UdpSocket>("localHigh"));
  }

  /** The peer's address when connected. */
  get remote(): IpAddress {
    return changetype<IpAddress>(changetype<usize>(this) + offsetof<UdpSocket>("remoteHigh"));
  }

  /** What was asked of the IP headers of all that it sends. */
  get settings(): IpSettings {
    return changetype<IpSettings>(changetype<usize>(this) + offsetof<UdpSocket>("settingsBytes"));
  }

  /** Woken whenever udpPollEvents() may have changed. */
  waitQueue(): WaitQueue {
    return changetype<WaitQueue>(this);
  }
}

const slab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
const buckets = memory.data(256, 4); // BUCKETS list heads
let initialised = false;

function bucketOf(port: u16): usize {
  return buckets + ((<usize>(port & (BUCKETS - 1))) << 2);
}

/** The first socket of the bucket that `port` belongs to; follow nextInBucket and compare localPort. */
export function udpBucket(port: u16): UdpSocket {
  return load<UdpSocket>(bucketOf(port));
}

/** A new socket, of AF_INET6 when `ipv6`; null when memory is exhausted. */
export function udpSocketCreate(ipv6: bool): UdpSocket {
  if (!initialised) {
    slabInit(slab, offsetof<UdpSocket>());
    initialised = true;
  }
  const socket = changetype<UdpSocket>(slab.alloc());
  if (changetype<usize>(socket) == 0) return socket;
  socket.receiveLimit = UDP_RECEIVE_LIMIT;
  socket.ipv6 = ipv6;
  makeAny(socket);
  return socket;
}

/** Closes the socket, which is gone afterwards: no thread may stand in its wait queue. */
export function udpClose(socket: UdpSocket): void {
  const port = socket.localPort;
  const accepted = socket.accepts != 0;
  unlink(socket);
  if (accepted) networkServes(socket, port, false);
  udpDiscard(socket);
  slab.free(changetype<usize>(socket));
}

function makeAny(socket: UdpSocket): void {
  if (socket.ipv6) socket.local.clear();
  else socket.local.setIpv4(0);
}

/** Drops what has come and was not read. */
export function udpDiscard(socket: UdpSocket): void {
  while (socket.head != 0) {
    const datagram = changetype<Datagram>(socket.head);
    socket.head = datagram.next;
    datagramFree(datagram);
  }
  socket.tail = 0;
  socket.queued = 0;
}

function link(socket: UdpSocket, port: u16): void {
  socket.localPort = port;
  const bucket = bucketOf(port);
  socket.nextInBucket = load<usize>(bucket);
  store<usize>(bucket, changetype<usize>(socket));
}

function unlink(socket: UdpSocket): void {
  if (socket.localPort == 0) return;
  let at = bucketOf(socket.localPort);
  while (load<usize>(at) != changetype<usize>(socket)) at = load<usize>(at) + offsetof<UdpSocket>("nextInBucket");
  store<usize>(at, socket.nextInBucket);
  socket.localPort = 0;
}

/** True when a bound socket stands in the way of `socket` at `address`:`port`. */
function conflicts(socket: UdpSocket, address: IpAddress, port: u16): bool {
  let other = udpBucket(port);
  while (changetype<usize>(other) != 0) {
    const overlaps = other.localPort == port && addressesOverlap(other.local, other.only6, address, socket.only6);
    const shared = (other.reuseAddress && socket.reuseAddress) || (other.reusePort && socket.reusePort);
    if (overlaps && !shared) return true;
    other = changetype<UdpSocket>(other.nextInBucket);
  }
  return false;
}

/** For ephemeralPort(): the port is in use by anybody, reusable or not. */
function portInUse(port: u16, _context: usize): bool {
  let other = udpBucket(port);
  while (changetype<usize>(other) != 0) {
    if (other.localPort == port) return true;
    other = changetype<UdpSocket>(other.nextInBucket);
  }
  return false;
}

/**
 * Binds to an address of ours (maybe "any") and a port (0 = a free one).
 * @returns 0, -EINVAL when already bound, -EADDRNOTAVAIL, -EADDRINUSE
 */
export function udpBind(socket: UdpSocket, address: IpAddress, port: u16): i32 {
  if (socket.localPort != 0 || (socket.only6 && address.isIpv4())) return -EINVAL;
  if (!address.isAny() && !ipIsLocal(address) && !ipIsBroadcast(address)) return -EADDRNOTAVAIL;
  if (port == 0) {
    const chosen = ephemeralPort(portInUse.index, 0);
    if (chosen < 0) return chosen;
    port = <u16>chosen;
  } else if (conflicts(socket, address, port)) {
    return -EADDRINUSE;
  } else {
    socket.portNamed = true;
  }
  socket.local.copy(address);
  link(socket, port);
  return 0;
}

/** The address that datagrams to a peer carry. */
const source = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/**
 * Sets the peer that datagrams go to and may come from.
 * @returns 0, -EINVAL for port 0, -ENETUNREACH without a route, -EADDRINUSE when no port is free
 */
export function udpConnect(socket: UdpSocket, address: IpAddress, port: u16): i32 {
  if (port == 0) return -EINVAL;
  if (socket.only6 && address.isIpv4()) return -ENETUNREACH;
  if (!ipSourceFor(address, source)) return -ENETUNREACH;
  if (socket.localPort == 0) {
    const bound = udpBind(socket, socket.local, 0);
    if (bound != 0) return bound;
  }
  if (socket.local.isAny() || socket.addressByConnect) {
    socket.local.copy(source);
    socket.addressByConnect = true;
  } else if (socket.local.isIpv4() != address.isIpv4()) {
    return -ENETUNREACH;
  }
  socket.remote.copy(address);
  socket.remotePort = port;
  return 0;
}

/** Takes the peer away. */
export function udpDisconnect(socket: UdpSocket): void {
  socket.remote.clear();
  socket.remotePort = 0;
  socket.error = 0;
  if (!socket.addressByConnect) return;
  makeAny(socket);
  socket.addressByConnect = false;
}

/** Ends one or both directions. -EINVAL for a wrong `how`, -ENOTCONN when not connected (done nevertheless, as Linux does). */
export function udpShutdown(socket: UdpSocket, how: u32): i32 {
  if (how > SHUT_RDWR) return -EINVAL;
  if (how != SHUT_WR) socket.readShut = true;
  if (how != SHUT_RD) socket.writeShut = true;
  wakeAll(socket.waitQueue());
  return socket.remotePort == 0 ? -ENOTCONN : 0;
}

/** The application waits for datagrams of anybody to the port that it has named: in a family it gets its share of them from now on. */
export function udpServes(socket: UdpSocket): void {
  if (socket.accepts != 0 || !socket.portNamed || socket.remotePort != 0 || socket.unconfigured) return;
  socket.accepts = 1;
  networkServes(socket, socket.localPort, true);
}

/** Readiness of the socket as POLL bits. */
export function udpPollEvents(socket: UdpSocket): u32 {
  udpServes(socket);
  let events: u32 = 0;
  if (socket.head != 0 || socket.readShut || socket.error != 0) events |= READABLE;
  if (!socket.starved || socket.writeShut || socket.error != 0) events |= WRITABLE;
  if (socket.error != 0) events |= POLLERR;
  if (socket.readShut) events |= POLLRDHUP;
  if (socket.readShut && socket.writeShut) events |= POLLHUP;
  return events;
}

/** The pending error as a positive errno, 0 when there is none; it is pending no longer. */
export function udpTakeError(socket: UdpSocket): i32 {
  const error = socket.error;
  socket.error = 0;
  return error;
}

/** Sets the bytes of memory that the receive queue may hold (SO_RCVBUF), within bounds. */
export function udpSetReceiveLimit(socket: UdpSocket, bytes: u32): void {
  socket.receiveLimit = min(max(bytes, RECEIVE_LIMIT_MINIMUM), RECEIVE_LIMIT_MAXIMUM);
}

/** The first of all bound sockets, null when there is none. */
export function udpFirst(): UdpSocket {
  return firstFrom(0);
}

/** The one after `socket`, null at the end. */
export function udpNext(socket: UdpSocket): UdpSocket {
  if (socket.nextInBucket != 0) return changetype<UdpSocket>(socket.nextInBucket);
  return firstFrom((socket.localPort & (BUCKETS - 1)) + 1);
}

function firstFrom(bucket: u32): UdpSocket {
  while (bucket < BUCKETS - 1 && changetype<usize>(udpBucket(<u16>bucket)) == 0) bucket++;
  return bucket < BUCKETS ? udpBucket(<u16>bucket) : changetype<UdpSocket>(0);
}

/** Calls the function of index `visit`, (socket: UdpSocket) => void, for every bound socket. */
export function udpForEach(visit: u32): void {
  for (let i: u32 = 0; i < BUCKETS; i++) {
    let socket = udpBucket(<u16>i);
    while (changetype<usize>(socket) != 0) {
      const next = changetype<UdpSocket>(socket.nextInBucket);
      call_indirect<void>(visit, socket);
      socket = next;
    }
  }
}
