// Blocking transfer through sockets: try, and while the answer is "not now", wait for the socket and try again.
// Pointers are kernel addresses, already checked. The caller holds a reference of the description.
import { EAGAIN, ECONNREFUSED, EDESTADDRREQ, EINPROGRESS, EINTR, EPIPE, ETIMEDOUT } from "../../kernel/errno";
import { monotonicNow } from "../../kernel/time/clock";
import { WaitQueue, waitInterruptibly } from "../../kernel/thread/wait_queue";
import { IpAddress } from "../net/ip/address";
import { UdpPeer, udpPeekFrom, udpReceiveFrom } from "../net/udp/input";
import { udpSendTo } from "../net/udp/output";
import { UdpSocket } from "../net/udp/socket";
import { tcpConnected, tcpPeek, tcpPollEvents, tcpReceive, tcpSend, tcpTakeError } from "../net/tcp/api";
import { brokenPipe } from "../process/broken_pipe";
import { OpenFile } from "../process/open_file";
import { ENDPOINT_SIZE, Endpoint, addressRead, endpointResolveAny } from "./address";
import { MSG_DONTWAIT, MSG_MORE, MSG_NOSIGNAL, MSG_PEEK, MSG_TRUNC, MSG_WAITALL } from "./constants";
import { timeoutDeadline } from "./deadline";

/** Whether a call with `flags` must not wait. */
function mustNotWait(file: OpenFile, flags: i32): bool {
  return file.nonBlocking || (flags & MSG_DONTWAIT) != 0;
}

/** Waits for `queue` as a call with `flags` on `file` may: 0, -EAGAIN (not at all, or its time is over), -EINTR. */
export function fileWait(file: OpenFile, flags: i32, queue: WaitQueue, deadline: u64): i32 {
  if (mustNotWait(file, flags)) return -EAGAIN;
  const result = waitInterruptibly(queue, deadline);
  return result == -ETIMEDOUT ? -EAGAIN : result;
}

/** Receives from a TCP socket: bytes, 0 at the end of the stream, -errno. */
export function streamReceive(file: OpenFile, target: usize, count: u32, flags: i32): i32 {
  const socket = file.tcp;
  const deadline = timeoutDeadline(file.receiveTimeout);
  const peek = (flags & MSG_PEEK) != 0;
  const all = (flags & MSG_WAITALL) != 0 && !peek;
  let done: u32 = 0;
  while (true) {
    const result = peek
      ? tcpPeek(socket, target, count)
      : tcpReceive(socket, target + done, count - done, monotonicNow());
    if (result > 0) done += <u32>result;
    if (done == count || (done != 0 && !all)) return <i32>done;
    if (result == -EAGAIN) {
      const waited = fileWait(file, flags, socket.waitQueue, deadline);
      if (waited != 0) return done != 0 ? <i32>done : waited;
    } else if (result <= 0) {
      return done != 0 ? <i32>done : result;
    }
  }
}

/** Sends through a TCP socket: all bytes unless it must not wait, -errno when none went, -EPIPE with SIGPIPE unless MSG_NOSIGNAL. */
export function streamSend(file: OpenFile, source: usize, count: u32, flags: i32): i32 {
  const socket = file.tcp;
  const more = (flags & MSG_MORE) != 0;
  let deadline: u64 = 0;
  let done: u32 = 0;
  while (true) {
    const result = tcpSend(socket, source + done, count - done, monotonicNow(), more);
    if (result >= 0) done += <u32>result;
    if (done == count) return <i32>done;
    if (result < 0 && result != -EAGAIN) {
      if (done != 0) return <i32>done;
      return result == -EPIPE && (flags & MSG_NOSIGNAL) == 0 ? brokenPipe() : result;
    }
    if (result > 0) continue;
    if (deadline == 0) deadline = timeoutDeadline(file.sendTimeout);
    const waited = fileWait(file, flags, socket.waitQueue, deadline);
    if (waited != 0) return done != 0 ? <i32>done : waited;
  }
}

/** Waits until a TCP connection that is being opened stands: 0, why it does not, -EINTR, or -EINPROGRESS after SO_SNDTIMEO. */
export function streamAwaitConnected(file: OpenFile): i32 {
  const socket = file.tcp;
  const deadline = timeoutDeadline(file.sendTimeout);
  while (tcpPollEvents(socket) == 0) {
    const waited = waitInterruptibly(socket.waitQueue, deadline);
    if (waited != 0) return waited == -EINTR ? -EINTR : -EINPROGRESS; // it goes on in the background
  }
  const error = tcpTakeError(socket);
  if (error != 0) return -error;
  return tcpConnected(socket) ? 0 : -ECONNREFUSED;
}

/** Receives one datagram: the bytes copied (with MSG_TRUNC its length), -errno. `peer` gets its sender. */
export function datagramReceive(file: OpenFile, target: usize, count: u32, flags: i32, peer: UdpPeer): i32 {
  const socket = file.udp;
  const deadline = timeoutDeadline(file.receiveTimeout);
  while (true) {
    peer.length = 0;
    const result =
      (flags & MSG_PEEK) != 0 ? udpPeekFrom(socket, target, count, peer) : udpReceiveFrom(socket, target, count, peer);
    if (result >= 0 && (flags & MSG_TRUNC) != 0) return max(result, <i32>peer.length);
    if (result != -EAGAIN) return result;
    const waited = fileWait(file, flags, socket.waitQueue(), deadline);
    if (waited != 0) return waited;
  }
}

const endpoint = changetype<Endpoint>(memory.data(ENDPOINT_SIZE, 8));

/** One attempt; the address is read anew for each, since `endpoint` is everybody's between them. */
function datagramTry(socket: UdpSocket, source: usize, count: u32, address: u32): i32 {
  if (address == 0) return udpSendTo(socket, source, count, changetype<IpAddress>(0), 0, monotonicNow());
  const given = addressRead(address, socket.ipv6, endpoint);
  if (given != 0) return given;
  endpointResolveAny(endpoint);
  return udpSendTo(socket, source, count, endpoint.address, endpoint.port, monotonicNow());
}

/** Sends one datagram to the sockaddr at offset `address` of app memory (0 = the connected peer): its length, or -errno. */
export function datagramSend(file: OpenFile, source: usize, count: u32, flags: i32, address: u32): i32 {
  const socket = file.udp;
  if (address == 0 && socket.remotePort == 0) return -EDESTADDRREQ;
  const deadline = timeoutDeadline(file.sendTimeout);
  while (true) {
    const result = datagramTry(socket, source, count, address);
    if (result != -EAGAIN) return result;
    const waited = fileWait(file, flags, socket.waitQueue(), deadline);
    if (waited != 0) return waited;
  }
}
