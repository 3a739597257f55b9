// UDP output: from the application to IP. Nothing is queued here: a datagram goes out at once or not at all.
import { EACCES, EAGAIN, EDESTADDRREQ, EINVAL, EMSGSIZE, ENETUNREACH, ENOMEM, EPIPE } from "../../../kernel/errno";
import { orderFor, pagesAlloc, pagesFree } from "../../../kernel/memory/pages";
import { wakeAll } from "../../../kernel/thread/wait_queue";
import { udpCounters } from "../counters";
import { IP_ADDRESS_SIZE, IpAddress } from "../ip/address";
import { ipAllocate, ipPathPayload, ipSend, ipSendFragmented } from "../ip/output";
import { ipIsBroadcast, ipSourceFor } from "../ip/routing";
import { transportChecksum, transportChecksumFill } from "../transport";
import { IPPROTO_UDP } from "../wire/ipv4";
import { UDP_CHECKSUM, UDP_HEADER, UDP_PAYLOAD_MAXIMUM, udpWrite } from "../wire/udp";
import { UdpSocket, udpBind, udpForEach, udpTakeError } from "./socket";

let anyStarved: bool = false;

/** The address that the datagram carries. */
const source = changetype<IpAddress>(memory.data(IP_ADDRESS_SIZE, 8));

/**
 * Sends `count` bytes at kernel address `data` (already checked) as one datagram.
 * @param address destination; null = the connected peer, `port` is ignored then
 * @returns `count`; -EDESTADDRREQ without a peer, -EMSGSIZE above 65507 bytes, -EACCES for a broadcast without
 * SO_BROADCAST, -EAGAIN when there is no buffer (POLLOUT will come), -EPIPE after a shutdown, -ENETUNREACH,
 * -EHOSTUNREACH, -ENETDOWN, or an error left by ICMP
 */
export function udpSendTo(socket: UdpSocket, data: usize, count: u32, address: IpAddress, port: u16, now: u64): i32 {
  if (count > UDP_PAYLOAD_MAXIMUM) return -EMSGSIZE;
  if (socket.writeShut) return -EPIPE;
  const pending = udpTakeError(socket);
  if (pending != 0) return -pending;
  if (changetype<usize>(address) == 0) {
    if (socket.remotePort == 0) return -EDESTADDRREQ;
    address = socket.remote;
    port = socket.remotePort;
  }
  if (port == 0) return -EINVAL;
  if (socket.only6 && address.isIpv4()) return -ENETUNREACH;
  if (ipIsBroadcast(address) && !socket.broadcast) return -EACCES;
  if (!ipSourceFor(address, source) && !socket.unconfigured) return -ENETUNREACH;
  if (!socket.local.isAny()) {
    if (socket.local.isIpv4() != address.isIpv4()) return -ENETUNREACH;
    source.copy(socket.local);
  }
  if (socket.localPort == 0) {
    const bound = udpBind(socket, socket.local, 0);
    if (bound != 0) return bound;
  }
  const length = UDP_HEADER + count;
  const sent =
    length <= ipPathPayload(address)
      ? sendWhole(socket, address, port, data, length, now)
      : sendLarge(socket, address, port, data, length, now);
  if (sent == 0) udpCounters.outDatagrams += 1;
  if (sent == -EAGAIN) {
    udpCounters.sndbufErrors += 1;
    socket.starved = true;
    anyStarved = true;
  }
  return sent == 0 ? <i32>count : sent;
}

function sendWhole(s: UdpSocket, address: IpAddress, port: u16, data: usize, length: u32, now: u64): i32 {
  const frame = ipAllocate(address, length);
  if (changetype<usize>(frame) == 0) return -EAGAIN;
  udpWrite(frame.data, s.localPort, port, length);
  memory.copy(frame.data + UDP_HEADER, data, length - UDP_HEADER);
  transportChecksumFill(frame, UDP_CHECKSUM, source, address, IPPROTO_UDP, length);
  s.settings.apply(frame, address);
  return ipSend(frame, IPPROTO_UDP, source, address, length, now);
}

/** A datagram above the path MTU is put together in one piece first: its checksum covers all fragments. */
function sendLarge(s: UdpSocket, address: IpAddress, port: u16, data: usize, length: u32, now: u64): i32 {
  const order = orderFor(length);
  const datagram = pagesAlloc(order);
  if (datagram == 0) return -ENOMEM;
  udpWrite(datagram, s.localPort, port, length);
  memory.copy(datagram + UDP_HEADER, data, length - UDP_HEADER);
  store<u16>(datagram + UDP_CHECKSUM, transportChecksum(source, address, IPPROTO_UDP, datagram, length));
  const sent = ipSendFragmented(IPPROTO_UDP, source, address, datagram, length, s.settings, now);
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
