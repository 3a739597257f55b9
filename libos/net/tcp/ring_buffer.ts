// Byte ring over a block of pages, allocated when the first byte comes and freed when the last one goes; a single page stays
// while memory is plentiful, since requests and answers come and go. The send ring
// holds what is not acknowledged; the receive ring what is not read, and beyond it, in place, text that came early.
// Invariants: the capacity is 0 or a power-of-two number of pages; start < capacity; length <= capacity.
import { PAGE_SHIFT, orderFor } from "../../../kernel/memory/pages";
import { DeviceBlock, TransmitFrame, deviceTransmitAttach } from "../device";
import { bufferBlockAlloc, bufferBlockFree, bufferMemoryPlentiful, bufferPagesAlloc, bufferPagesFree } from "./memory";

@unmanaged
@final
export class RingBuffer {
  address: usize;
  /** Index of the first byte. */
  start: u32;
  /** Bytes held, without gaps. */
  length: u32;
  /** The block has 2^order pages. */
  order: u8;
  /** The order that the last fill needed: where the next one starts. */
  orderHint: u8;
  /** Its bytes are to be sent: memory is asked of the device first. */
  toBeSent: bool;
  /** The largest length since the block was allocated. */
  peak: u32;
  /** The device's block that `address` is of; null when it is ordinary memory. */
  block: DeviceBlock;
}

const NO_BLOCK: DeviceBlock = changetype<DeviceBlock>(0);

/** Bytes of a RingBuffer inside a larger structure. */
export const RING_BUFFER_SIZE: usize = 24;

/** Bytes that fit without growing. */
export function ringCapacity(r: RingBuffer): u32 {
  return r.address == 0 ? 0 : (<u32>1) << (PAGE_SHIFT + r.order);
}

/**
 * Makes the capacity at least `needed` bytes; `held` bytes from the start are kept (length, or more when early text
 * lies beyond it). False when there is no memory: nothing has changed then.
 */
export function ringReserve(r: RingBuffer, needed: u32, held: u32): bool {
  const capacity = ringCapacity(r);
  if (needed <= capacity) return true;
  const order = orderFor(needed);
  if (capacity != 0) return ringMove(r, order, held);
  let first = max(order, <u32>r.orderHint);
  let address = takeMemory(r, first);
  if (address == 0 && first > order) address = takeMemory(r, (first = order));
  if (address == 0) return false;
  r.address = address;
  r.block = taken;
  r.order = <u8>first;
  r.start = 0;
  r.peak = 0;
  return true;
}

/** The block that takeMemory() has found, null for ordinary memory. */
let taken: DeviceBlock = changetype<DeviceBlock>(0);

function takeMemory(r: RingBuffer, order: u32): usize {
  taken = r.toBeSent ? bufferBlockAlloc(order) : NO_BLOCK;
  return taken != NO_BLOCK ? taken.address : bufferPagesAlloc(order);
}

function giveMemory(r: RingBuffer): void {
  if (r.block != NO_BLOCK) bufferBlockFree(r.block);
  else bufferPagesFree(r.address, r.order);
}

/** Replaces the memory by 2^order pages. */
function ringMove(r: RingBuffer, order: u32, held: u32): bool {
  const address = takeMemory(r, order);
  if (address == 0) return false;
  const block = taken;
  ringRead(r, 0, address, held);
  giveMemory(r);
  r.address = address;
  r.block = block;
  r.order = <u8>order;
  r.start = 0;
  return true;
}

/** Copies `count` bytes from `source` to `offset` bytes behind the start; offset + count <= capacity. */
export function ringWrite(r: RingBuffer, offset: u32, source: usize, count: u32): void {
  const capacity = ringCapacity(r);
  const at = (r.start + offset) & (capacity - 1);
  const first = capacity - at;
  if (count <= first) {
    memory.copy(r.address + at, source, count);
    return;
  }
  memory.copy(r.address + at, source, first);
  memory.copy(r.address, source + first, count - first);
}

/** Copies `count` bytes from `offset` bytes behind the start to `target`; offset + count <= capacity. */
export function ringRead(r: RingBuffer, offset: u32, target: usize, count: u32): void {
  if (count == 0) return;
  const capacity = ringCapacity(r);
  const at = (r.start + offset) & (capacity - 1);
  const first = capacity - at;
  if (count <= first) {
    memory.copy(target, r.address + at, count);
    return;
  }
  memory.copy(target, r.address + at, first);
  memory.copy(target + first, r.address, count - first);
}

/** True when frames of a device that gathers can refer to the bytes where they are. */
export function ringShareable(r: RingBuffer): bool {
  return r.block != NO_BLOCK;
}

/**
 * Has `frame` refer to `count` bytes from `offset` bytes behind the start, offset + count <= length, of a ring that is
 * shareable. False when the device has no room now.
 */
export function ringAttach(r: RingBuffer, offset: u32, count: u32, frame: TransmitFrame): bool {
  const at = (r.start + offset) & (ringCapacity(r) - 1);
  const first = min(count, ringCapacity(r) - at);
  return deviceTransmitAttach(frame, r.block, r.address + at, first, count - first);
}

/** Counts `count` more bytes, already written, as held. */
export function ringExtend(r: RingBuffer, count: u32): void {
  r.length += count;
  if (r.length > r.peak) r.peak = r.length;
}

/** Drops `count` bytes from the start; count <= length. */
export function ringAdvance(r: RingBuffer, count: u32): void {
  r.start = (r.start + count) & (ringCapacity(r) - 1);
  r.length -= count;
}

/** The last byte has gone: the pages are given back, unless there is one and memory is plentiful. */
export function ringDrained(r: RingBuffer): void {
  if (r.order != 0 || !bufferMemoryPlentiful()) {
    ringFree(r);
    return;
  }
  r.start = 0;
  r.length = 0;
}

/** Gives the pages back and empties the ring; frames under way that refer to them are no concern of the ring's. */
export function ringFree(r: RingBuffer): void {
  if (r.address == 0) return;
  r.orderHint = <u8>orderFor(r.peak);
  giveMemory(r);
  r.block = NO_BLOCK;
  r.address = 0;
  r.length = 0;
}
