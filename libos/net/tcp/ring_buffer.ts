// Byte ring over a block of pages, allocated when the first byte comes and freed when the last one goes. The send ring
// holds what is not acknowledged; the receive ring what is not read, and beyond it, in place, text that came early.
// Invariants: the capacity is 0 or a power-of-two number of pages; start < capacity; length <= capacity.
import { PAGE_SHIFT, orderFor } from "../../../kernel/memory/pages";
import { bufferPagesAlloc, bufferPagesFree } from "./memory";

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
  /** The largest length since the block was allocated. */
  peak: u32;
}

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
  let block = bufferPagesAlloc(first);
  if (block == 0 && first > order) block = bufferPagesAlloc((first = order));
  if (block == 0) return false;
  r.address = block;
  r.order = <u8>first;
  r.start = 0;
  r.peak = 0;
  return true;
}

/** Replaces the block by one of 2^order pages. */
function ringMove(r: RingBuffer, order: u32, held: u32): bool {
  const block = bufferPagesAlloc(order);
  if (block == 0) return false;
  ringRead(r, 0, block, held);
  bufferPagesFree(r.address, r.order);
  r.address = block;
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

/** Gives the pages back and empties the ring. */
export function ringFree(r: RingBuffer): void {
  if (r.address == 0) return;
  r.orderHint = <u8>orderFor(r.peak);
  bufferPagesFree(r.address, r.order);
  r.address = 0;
  r.length = 0;
}
