// The application's side of the send ring: how much it may queue, and queueing it.
//
// Large segments are not copied out of the ring: their frames refer to it (ringAttach), and may do so after everything in
// them is acknowledged, when they are retransmissions that the device has not sent yet. New bytes then overwrite what such a
// frame sends. No receiver takes them for what they are not: a place in the ring is free only when its sequence numbers
// are acknowledged cumulatively, so that the receiver has these bytes and drops them unread (RFC 9293, 3.10.7.4, first step:
// what lies before RCV.NXT is trimmed; a selective acknowledgment frees nothing). A segment that is acknowledged in part
// may carry a checksum of other bytes: then it is lost, and sent again. To anybody else these bytes are no secret from the stream: they
// are its own, for the same peer. Bytes of another stream never get there (netfront/blocks.ts).
import { PAGE_SHIFT, PAGE_SIZE, orderFor } from "../../../kernel/memory/pages";
import { wakeAll } from "../../../kernel/thread/wait_queue";
import { ipGathers } from "../ip/routing";
import { bufferMemoryTight, starvedAdd, starvedRemove } from "./memory";
import { ringCapacity, ringDrained, ringExtend, ringReserve, ringWrite, ringAdvance } from "./ring_buffer";
import { STARVED } from "./flags";
import { TcpSocket } from "./socket";

/** SO_SNDBUF, or one page while memory is tight. */
function currentLimit(s: TcpSocket): u32 {
  return bufferMemoryTight() ? min(s.sendLimit, max(PAGE_SIZE, ringCapacity(s.sendBuffer))) : s.sendLimit;
}

/** Bytes that tcpSend would take now, memory permitting. */
export function sendSpace(s: TcpSocket): u32 {
  const limit = currentLimit(s);
  const held = s.sendBuffer.length;
  return limit > held ? limit - held : 0;
}

/** Bytes queued that have not been sent yet. */
export function sendNotSent(s: TcpSocket): u32 {
  const held = s.sendBuffer.length;
  return held - min(held, s.sendMax - s.sendUnacknowledged);
}

/** Wakes a writer that found no room when a third of the buffer is free: for less it would write in crumbs. */
export function sendWake(s: TcpSocket): void {
  if (s.has(STARVED) || sendSpace(s) * 3 < currentLimit(s)) return;
  s.wantsRoom = false;
  wakeAll(s.waitQueue);
}

/** Queues up to `count` bytes; returns how many. 0 when the queue is full or there is no memory. */
export function sendQueue(s: TcpSocket, source: usize, count: u32): u32 {
  const ring = s.sendBuffer;
  const wanted = min(count, sendSpace(s));
  if (wanted < count) s.wantsRoom = true;
  if (wanted == 0) return 0;
  if (ring.length + wanted > ringCapacity(ring)) growFor(s, wanted);
  const taken = min(wanted, ringCapacity(ring) - ring.length);
  if (taken == 0) {
    starvedAdd(s);
    return 0;
  }
  if (s.has(STARVED)) starvedRemove(s);
  ringWrite(ring, ring.length, source, taken);
  ringExtend(ring, taken);
  return taken;
}

/** Grows the ring for `more` bytes, or for as many as memory allows. */
function growFor(s: TcpSocket, more: u32): void {
  const ring = s.sendBuffer;
  ring.toBeSent = ipGathers(s.remote);
  let order = <i32>orderFor(ring.length + more);
  const least = <i32>orderFor(ring.length + 1);
  while (order >= least && !ringReserve(ring, (<u32>1) << (PAGE_SHIFT + order), ring.length)) order -= 1;
}

/** Drops `count` acknowledged bytes; an empty queue holds a page at most. */
export function sendRelease(s: TcpSocket, count: u32): void {
  if (count == s.sendBuffer.length) ringDrained(s.sendBuffer);
  else ringAdvance(s.sendBuffer, count);
}
