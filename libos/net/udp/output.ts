// UDP output: from the application to IPv4. Nothing is queued here: a datagram goes out at once or not at all.
import { EACCES, EAGAIN, EDESTADDRREQ, EINVAL, EMSGSIZE, ENETUNREACH, ENOMEM, EPIPE } from "../../../kernel/errno";
import { orderFor, pagesAlloc, pagesFree } from "../../../kernel/memory/pages";
import { wakeAll } from "../../../kernel/thread/wait_queue";
import { addressIsBroadcast } from "../addresses";
import { ipv4SendFragmented } from "../ipv4/fragment";
import { ipv4Allocate, ipv4PathMtu, ipv4Send } from "../ipv4/output";
import { ipv4SourceFor } from "../ipv4/routing";
import { transportChecksumFill } from "../transport";
import { checksumAdd, checksumFinish, checksumPseudoHeader } from "../wire/checksum";
import { IPPROTO_UDP, IPV4_HEADER } from "../wire/ipv4";
import { UDP_CHECKSUM, UDP_HEADER, UDP_PAYLOAD_MAXIMUM, udpWrite } from "../wire/udp";
import { UdpSocket, udpBind, udpForEach, udpTakeError } from "./socket";

let anyStarved: bool = false;

/**
 * Sends `count` bytes at kernel address `data` (already checked) as one datagram.
 * @param address destination in host order; 0 = the connected peer, `port` is ignored then
 * @returns `count`; -EDESTADDRREQ without a peer, -EMSGSIZE above 65507 bytes, -EACCES for a broadcast without
 * SO_BROADCAST, -EAGAIN when there is no buffer (POLLOUT will come), -EPIPE after a shutdown, -ENETUNREACH,
 * -EHOSTUNREACH, -ENETDOWN, or an error left by ICMP
 */
export function udpSendTo(socket: UdpSocket, data: usize, count: u32, address: u32, port: u16, now: u64): i32 {
  if (count > UDP_PAYLOAD_MAXIMUM) return -EMSGSIZE;
  if (socket.writeShut) return -EPIPE;
  const pending = udpTakeError(socket);
  if (pending != 0) return -pending;
  if (address == 0) {
    address = socket.remoteAddress;
    port = socket.remotePort;
    if (address == 0) return -EDESTADDRREQ;
  }
  if (port == 0) return -EINVAL;
  if (addressIsBroadcast(address) && !socket.broadcast) return -EACCES;
  const route = ipv4SourceFor(address);
  if (route == 0 && !socket.unconfigured) return -ENETUNREACH;
  const source = socket.localAddress != 0 ? socket.localAddress : route;
  if (socket.localPort == 0) {
    const bound = udpBind(socket, 0, 0);
    if (bound != 0) return bound;
  }
  const length = UDP_HEADER + count;
  const sent =
    length + IPV4_HEADER <= ipv4PathMtu(address)
      ? sendWhole(socket, source, address, port, data, length, now)
      : sendLarge(socket, source, address, port, data, length, now);
  if (sent == -EAGAIN) {
    socket.starved = true;
    anyStarved = true;
  }
  return sent == 0 ? <i32>count : sent;
}

function sendWhole(s: UdpSocket, source: u32, address: u32, port: u16, data: usize, length: u32, now: u64): i32 {
  const frame = ipv4Allocate(address, length);
  if (changetype<usize>(frame) == 0) return -EAGAIN;
  udpWrite(frame.data, s.localPort, port, length);
  memory.copy(frame.data + UDP_HEADER, data, length - UDP_HEADER);
  transportChecksumFill(frame, UDP_CHECKSUM, source, address, IPPROTO_UDP, length);
  return ipv4Send(frame, IPPROTO_UDP, source, address, length, now);
}

/** A datagram above the path MTU is put together in one piece first: its checksum covers all fragments. */
function sendLarge(s: UdpSocket, source: u32, address: u32, port: u16, data: usize, length: u32, now: u64): i32 {
  const order = orderFor(length);
  const datagram = pagesAlloc(order);
  if (datagram == 0) return -ENOMEM;
  udpWrite(datagram, s.localPort, port, length);
  memory.copy(datagram + UDP_HEADER, data, length - UDP_HEADER);
  const sum = checksumPseudoHeader(source, address, IPPROTO_UDP, length);
  const value = checksumFinish(checksumAdd(sum, datagram, length));
  // RFC 768: a computed zero is sent as all ones.
  store<u16>(datagram + UDP_CHECKSUM, value == 0 ? 0xffff : value);
  const sent = ipv4SendFragmented(IPPROTO_UDP, source, address, datagram, length, now);
  pagesFree(datagram, order);
  return sent;
}

function wakeStarved(socket: UdpSocket): void {
  if (!socket.starved) return;
  socket.starved = false;
  wakeAll(socket.waitQueue());
}

/** Lets senders that found no buffer try again. */
export function udpPoll(_now: u64): void {
  if (!anyStarved) return;
  anyStarved = false;
  udpForEach(wakeStarved.index);
}
