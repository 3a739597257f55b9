// The events of a member of a family, which forkd puts into a ring in its descriptor page (kernel/fork/descriptor.ts has the guest's side):
// u32 producer at 96, u32 consumer at 100, 64 entries of 32 bytes from 2048.

const PRODUCER = 96;
const CONSUMER = 100;
const RING_OFFSET = 2048;
const RING_ENTRIES = 64;
const ENTRY_SIZE = 32;

/** The kinds of events of a family. */
export const EVENT_EXIT = 1;
export const EVENT_STOPPED = 2;
export const EVENT_CONTINUED = 3;
export const EVENT_SIGNAL = 4;
/** To process 1: a process whose parent has ended is its child now. */
export const EVENT_ADOPTED = 5;
/** To those that have pages in common: a member has ended. */
export const EVENT_GONE = 6;
/** A member has an event channel for this one. */
export const EVENT_DOORBELL = 7;
/** A child belongs to another process group. */
export const EVENT_GROUP = 8;
/** A signal that comes with a value. */
export const EVENT_QUEUED = 9;

/** Something that a member hears of. */
export interface FamilyEvent {
  /** EVENT_* */
  readonly kind: 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;
  /** The child's; a signal's sender. */
  readonly pid: number;
  /** The status word as wait(2) encodes it; the signal's number; the child it was given last, if that lives; the port; the group, also of one that was adopted. */
  readonly value: number;
  /** What comes with a signal. */
  readonly data: number;
  /** Of a child that has ended: what its virtual CPU has run, in ns. */
  readonly cpuTime: bigint;
  /** Of a child that has ended: frames it had of its own. Of a doorbell: the domain. */
  readonly frames: number;
}

/** Puts an event into the ring of a descriptor page; false when the guest has taken none of the last RING_ENTRIES. */
export function postEvent(page: DataView, { kind, pid, value, data, cpuTime, frames }: FamilyEvent): boolean {
  const producer = page.getUint32(PRODUCER, true);
  if ((producer - page.getUint32(CONSUMER, true)) >>> 0 >= RING_ENTRIES) return false;
  const at = RING_OFFSET + (producer % RING_ENTRIES) * ENTRY_SIZE;
  page.setUint32(at, kind, true);
  page.setUint32(at + 4, pid, true);
  page.setUint32(at + 8, value, true);
  page.setInt32(at + 12, data, true);
  page.setBigUint64(at + 16, cpuTime, true);
  page.setBigUint64(at + 24, BigInt(frames), true);
  // x86 keeps the order of stores, and an engine does not move them across the call that notifies.
  page.setUint32(PRODUCER, (producer + 1) >>> 0, true);
  return true;
}

/** Whether the end of a child is among the last RING_ENTRIES events. */
export function hasExitEvent(page: DataView, pid: number): boolean {
  const entries = Array.from({ length: RING_ENTRIES }, (_, i) => RING_OFFSET + i * ENTRY_SIZE);
  return entries.some((at) => page.getUint32(at, true) === EVENT_EXIT && page.getUint32(at + 4, true) === pid);
}

/** Makes the ring empty. */
export function clearEvents(page: DataView): void {
  for (const offset of [PRODUCER, CONSUMER]) page.setUint32(offset, 0, true);
  for (let at = 0; at < RING_ENTRIES * ENTRY_SIZE; at += 4) page.setUint32(RING_OFFSET + at, 0, true);
}
