// The two byte rings of the xenstore page (docs/misc/xenstore-ring.txt). The indices run free and wrap at 2^32; the
// guest writes req_prod and rsp_cons, xenstored the other two. Nothing is assumed about where they start.
// A signal is due when requests were written, and when responses were taken from a ring that had been full: only then
// can xenstored be waiting for room.
import { EPROTO } from "../errno";
import { REQ, REQ_CONS, REQ_PROD, RSP, RSP_CONS, RSP_PROD, XENSTORE_RING_SIZE } from "./wire";

const MASK: u32 = XENSTORE_RING_SIZE - 1;

/** Bytes that can be written now; -EPROTO when the indices cannot be. */
export function storeRingRoom(page: usize): i32 {
  const queued = atomic.load<u32>(page + REQ_PROD) - atomic.load<u32>(page + REQ_CONS);
  return queued > XENSTORE_RING_SIZE ? -EPROTO : XENSTORE_RING_SIZE - queued;
}

/** Appends `count` bytes, not more than storeRingRoom() said. */
export function storeRingWrite(page: usize, source: usize, count: u32): void {
  const produced = atomic.load<u32>(page + REQ_PROD);
  const first = min(count, XENSTORE_RING_SIZE - (produced & MASK));
  memory.copy(page + REQ + (produced & MASK), source, first);
  memory.copy(page + REQ, source + first, count - first);
  atomic.store<u32>(page + REQ_PROD, produced + count);
}

/** Bytes that can be read now; -EPROTO when the indices cannot be. */
export function storeRingReady(page: usize): i32 {
  const ready = atomic.load<u32>(page + RSP_PROD) - atomic.load<u32>(page + RSP_CONS);
  return ready > XENSTORE_RING_SIZE ? -EPROTO : ready;
}

/**
 * Takes `count` bytes, not more than storeRingReady() said, to `target`; target 0 drops them.
 * @returns true when xenstored may be waiting for the room this made
 */
export function storeRingRead(page: usize, target: usize, count: u32): bool {
  const consumed = atomic.load<u32>(page + RSP_CONS);
  if (target != 0) {
    const first = min(count, XENSTORE_RING_SIZE - (consumed & MASK));
    memory.copy(target, page + RSP + (consumed & MASK), first);
    memory.copy(target + first, page + RSP, count - first);
  }
  atomic.store<u32>(page + RSP_CONS, consumed + count);
  return atomic.load<u32>(page + RSP_PROD) - consumed >= XENSTORE_RING_SIZE;
}

/** Makes the guest's two indices agree with xenstored's: both rings are empty afterwards. */
export function storeRingReset(page: usize): void {
  atomic.store<u32>(page + REQ_PROD, atomic.load<u32>(page + REQ_CONS));
  atomic.store<u32>(page + RSP_CONS, atomic.load<u32>(page + RSP_PROD));
}
