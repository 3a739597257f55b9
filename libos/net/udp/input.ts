// UDP input: from IP into the sockets' queues, and from there to the application.
import { EAGAIN, ECONNREFUSED, EMSGSIZE, EHOSTUNREACH, ENETUNREACH, EPROTO } from "../../../kernel/errno";
import { wakeAll } from "../../../kernel/thread/wait_queue";
import { udpCounters } from "../counters";
import { IpAddress, addressCovers } from "../ip/address";
import { pathMtuLower } from "../ip/path_mtu";
import { ipIsGroup } from "../ip/routing";
import { sharedPortLot } from "../port_sharing";
import { RX_LINK_GROUP } from "../receive_flags";
import { transportChecksumValid } from "../transport";
import { IPPROTO_UDP } from "../wire/ipv4";
import { UDP_HEADER, udpCheckLength, udpDestinationPort, udpHasChecksum, udpLength, udpSourcePort } from "../wire/udp";
import { Datagram, datagramAllocate, datagramFree } from "./datagram";
import { UdpSocket, udpBucket, udpServes } from "./socket";

/** Where a received datagram came from. */
@unmanaged
@final
export class UdpPeer {
  // Storage of the address: use `address`.
  private addressHigh: u64;
  private addressLow: u64;
  /** Bytes of the datagram, of which the caller may have taken fewer (MSG_TRUNC). */
  length: u32;
  port: u16;

  get address(): IpAddress {
    return changetype<IpAddress>(changetype<usize>(this) + offsetof<UdpPeer>("addressHigh"));
  }
}

/** Bytes of a UdpPeer, for static instances. */
export const UDP_PEER_SIZE: i32 = 24;

const NO_MATCH: i32 = -1;

/** How closely the socket matches: the more fields are fixed, the better; NO_MATCH when one differs. */
function matchScore(s: UdpSocket, remote: IpAddress, remotePort: u16, local: IpAddress, localPort: u16): i32 {
  if (s.localPort != localPort || !addressCovers(s.local, s.only6, local)) return NO_MATCH;
  if (s.remotePort == 0) return s.local.isAny() ? 0 : 1;
  return s.remotePort == remotePort && s.remote.equals(remote) ? 2 : NO_MATCH;
}

/** True when the peer belongs to `s` rather than to `other`. Where sockets share by SO_REUSEADDR alone, the newest has all. */
function sharesMore(s: UdpSocket, other: UdpSocket, remote: IpAddress, remotePort: u16): bool {
  if (!s.reusePort || !other.reusePort) return false;
  const lot = sharedPortLot(changetype<usize>(other), remote, remotePort);
  return sharedPortLot(changetype<usize>(s), remote, remotePort) > lot;
}

/** The socket that datagrams from `remote` to `local` are for, or null. Of several that match as well, SO_REUSEPORT gives each its share. */
function findSocket(remote: IpAddress, remotePort: u16, local: IpAddress, localPort: u16): UdpSocket {
  let best = changetype<UdpSocket>(0);
  let bestScore = NO_MATCH;
  let socket = udpBucket(localPort);
  while (changetype<usize>(socket) != 0) {
    const score = matchScore(socket, remote, remotePort, local, localPort);
    if (
      score > bestScore ||
      (score == bestScore && score != NO_MATCH && sharesMore(socket, best, remote, remotePort))
    ) {
      best = socket;
      bestScore = score;
    }
    socket = changetype<UdpSocket>(socket.nextInBucket);
  }
  return best;
}

/** Takes one datagram from IP: see transportRegister(). */
export function udpInput(
  source: IpAddress,
  destination: IpAddress,
  segment: usize,
  available: u32,
  flags: u32,
  _now: u64,
): i32 {
  if (udpCheckLength(segment, available) != 0) {
    udpCounters.inErrors += 1;
    return 0;
  }
  const length = udpLength(segment);
  // RFC 1122 section 4.1.3.4 MUST: verify a checksum that is there. RFC 8200 section 8.1: over IPv6 it must be.
  const right = udpHasChecksum(segment)
    ? transportChecksumValid(source, destination, IPPROTO_UDP, segment, length, flags)
    : source.isIpv4();
  if (!right) {
    udpCounters.inErrors += 1;
    udpCounters.inCsumErrors += 1;
    return 0;
  }
  const sourcePort = udpSourcePort(segment);
  const port = udpDestinationPort(segment);
  if ((flags & RX_LINK_GROUP) != 0 || ipIsGroup(destination)) {
    inputGroup(source, destination, segment, length);
    return 0;
  }
  const socket = findSocket(source, sourcePort, destination, port);
  if (changetype<usize>(socket) == 0) {
    udpCounters.noPorts += 1;
    return -ECONNREFUSED;
  }
  enqueue(socket, source, sourcePort, segment + UDP_HEADER, length - UDP_HEADER);
  return 0;
}

/** What is for a group goes to every socket that matches. */
function inputGroup(source: IpAddress, destination: IpAddress, segment: usize, length: u32): void {
  const sourcePort = udpSourcePort(segment);
  const port = udpDestinationPort(segment);
  let socket = udpBucket(port);
  while (changetype<usize>(socket) != 0) {
    if (matchScore(socket, source, sourcePort, destination, port) != NO_MATCH) {
      enqueue(socket, source, sourcePort, segment + UDP_HEADER, length - UDP_HEADER);
    }
    socket = changetype<UdpSocket>(socket.nextInBucket);
  }
}

/** Appends to the socket's queue, or drops the datagram when the queue is full. */
function enqueue(socket: UdpSocket, sender: IpAddress, port: u16, data: usize, length: u32): void {
  if (socket.readShut) return;
  const isFull = socket.queued >= socket.receiveLimit;
  const datagram = isFull ? changetype<Datagram>(0) : datagramAllocate(length);
  if (changetype<usize>(datagram) == 0) {
    socket.drops += 1;
    udpCounters.inErrors += 1;
    udpCounters.rcvbufErrors += 1;
    return;
  }
  udpCounters.inDatagrams += 1;
  datagram.sender.copy(sender);
  datagram.port = port;
  memory.copy(datagram.data(), data, length);
  if (socket.tail != 0) changetype<Datagram>(socket.tail).next = changetype<usize>(datagram);
  else socket.head = changetype<usize>(datagram);
  socket.tail = changetype<usize>(datagram);
  socket.queued += datagram.size;
  wakeAll(socket.waitQueue());
}

/**
 * Takes an ICMP error: see transportRegister(). Only a connected socket has asked for errors (as on Linux), and only
 * hard ones are told (RFC 1122 section 4.1.3.3); soft ones come and go with the route.
 */
export function udpIcmpError(
  local: IpAddress,
  remote: IpAddress,
  segment: usize,
  _length: u32,
  error: i32,
  mtu: u32,
  now: u64,
): void {
  const socket = findSocket(remote, udpDestinationPort(segment), local, udpSourcePort(segment));
  if (changetype<usize>(socket) == 0 || socket.remotePort == 0) return;
  if (error == EMSGSIZE) {
    pathMtuLower(remote, mtu, now);
  } else if (error != EHOSTUNREACH && error != ENETUNREACH && error != EPROTO) {
    socket.error = error;
    wakeAll(socket.waitQueue());
  }
}

/** Copies the oldest datagram to `count` bytes at `target`; the rest of it is lost when `count` is too small. */
function copyOut(socket: UdpSocket, target: usize, count: u32, peer: UdpPeer): i32 {
  if (socket.error != 0) {
    const error = socket.error;
    socket.error = 0;
    return -error;
  }
  if (socket.head == 0) return socket.readShut ? 0 : -EAGAIN;
  const datagram = changetype<Datagram>(socket.head);
  const copied = min(count, datagram.length);
  memory.copy(target, datagram.data(), copied);
  if (changetype<usize>(peer) != 0) {
    peer.address.copy(datagram.sender);
    peer.port = datagram.port;
    peer.length = datagram.length;
  }
  return <i32>copied;
}

/**
 * Takes one datagram off the queue.
 * @param target kernel address of `count` bytes, already checked
 * @param peer filled with the sender unless null
 * @returns bytes copied, -EAGAIN when there is none, a pending error, or 0 after a shutdown
 */
export function udpReceiveFrom(socket: UdpSocket, target: usize, count: u32, peer: UdpPeer): i32 {
  udpServes(socket);
  const hadError = socket.error != 0;
  const result = copyOut(socket, target, count, peer);
  if (hadError || socket.head == 0) return result;
  const datagram = changetype<Datagram>(socket.head);
  socket.head = datagram.next;
  if (socket.head == 0) socket.tail = 0;
  socket.queued -= datagram.size;
  datagramFree(datagram);
  return result;
}

/** Bytes of the oldest datagram, 0 when there is none. */
export function udpNextLength(socket: UdpSocket): u32 {
  return socket.head == 0 ? 0 : changetype<Datagram>(socket.head).length;
}

/** As udpReceiveFrom(), but the datagram stays in the queue (MSG_PEEK). */
export function udpPeekFrom(socket: UdpSocket, target: usize, count: u32, peer: UdpPeer): i32 {
  return copyOut(socket, target, count, peer);
}
