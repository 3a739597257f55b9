// Reassembly of both families (RFC 791 section 3.2, RFC 1122 section 3.3.2; RFC 8200 section 4.5).
//
// Each packet in progress has a block of pages that holds its header, without options, and the payload received so
// far, and a sorted list of the ranges that are there. The payload begins HEADROOM bytes into the block; the header stands
// right in front of it. Strict where fragments are an attack more often than not: a packet with overlapping or
// contradicting fragments is dropped whole (RFC 5722; for IPv4 too); an exact repetition is ignored. SLOTS packets,
// PAGES_MAXIMUM pages and RANGES gaps bound the cost; the oldest packet makes room for a new one.
import { PAGE_SHIFT, orderFor, pagesAlloc, pagesFree } from "../../../kernel/memory/pages";
import { NEVER } from "../../../kernel/time/clock";
import { icmpSendError } from "../icmp/error";
import { icmpv6SendError } from "../icmpv6/error";
import { ICMP_TIME_EXCEEDED, ICMP_TIME_EXCEEDED_REASSEMBLY } from "../wire/icmpv4";
import { ICMPV6_REASSEMBLY, ICMPV6_TIME_EXCEEDED } from "../wire/icmpv6";
import { IPV4_HEADER, ipv4Write } from "../wire/ipv4";
import { IPV6_HEADER, ipv6SetTrafficClass, ipv6Write } from "../wire/ipv6";
import { INSERTED, REPEATED, REASSEMBLY_SIZE, Reassembly, insertRange } from "./partial_packet";
import { IpAddress } from "./address";

/** RFC 1122 section 3.3.2 asks for 60 … 120 s, RFC 8200 for 60 s; Linux gives a peer's fragments half of that, and so do we. */
const LIFETIME: u64 = 30_000_000_000; // ns
const SLOTS: u32 = 8;
const PAGES_MAXIMUM: u32 = 48;

/** Bytes in front of the payload: the longer of the two headers. */
const HEADROOM: u32 = IPV6_HEADER;
/** Bytes of the longest packet, as IPv4 counts them; IPv6 takes 20 less than it might. */
const PACKET_MAXIMUM: u32 = 65535;

/** A fragment, as its packet says: what reassemblyInput() takes. */
@unmanaged
@final
export class Fragment {
  source: IpAddress;
  destination: IpAddress;
  identification: u32;
  /** Where its payload stands in the packet's. */
  offset: u32;
  data: usize;
  size: u32;
  /** No further fragments follow. */
  last: bool;
  /** What the payload is: protocol or next header. */
  next: u8;
  hopLimit: u8;
  /** Service field or traffic class. */
  service: u8;
}

/** Bytes of a Fragment, for static instances. */
export const FRAGMENT_SIZE: i32 = 32;

/** The codepoint of a packet that a router has marked, and also the bits of the field (RFC 3168). */
const CE: u8 = 3;
// Bits of Reassembly.codepoints.
const NOT_CAPABLE: u8 = 1 << 0;
const MARKED: u8 = 1 << CE;

const slots = memory.data(1600, 8); // SLOTS x REASSEMBLY_SIZE
let pages: u32 = 0;
let nextExpiry: u64 = NEVER;

function slotAt(index: u32): Reassembly {
  return changetype<Reassembly>(slots + <usize>(index * REASSEMBLY_SIZE));
}

function release(slot: Reassembly): void {
  pages -= 1 << slot.order;
  pagesFree(slot.buffer, slot.order);
  slot.buffer = 0;
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

/** True for a fragment of the slot's packet; RFC 791 names the protocol, RFC 8200 does not. */
function belongs(slot: Reassembly, fragment: Fragment): bool {
  if (slot.identification != fragment.identification || !slot.source.equals(fragment.source)) return false;
  if (!slot.destination.equals(fragment.destination)) return false;
  return slot.protocol == fragment.next || !fragment.source.isIpv4();
}

/** The slot of the packet that the fragment belongs to. */
function slotFor(fragment: Fragment, now: u64): Reassembly {
  let free = changetype<Reassembly>(0);
  for (let i: u32 = 0; i < SLOTS; i++) {
    const slot = slotAt(i);
    if (slot.buffer == 0) free = slot;
    else if (belongs(slot, fragment)) return slot;
  }
  if (changetype<usize>(free) == 0) {
    free = oldestSlot(free);
    release(free);
  }
  free.source.copy(fragment.source);
  free.destination.copy(fragment.destination);
  free.identification = fragment.identification;
  free.protocol = fragment.next;
  free.total = 0;
  free.rangeCount = 0;
  free.hasFirst = false;
  free.codepoints = 0;
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
function addFragment(slot: Reassembly, fragment: Fragment): bool {
  const end = fragment.offset + fragment.size;
  if (!sizeAgrees(slot, end, fragment.last) || !ensureCapacity(slot, HEADROOM + end)) return false;
  const result = insertRange(slot, fragment.offset, end);
  if (result != INSERTED) return result == REPEATED;
  if (fragment.last) slot.total = end;
  memory.copy(slot.buffer + HEADROOM + fragment.offset, fragment.data, fragment.size);
  if (fragment.offset == 0) {
    slot.hasFirst = true;
    slot.next = fragment.next;
    slot.hopLimit = fragment.hopLimit;
    slot.service = fragment.service;
  }
  slot.codepoints |= 1 << (fragment.service & CE);
  return true;
}

/**
 * RFC 3168, 5.3: a mark of congestion on any fragment is one of the packet; false when another fragment says that its ends do not
 * understand such marks, and the packet is to be dropped.
 */
function marksAgree(slot: Reassembly): bool {
  if ((slot.codepoints & MARKED) == 0) return true;
  slot.service |= CE;
  return (slot.codepoints & NOT_CAPABLE) == 0;
}

/** Writes the header of a packet of `size` bytes of payload; returns its address. */
function writeHeader(slot: Reassembly, size: u32): usize {
  if (!slot.source.isIpv4()) {
    ipv6Write(slot.buffer, size, slot.next, slot.hopLimit, slot.source, slot.destination);
    ipv6SetTrafficClass(slot.buffer, slot.service);
    return slot.buffer;
  }
  const packet = slot.buffer + HEADROOM - IPV4_HEADER;
  const id = <u16>slot.identification;
  ipv4Write(
    packet,
    slot.service,
    IPV4_HEADER + size,
    id,
    0,
    slot.hopLimit,
    slot.next,
    slot.source.ipv4(),
    slot.destination.ipv4(),
  );
  return packet;
}

/**
 * Takes a fragment whose header has been checked.
 * @returns the whole packet once its last missing part has come (give it to reassemblyRelease() afterwards), else 0
 */
export function reassemblyInput(fragment: Fragment, now: u64): usize {
  if (fragment.size == 0 || (!fragment.last && (fragment.size & 7) != 0)) return 0;
  if (IPV4_HEADER + fragment.offset + fragment.size > PACKET_MAXIMUM) return 0;
  const slot = slotFor(fragment, now);
  if (!addFragment(slot, fragment)) {
    if (slot.buffer != 0) release(slot);
    return 0;
  }
  if (slot.total == 0 || slot.rangeCount != 1 || slot.start(0) != 0 || slot.end(0) != slot.total) return 0;
  if (!marksAgree(slot)) {
    release(slot);
    return 0;
  }
  return writeHeader(slot, slot.total);
}

/** Frees a packet that reassemblyInput() returned. */
export function reassemblyRelease(packet: usize): void {
  for (let i: u32 = 0; i < SLOTS; i++) {
    const buffer = slotAt(i).buffer;
    if (buffer != 0 && (buffer == packet || buffer + HEADROOM - IPV4_HEADER == packet)) release(slotAt(i));
  }
}

function report(slot: Reassembly, now: u64): void {
  const packet = writeHeader(slot, slot.end(0));
  if (slot.source.isIpv4()) icmpSendError(packet, ICMP_TIME_EXCEEDED, ICMP_TIME_EXCEEDED_REASSEMBLY, 0, now);
  else icmpv6SendError(packet, ICMPV6_TIME_EXCEEDED, ICMPV6_REASSEMBLY, 0, 0, now);
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
    if (slot.hasFirst) report(slot, now);
    release(slot);
  }
}

/** When reassemblyPoll() next has something to do. */
export function reassemblyDeadline(): u64 {
  return nextExpiry;
}
