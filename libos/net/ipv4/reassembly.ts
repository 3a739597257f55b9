// IPv4 reassembly (RFC 791 section 3.2, RFC 1122 section 3.3.2).
//
// Each packet in progress has a block of pages that holds its header, without options, and the payload received so
// far, and a sorted list of the ranges that are there. Strict where fragments are an attack more often than not: a
// packet with overlapping or contradicting fragments is dropped whole (as RFC 5722 has it for IPv6); an exact
// repetition is ignored. SLOTS packets, PAGES_MAXIMUM pages and RANGES gaps bound the cost; the oldest packet makes
// room for a new one.
import { PAGE_SHIFT, orderFor, pagesAlloc, pagesFree } from "../../../kernel/memory/pages";
import { NEVER } from "../../../kernel/time/clock";
import { icmpSendError } from "../icmp/error";
import { ICMP_TIME_EXCEEDED, ICMP_TIME_EXCEEDED_REASSEMBLY } from "../wire/icmpv4";
import {
  IPV4_HEADER,
  IPV4_PACKET_MAXIMUM,
  ipv4Destination,
  ipv4FragmentOffset,
  ipv4HeaderLength,
  ipv4Identification,
  ipv4MoreFragments,
  ipv4Protocol,
  ipv4Source,
  ipv4TimeToLive,
  ipv4TotalLength,
  ipv4Write,
} from "../wire/ipv4";

/** RFC 1122 section 3.3.2 asks for 60 … 120 s; Linux gives a peer's fragments half of that, and so do we. */
const LIFETIME: u64 = 30_000_000_000; // ns
const SLOTS: u32 = 8;
const SLOT: u32 = 176;
const RANGES: u32 = 16;
const PAGES_MAXIMUM: u32 = 48;

@unmanaged
@final
class Reassembly {
  expires: u64;
  source: u32;
  destination: u32;
  /** Where the packet is put together; 0 = the slot is free. */
  buffer: usize;
  order: u32;
  /** Bytes of the whole payload; 0 until the last fragment has come. */
  total: u32;
  rangeCount: u32;
  identification: u16;
  protocol: u8;
  hasFirst: bool;
  private reserved: u32;

  start(index: u32): u32 {
    return load<u32>(changetype<usize>(this) + ((<usize>index) << 3), 40);
  }

  end(index: u32): u32 {
    return load<u32>(changetype<usize>(this) + ((<usize>index) << 3), 44);
  }

  set(index: u32, start: u32, end: u32): void {
    store<u32>(changetype<usize>(this) + ((<usize>index) << 3), start, 40);
    store<u32>(changetype<usize>(this) + ((<usize>index) << 3), end, 44);
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

const INSERTED: i32 = 0;
const REPEATED: i32 = 1;
const CONTRADICTS: i32 = 2;

const slots = memory.data(1408, 8); // SLOTS x SLOT
let pages: u32 = 0;
let nextExpiry: u64 = NEVER;

function slotAt(index: u32): Reassembly {
  return changetype<Reassembly>(slots + <usize>(index * SLOT));
}

function release(slot: Reassembly): void {
  pages -= 1 << slot.order;
  pagesFree(slot.buffer, slot.order);
  slot.buffer = 0;
}

/** Notes that bytes [start, end) have come; ranges that touch become one. */
function insertRange(slot: Reassembly, start: u32, end: u32): i32 {
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

/** Makes the slot's block large enough for `bytes`; the oldest other packets go when memory is short. */
function ensureCapacity(slot: Reassembly, bytes: u32): bool {
  if (slot.buffer != 0 && bytes <= 1 << (slot.order + PAGE_SHIFT)) return true;
  const order = orderFor(bytes);
  while (pages + (1 << order) > PAGES_MAXIMUM) {
    const oldest = oldestSlot(slot);
    if (changetype<usize>(oldest) == 0) return false;
    release(oldest);
  }
  const block = pagesAlloc(order);
  if (block == 0) return false;
  pages += 1 << order;
  if (slot.buffer != 0) {
    memory.copy(block, slot.buffer, 1 << (slot.order + PAGE_SHIFT));
    release(slot);
  }
  slot.buffer = block;
  slot.order = order;
  return true;
}

/** The packet that has waited longest, except `other`; null when there is none. */
function oldestSlot(other: Reassembly): Reassembly {
  let oldest = changetype<Reassembly>(0);
  for (let i: u32 = 0; i < SLOTS; i++) {
    const slot = slotAt(i);
    if (slot.buffer == 0 || slot == other) continue;
    if (changetype<usize>(oldest) == 0 || slot.expires < oldest.expires) oldest = slot;
  }
  return oldest;
}

/** The slot of the packet that the fragment belongs to; RFC 791: source, destination, protocol and identification. */
function slotFor(packet: usize, now: u64): Reassembly {
  let free = changetype<Reassembly>(0);
  for (let i: u32 = 0; i < SLOTS; i++) {
    const slot = slotAt(i);
    if (slot.buffer == 0) {
      free = slot;
    } else if (
      slot.source == ipv4Source(packet) &&
      slot.destination == ipv4Destination(packet) &&
      slot.identification == ipv4Identification(packet) &&
      slot.protocol == ipv4Protocol(packet)
    ) {
      return slot;
    }
  }
  if (changetype<usize>(free) == 0) {
    free = oldestSlot(free);
    release(free);
  }
  free.source = ipv4Source(packet);
  free.destination = ipv4Destination(packet);
  free.identification = ipv4Identification(packet);
  free.protocol = ipv4Protocol(packet);
  free.total = 0;
  free.rangeCount = 0;
  free.hasFirst = false;
  free.expires = now + LIFETIME;
  if (free.expires < nextExpiry) nextExpiry = free.expires;
  return free;
}

/** True when the fragment's end does not contradict what is known of the packet's size. */
function sizeAgrees(slot: Reassembly, end: u32, last: bool): bool {
  if (slot.total != 0 && (last ? end != slot.total : end > slot.total)) return false;
  return !last || slot.rangeCount == 0 || slot.end(slot.rangeCount - 1) <= end;
}

/** Copies the fragment into its packet. False when the packet is to be dropped. */
function addFragment(slot: Reassembly, packet: usize, offset: u32, size: u32, last: bool): bool {
  const end = offset + size;
  if (!sizeAgrees(slot, end, last) || !ensureCapacity(slot, IPV4_HEADER + end)) return false;
  const result = insertRange(slot, offset, end);
  if (result != INSERTED) return result == REPEATED;
  if (last) slot.total = end;
  memory.copy(slot.buffer + IPV4_HEADER + offset, packet + ipv4HeaderLength(packet), size);
  if (offset == 0) {
    slot.hasFirst = true;
    writeHeader(slot, size, ipv4TimeToLive(packet));
  }
  return true;
}

function writeHeader(slot: Reassembly, size: u32, timeToLive: u8): void {
  const length = IPV4_HEADER + size;
  ipv4Write(slot.buffer, length, slot.identification, 0, timeToLive, slot.protocol, slot.source, slot.destination);
}

/**
 * Takes a fragment whose header has been checked.
 * @returns the whole packet once its last missing part has come (give it to reassemblyRelease() afterwards), else 0
 */
export function reassemblyInput(packet: usize, now: u64): usize {
  const offset = ipv4FragmentOffset(packet);
  const size = ipv4TotalLength(packet) - ipv4HeaderLength(packet);
  const last = !ipv4MoreFragments(packet);
  if (size == 0 || (!last && (size & 7) != 0)) return 0;
  if (IPV4_HEADER + offset + size > IPV4_PACKET_MAXIMUM) return 0;
  const slot = slotFor(packet, now);
  if (!addFragment(slot, packet, offset, size, last)) {
    if (slot.buffer != 0) release(slot);
    return 0;
  }
  if (slot.total == 0 || slot.rangeCount != 1 || slot.start(0) != 0 || slot.end(0) != slot.total) return 0;
  writeHeader(slot, slot.total, ipv4TimeToLive(slot.buffer));
  return slot.buffer;
}

/** Frees a packet that reassemblyInput() returned. */
export function reassemblyRelease(packet: usize): void {
  for (let i: u32 = 0; i < SLOTS; i++) {
    if (slotAt(i).buffer == packet) release(slotAt(i));
  }
}

/** Gives up on packets whose parts did not come in time. */
export function reassemblyPoll(now: u64): void {
  if (now < nextExpiry) return;
  nextExpiry = NEVER;
  for (let i: u32 = 0; i < SLOTS; i++) {
    const slot = slotAt(i);
    if (slot.buffer == 0) continue;
    if (now < slot.expires) {
      if (slot.expires < nextExpiry) nextExpiry = slot.expires;
      continue;
    }
    // RFC 1122 section 3.3.2 MUST: tell the source, if the first fragment is there to be quoted.
    if (slot.hasFirst) icmpSendError(slot.buffer, ICMP_TIME_EXCEEDED, ICMP_TIME_EXCEEDED_REASSEMBLY, 0, now);
    release(slot);
  }
}

/** When reassemblyPoll() next has something to do. */
export function reassemblyDeadline(): u64 {
  return nextExpiry;
}
