// ARP cache (RFC 826; RFC 1122 section 2.3.2): which station has which IPv4 address of our subnet.
//
//   FREE -> INCOMPLETE   we need the address: a request each second, three at most; frames wait
//   INCOMPLETE -> REACHABLE   an answer came; the frames go out
//   INCOMPLETE -> FAILED -> FREE   no answer; senders get -EHOSTUNREACH for a while instead of new requests
//   REACHABLE -> PROBING   used after REACHABLE_TIME: it stays usable while we ask that station alone
//   PROBING -> REACHABLE | INCOMPLETE   it answered | it did not: everybody is asked
//
// Bounds: SETS x WAYS entries; a new one replaces the least recently used of its set. Few frames wait (held_frames.ts).
// An entry is made by our own need or by a request for our address; anything else only refreshes what is there.
import { EHOSTUNREACH, ENOMEM } from "../../../kernel/errno";
import { orderFor, pagesAlloc } from "../../../kernel/memory/pages";
import { NEVER } from "../../../kernel/time/clock";
import { addressIsLocal, addressIsOnLink } from "../addresses";
import { arpSendRequest } from "./output";
import { TransmitFrame, deviceTransmitFree } from "../device";
import { HeldFrames } from "../held_frames";
import { ETHERTYPE_IPV4, ethernetCopy, ethernetIsGroup } from "../wire/ethernet";

const SECOND: u64 = 1_000_000_000;
/** How long an answer is believed. */
const REACHABLE_TIME: u64 = 60 * SECOND;
/** How long after that an entry may still be used while it is refreshed. */
const STALE_TIME: u64 = 600 * SECOND;
/** RFC 1122 section 2.3.2.1 MUST: at most one request per second and destination. */
const REQUEST_INTERVAL: u64 = SECOND;
const REQUESTS: u8 = 3;
/** How long senders are refused after nobody has answered. */
const FAILED_TIME: u64 = 3 * SECOND;

const SETS: u32 = 64;
const WAYS: u32 = 4;
const ENTRIES: u32 = SETS * WAYS;

const FREE: u8 = 0;
const INCOMPLETE: u8 = 1;
const FAILED: u8 = 2;
const REACHABLE: u8 = 3;
const PROBING: u8 = 4;

@unmanaged
@final
class ArpEntry {
  /** When the state ends, or the next request is due. */
  deadline: u64;
  address: u32;
  /** Last use, in units of 2^30 ns. */
  used: u32;
  macLow: u32;
  macHigh: u16;
  state: u8;
  requests: u8;
  // Storage of the HeldFrames: use `held`.
  private heldFirst: usize;
  private heldCount: u32;

  /** Frames that wait for the answer. */
  get held(): HeldFrames {
    return changetype<HeldFrames>(changetype<usize>(this) + offsetof<ArpEntry>("heldFirst"));
  }
}

let table: usize = 0;
let nextDeadline: u64 = NEVER;

function coarse(now: u64): u32 {
  return <u32>(now >> 30);
}

function macOf(entry: ArpEntry): usize {
  return changetype<usize>(entry) + offsetof<ArpEntry>("macLow");
}

function entryAt(index: u32): ArpEntry {
  return changetype<ArpEntry>(table + <usize>index * offsetof<ArpEntry>());
}

/** The first of the WAYS entries that may hold `address`. */
function firstOfSet(address: u32): u32 {
  return ((address ^ (address >> 8)) & (SETS - 1)) * WAYS;
}

function find(address: u32): ArpEntry {
  if (table == 0) return changetype<ArpEntry>(0);
  const first = firstOfSet(address);
  for (let i = first; i < first + WAYS; i++) {
    const entry = entryAt(i);
    if (entry.address == address && entry.state != FREE) return entry;
  }
  return changetype<ArpEntry>(0);
}

function expectBefore(deadline: u64): void {
  if (deadline < nextDeadline) nextDeadline = deadline;
}

function ensureTable(): bool {
  if (table != 0) return true;
  const bytes = ENTRIES * <u32>offsetof<ArpEntry>();
  table = pagesAlloc(orderFor(bytes));
  if (table == 0) return false;
  memory.fill(table, 0, bytes);
  return true;
}

/** A usable place for a new address; `needed` is false for what a peer offers unasked: that replaces no live entry. */
function claim(address: u32, needed: bool, now: u64): ArpEntry {
  if (!ensureTable()) return changetype<ArpEntry>(0);
  const first = firstOfSet(address);
  let chosen = entryAt(first);
  for (let i = first; i < first + WAYS; i++) {
    const entry = entryAt(i);
    if (entry.state == FREE) {
      chosen = entry;
      break;
    }
    if (entry.used < chosen.used) chosen = entry;
  }
  if (chosen.state != FREE && !needed && !isIdle(chosen, now)) return changetype<ArpEntry>(0);
  chosen.held.drop();
  chosen.address = address;
  chosen.used = coarse(now);
  chosen.state = FREE;
  return chosen;
}

/** True for an entry that nobody is waiting for and that has not been used since its answer went stale. */
function isIdle(entry: ArpEntry, now: u64): bool {
  return entry.state == FAILED || (entry.state == REACHABLE && now >= entry.deadline);
}

/**
 * Address of the six bytes of the station's address, or 0 when it is not known. Asks again, in the background, when
 * the answer is old.
 */
export function arpLookup(address: u32, now: u64): usize {
  if (table == 0) return 0;
  const first = firstOfSet(address);
  for (let i = first; i < first + WAYS; i++) {
    const entry = entryAt(i);
    if (entry.address != address || entry.state < REACHABLE) continue;
    if (now >= entry.deadline && entry.state == REACHABLE && !refresh(entry, now)) return 0;
    entry.used = coarse(now);
    return macOf(entry);
  }
  return 0;
}

/** An answer has become old: asks the station itself. False when it is too old to be used meanwhile. */
function refresh(entry: ArpEntry, now: u64): bool {
  if (now - entry.deadline >= STALE_TIME) {
    entry.state = FREE;
    return false;
  }
  entry.state = PROBING;
  entry.requests = 1;
  entry.deadline = now + REQUEST_INTERVAL;
  expectBefore(entry.deadline);
  arpSendRequest(entry.address, macOf(entry));
  return true;
}

/** Somebody gets no answers by way of `address`: an answer of old is not believed any longer, the station is asked. */
export function arpDoubt(address: u32, now: u64): void {
  const entry = find(address);
  if (changetype<usize>(entry) != 0 && entry.state == REACHABLE) entry.deadline = min(entry.deadline, now);
}

/**
 * Keeps `frame` (an IPv4 packet) until the station of `address` is known; consumes it in any case.
 * @returns 0; -EHOSTUNREACH when nobody answered lately, -ENOMEM without memory for the cache
 */
export function arpHold(address: u32, frame: TransmitFrame, now: u64): i32 {
  let entry = find(address);
  if (changetype<usize>(entry) == 0) {
    entry = claim(address, true, now);
    if (changetype<usize>(entry) == 0) {
      deviceTransmitFree(frame);
      return -ENOMEM;
    }
    startRequests(entry, now);
  }
  if (entry.state == FAILED) {
    deviceTransmitFree(frame);
    return -EHOSTUNREACH;
  }
  entry.used = coarse(now);
  entry.held.append(frame);
  return 0;
}

function startRequests(entry: ArpEntry, now: u64): void {
  entry.state = INCOMPLETE;
  entry.requests = 1;
  entry.deadline = now + REQUEST_INTERVAL;
  expectBefore(entry.deadline);
  arpSendRequest(entry.address, 0);
}

/**
 * A station has said that `address` is at `mac`.
 * @param create true when it asked for us, so that we are likely to answer it: an entry may be made
 */
export function arpLearn(address: u32, mac: usize, create: bool, now: u64): void {
  if (ethernetIsGroup(mac) || addressIsLocal(address) || !addressIsOnLink(address)) return;
  let entry = find(address);
  if (changetype<usize>(entry) == 0) {
    if (!create) return;
    entry = claim(address, false, now);
    if (changetype<usize>(entry) == 0) return;
  }
  ethernetCopy(macOf(entry), mac);
  entry.state = REACHABLE;
  entry.deadline = now + REACHABLE_TIME;
  entry.held.send(macOf(entry), ETHERTYPE_IPV4);
}

/** Repeats requests and gives up on those that nobody answers. */
export function arpCachePoll(now: u64): void {
  if (now < nextDeadline) return;
  nextDeadline = NEVER;
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const entry = entryAt(i);
    if (entry.state == FREE || entry.state == REACHABLE) continue;
    if (now >= entry.deadline) expire(entry, now);
    if (entry.state != FREE && entry.state != REACHABLE) expectBefore(entry.deadline);
  }
}

function expire(entry: ArpEntry, now: u64): void {
  if (entry.state == FAILED) {
    entry.state = FREE;
  } else if (entry.requests < REQUESTS) {
    entry.requests += 1;
    entry.deadline = now + REQUEST_INTERVAL;
    arpSendRequest(entry.address, entry.state == PROBING ? macOf(entry) : 0);
  } else if (entry.state == PROBING) {
    startRequests(entry, now);
  } else {
    entry.held.drop();
    entry.state = FAILED;
    entry.deadline = now + FAILED_TIME;
  }
}

/** When arpCachePoll() next has something to do. */
export function arpCacheDeadline(): u64 {
  return nextDeadline;
}

/** Forgets all addresses and gives back all frames: before a suspend, and when the network may be another one. */
export function arpCacheClear(): void {
  nextDeadline = NEVER;
  if (table == 0) return;
  for (let i: u32 = 0; i < ENTRIES; i++) {
    entryAt(i).held.drop();
    entryAt(i).state = FREE;
  }
}
