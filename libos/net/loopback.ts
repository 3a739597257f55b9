// The loopback: packets to 127/8, ::1 and to our own addresses. A frame comes from the page allocator, waits in a bounded
// queue and is delivered by interfacePoll(), never from inside a send: input and output do not recurse.
import { PAGE_SHIFT, orderFor, pagesAlloc, pagesFree } from "../../kernel/memory/pages";
import { workRaise } from "../../kernel/work";
import { loCounters } from "./counters";
import { TransmitFrame } from "./device";
import { TX_LOOPBACK } from "./transport";

/** Largest packet on the loopback: with its headers it fills four pages. */
export const LOOPBACK_MTU: u32 = 16320;

/** Bytes in front of the data: the TransmitFrame. */
const DESCRIPTOR: u32 = 32;
/** Pages that frames of the loopback may occupy together. */
const PAGES_MAXIMUM: u32 = 64;

let head: usize = 0;
let tail: usize = 0;
let queued: u32 = 0;
let pages: u32 = 0;

/** A frame with room for `size` bytes, or null when the loopback holds its share of memory already. */
export function loopbackAllocate(size: u32): TransmitFrame {
  const order = orderFor(DESCRIPTOR + size);
  if (pages + (1 << order) > PAGES_MAXIMUM) return changetype<TransmitFrame>(0);
  const block = pagesAlloc(order);
  if (block == 0) return changetype<TransmitFrame>(0);
  pages += 1 << order;
  const frame = changetype<TransmitFrame>(block);
  frame.data = block + DESCRIPTOR;
  frame.capacity = (1 << (PAGE_SHIFT + order)) - DESCRIPTOR;
  frame.length = 0;
  frame.flags = TX_LOOPBACK;
  frame.buffer = order;
  frame.next = 0;
  frame.gsoSize = 0;
  frame.service = 0;
  return frame;
}

/** Gives a frame back. */
export function loopbackFree(frame: TransmitFrame): void {
  pages -= 1 << frame.buffer;
  pagesFree(changetype<usize>(frame), frame.buffer);
}

/** Queues a complete IP packet for delivery to ourselves in the kernel's next pass of work. */
export function loopbackSend(frame: TransmitFrame): void {
  loCounters.txPackets += 1;
  loCounters.txBytes += frame.length;
  frame.next = 0;
  if (tail != 0) changetype<TransmitFrame>(tail).next = changetype<usize>(frame);
  else head = changetype<usize>(frame);
  tail = changetype<usize>(frame);
  queued += 1;
  workRaise();
}

/** Packets that wait for delivery. */
export function loopbackQueued(): u32 {
  return queued;
}

/** Takes the oldest packet off the queue, or null. */
export function loopbackTake(): TransmitFrame {
  const frame = changetype<TransmitFrame>(head);
  if (head != 0) {
    head = frame.next;
    if (head == 0) tail = 0;
    queued -= 1;
  }
  return frame;
}
