// A packet of which some fragments have come (reassembly.ts): what is known of it, and the sorted list of the ranges of its payload
// that are there.
import { IpAddress } from "./address";

/** Gaps that a packet may have, and one. */
const RANGES: u32 = 16;
/** Where the list of ranges begins in a Reassembly. */
const RANGE_START: usize = 72;
const RANGE_END: usize = 76;

@unmanaged
@final
export class Reassembly {
  expires: u64;
  // Storage of the addresses: use `source` and `destination`.
  private sourceHigh: u64;
  private sourceLow: u64;
  private destinationHigh: u64;
  private destinationLow: u64;
  /** Where the packet is put together; 0 = the slot is free. */
  buffer: usize;
  order: u32;
  /** Bytes of the whole payload; 0 until the last fragment has come. */
  total: u32;
  rangeCount: u32;
  identification: u32;
  /** Of IPv4: fragments of different protocols belong to different packets. */
  protocol: u8;
  hasFirst: bool;
  /** Of the first fragment: what its payload is, and the rest of its life. */
  next: u8;
  hopLimit: u8;
  service: u8;
  /** The ECN codepoints that fragments have had, a bit for each. */
  codepoints: u8;

  get source(): IpAddress {
    return changetype<IpAddress>(changetype<usize>(this) + offsetof<Reassembly>("sourceHigh"));
  }

  get destination(): IpAddress {
    return changetype<IpAddress>(changetype<usize>(this) + offsetof<Reassembly>("destinationHigh"));
  }

  start(index: u32): u32 {
    return load<u32>(changetype<usize>(this) + ((<usize>index) << 3), RANGE_START);
  }

  end(index: u32): u32 {
    return load<u32>(changetype<usize>(this) + ((<usize>index) << 3), RANGE_END);
  }

  set(index: u32, start: u32, end: u32): void {
    store<u32>(changetype<usize>(this) + ((<usize>index) << 3), start, RANGE_START);
    store<u32>(changetype<usize>(this) + ((<usize>index) << 3), end, RANGE_END);
  }

  /** Makes (`by` = 1) or closes (`by` = -1) a place at `index` in the list. */
  shift(index: u32, by: i32): void {
    if (by > 0) {
      for (let i = this.rangeCount; i > index; i--) this.set(i, this.start(i - 1), this.end(i - 1));
    } else {
      for (let i = index; i + 1 < this.rangeCount; i++) this.set(i, this.start(i + 1), this.end(i + 1));
    }
    this.rangeCount += by;
  }
}

/** Bytes of a Reassembly with its list. */
export const REASSEMBLY_SIZE: u32 = <u32>RANGE_START + RANGES * 8;

/** Results of insertRange(). */
export const INSERTED: i32 = 0;
export const REPEATED: i32 = 1;
export const CONTRADICTS: i32 = 2;

/** Notes that bytes [start, end) have come; ranges that touch become one. */
export function insertRange(slot: Reassembly, start: u32, end: u32): i32 {
  const count = slot.rangeCount;
  let i: u32 = 0;
  while (i < count && slot.end(i) < start) i++;
  if (i < count && slot.start(i) <= start && end <= slot.end(i)) return REPEATED;
  if (i < count && slot.end(i) == start) {
    const hasNext = i + 1 < count;
    if (hasNext && slot.start(i + 1) < end) return CONTRADICTS;
    const joins = hasNext && slot.start(i + 1) == end;
    slot.set(i, slot.start(i), joins ? slot.end(i + 1) : end);
    if (joins) slot.shift(i + 1, -1);
    return INSERTED;
  }
  if (i < count && slot.start(i) < end) return CONTRADICTS;
  if (i < count && slot.start(i) == end) {
    slot.set(i, start, slot.end(i));
    return INSERTED;
  }
  if (count == RANGES) return CONTRADICTS;
  slot.shift(i, 1);
  slot.set(i, start, end);
  return INSERTED;
}
