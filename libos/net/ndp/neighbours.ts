// The neighbour cache (RFC 4861 section 7.3): which station has which IPv6 address on the link, and whether it is there.
//
//   FREE -> INCOMPLETE      we need the address: everybody is asked, three times at most; frames wait
//   INCOMPLETE -> REACHABLE an answer came; the frames go out
//   INCOMPLETE -> FAILED    no answer; senders get -EHOSTUNREACH for a while instead of new solicitations
//   REACHABLE -> STALE      confirmed too long ago; usable until it matters
//   STALE -> DELAY -> PROBE used: after a pause, in which something may confirm it, the station itself is asked
//   PROBE -> REACHABLE | FREE   it answered | it did not
//
// Bounds: SETS x WAYS entries; the set is chosen by a random key so that a station cannot aim. Of its set a new entry replaces the
// one that is missed least (RFC 6583): one that has never answered us, however many of these are asked for or ask, takes no
// place from one that has, and what a peer offers unasked only from what nobody uses.
import { EHOSTUNREACH, ENOMEM } from "../../../kernel/errno";
import { orderFor, pagesAlloc } from "../../../kernel/memory/pages";
import { randomU32 } from "../../../kernel/random";
import { NEVER } from "../../../kernel/time/clock";
import { TransmitFrame, deviceTransmitFree } from "../device";
import { HeldFrames } from "../held_frames";
import { IpAddress } from "../ip/address";
import { ETHERTYPE_IPV6, ethernetCopy, ethernetEqual, ethernetIsGroup } from "../wire/ethernet";
import { neighbourSolicit } from "./output";

const SECOND: u64 = 1_000_000_000;
// RFC 4861 section 10.
const REACHABLE_TIME: u64 = 30 * SECOND;
const RETRANSMIT: u64 = SECOND;
const DELAY_FIRST_PROBE: u64 = 5 * SECOND;
const SOLICITATIONS: u8 = 3;
/** How long senders are refused after nobody has answered. */
const FAILED_TIME: u64 = 3 * SECOND;

const SETS: u32 = 32;
const WAYS: u32 = 4;
const ENTRIES: u32 = SETS * WAYS;

const FREE: u8 = 0;
const INCOMPLETE: u8 = 1;
const FAILED: u8 = 2;
const REACHABLE: u8 = 3;
const STALE: u8 = 4;
const DELAY: u8 = 5;
const PROBE: u8 = 6;

@unmanaged
@final
class Neighbour {
  /** When the state ends, or the next solicitation is due. */
  deadline: u64;
  // Storage of the address: use `address`.
  private addressHigh: u64;
  private addressLow: u64;
  /** Last use, in units of 2^30 ns; 0 = offered and never used. */
  used: u32;
  private macLow: u32;
  private macHigh: u16;
  state: u8;
  solicitations: u8;
  /** It has answered us. */
  confirmed: bool;
  // Storage of the HeldFrames: use `held`.
  private heldFirst: usize;
  private heldCount: u32;

  get address(): IpAddress {
    return changetype<IpAddress>(changetype<usize>(this) + offsetof<Neighbour>("addressHigh"));
  }

  get mac(): usize {
    return changetype<usize>(this) + offsetof<Neighbour>("macLow");
  }

  get held(): HeldFrames {
    return changetype<HeldFrames>(changetype<usize>(this) + offsetof<Neighbour>("heldFirst"));
  }
}

const NONE = changetype<Neighbour>(0);

let table: usize = 0;
let key: u32 = 0;
let nextDeadline: u64 = NEVER;

function coarse(now: u64): u32 {
  return <u32>(now >> 30) + 1;
}

function entryAt(index: u32): Neighbour {
  return changetype<Neighbour>(table + <usize>index * offsetof<Neighbour>());
}

/** The first of the WAYS entries that may hold `address`. */
function firstOfSet(address: IpAddress): u32 {
  const word = (<u32>(address.low >> 32)) ^ (<u32>address.low) ^ (<u32>address.high) ^ (<u32>(address.high >> 32));
  return (((word ^ key) * 0x9e3779b1) >> 27) * WAYS;
}

function find(address: IpAddress): Neighbour {
  if (table == 0) return NONE;
  const first = firstOfSet(address);
  for (let i = first; i < first + WAYS; i++) {
    const entry = entryAt(i);
    if (entry.state != FREE && entry.address.equals(address)) return entry;
  }
  return NONE;
}

function ensureTable(): bool {
  if (table != 0) return true;
  const bytes = ENTRIES * <u32>offsetof<Neighbour>();
  table = pagesAlloc(orderFor(bytes));
  if (table == 0) return false;
  memory.fill(table, 0, bytes);
  key = randomU32();
  return true;
}

/** What is being asked for, or has only offered itself, … */
const VALUE_USED: u64 = 1 << 32;
/** … and what has answered. */
const VALUE_CONFIRMED: u64 = 2 << 32;

/** How much `entry` would be missed: first by what it is, then by its last use. */
function value(entry: Neighbour): u64 {
  if (entry.state == FREE) return 0;
  if (entry.state == FAILED || entry.used == 0) return 1;
  return (entry.confirmed ? VALUE_CONFIRMED : VALUE_USED) + entry.used;
}

/** A place for a new address; null without memory, or when it is not `needed` and all places of its set are in use. */
function claim(address: IpAddress, needed: bool, now: u64): Neighbour {
  if (!ensureTable()) return NONE;
  const first = firstOfSet(address);
  let chosen = entryAt(first);
  for (let i = first + 1; i < first + WAYS; i++) {
    if (value(entryAt(i)) < value(chosen)) chosen = entryAt(i);
  }
  if (!needed && value(chosen) >= VALUE_USED) return NONE;
  chosen.held.drop();
  chosen.address.copy(address);
  chosen.used = needed ? coarse(now) : 0;
  chosen.confirmed = false;
  chosen.state = FREE;
  return chosen;
}

/** Enters a state that ends at `deadline`. */
function enter(entry: Neighbour, state: u8, deadline: u64): void {
  entry.state = state;
  entry.deadline = deadline;
  if (deadline < nextDeadline) nextDeadline = deadline;
}

/** It has answered: RFC 4861 section 6.3.2, reachable for between half and one and a half of the base value. */
function confirm(entry: Neighbour, now: u64): void {
  entry.confirmed = true;
  enter(entry, REACHABLE, now + REACHABLE_TIME / 2 + <u64>(randomU32() & 0x3fff) * (REACHABLE_TIME >> 14));
}

/** Address of the six bytes of the station's Ethernet address, or 0 when it is not known. */
export function neighbourLookup(address: IpAddress, now: u64): usize {
  const entry = find(address);
  if (entry == NONE || entry.state < REACHABLE) return 0;
  entry.used = coarse(now);
  if (entry.state == REACHABLE && now >= entry.deadline) entry.state = STALE;
  if (entry.state == STALE) enter(entry, DELAY, now + DELAY_FIRST_PROBE);
  return entry.mac;
}

/**
 * Keeps `frame` (an IPv6 packet) until the station of `address` is known; consumes it in any case.
 * @returns 0; -EHOSTUNREACH when nobody answered lately, -ENOMEM without memory for the cache
 */
export function neighbourHold(address: IpAddress, frame: TransmitFrame, now: u64): i32 {
  let entry = find(address);
  if (entry == NONE) {
    entry = claim(address, true, now);
    if (entry == NONE) {
      deviceTransmitFree(frame);
      return -ENOMEM;
    }
    entry.solicitations = 1;
    enter(entry, INCOMPLETE, now + RETRANSMIT);
    neighbourSolicit(address, 0, now);
  }
  if (entry.state == FAILED) {
    deviceTransmitFree(frame);
    return -EHOSTUNREACH;
  }
  entry.used = coarse(now);
  entry.held.append(frame);
  return 0;
}

/** True when the station of `address` has not answered lately: another router may be better. */
export function neighbourFailed(address: IpAddress): bool {
  const entry = find(address);
  return entry != NONE && entry.state == FAILED;
}

/** A transport gets no answers by way of `address`: it is asked before it is believed again. */
export function neighbourDoubt(address: IpAddress): void {
  const entry = find(address);
  if (entry != NONE && entry.state == REACHABLE) entry.state = STALE;
}

/** RFC 4861 sections 7.2.3, 6.3.4: a station that says `mac` of itself is likely to be spoken to, but nothing is confirmed. */
export function neighbourOffered(address: IpAddress, mac: usize, now: u64): void {
  if (ethernetIsGroup(mac)) return;
  let entry = find(address);
  if (entry == NONE) {
    entry = claim(address, false, now);
    if (entry == NONE) return;
  } else if (entry.state >= REACHABLE && ethernetEqual(entry.mac, mac)) {
    return;
  }
  ethernetCopy(entry.mac, mac);
  entry.state = STALE;
  entry.held.send(entry.mac, ETHERTYPE_IPV6);
}

/**
 * An advertisement of `address` (RFC 4861 section 7.2.5); what nobody has asked for makes no entry.
 * @param mac the Ethernet address in it, 0 = none
 */
export function neighbourAdvertised(address: IpAddress, mac: usize, solicited: bool, overrides: bool, now: u64): void {
  const entry = find(address);
  if (entry == NONE || (mac != 0 && ethernetIsGroup(mac))) return;
  if (entry.state < REACHABLE) {
    if (mac == 0) return;
    ethernetCopy(entry.mac, mac);
    if (solicited) confirm(entry, now);
    else entry.state = STALE;
    entry.held.send(entry.mac, ETHERTYPE_IPV6);
    return;
  }
  const differs = mac != 0 && !ethernetEqual(entry.mac, mac);
  if (differs && !overrides) {
    if (entry.state == REACHABLE) entry.state = STALE;
    return;
  }
  if (differs) ethernetCopy(entry.mac, mac);
  if (solicited) confirm(entry, now);
  else if (differs) entry.state = STALE;
}

/** Repeats solicitations, probes, and gives up on stations that do not answer. */
export function neighbourPoll(now: u64): void {
  if (now < nextDeadline) return;
  nextDeadline = NEVER;
  for (let i: u32 = 0; i < ENTRIES; i++) {
    const entry = entryAt(i);
    if (entry.state == FREE || entry.state == STALE) continue;
    if (now >= entry.deadline) expire(entry, now);
    if (entry.state != FREE && entry.state != STALE && entry.deadline < nextDeadline) nextDeadline = entry.deadline;
  }
}

function expire(entry: Neighbour, now: u64): void {
  if (entry.state == REACHABLE) {
    entry.state = STALE;
  } else if (entry.state == FAILED) {
    entry.state = FREE;
  } else if (entry.state == DELAY) {
    entry.solicitations = 1;
    enter(entry, PROBE, now + RETRANSMIT);
    neighbourSolicit(entry.address, entry.mac, now);
  } else if (entry.solicitations < SOLICITATIONS) {
    entry.solicitations += 1;
    entry.deadline = now + RETRANSMIT;
    neighbourSolicit(entry.address, entry.state == PROBE ? entry.mac : 0, now);
  } else {
    entry.held.drop();
    enter(entry, FAILED, now + FAILED_TIME);
  }
}

/** When neighbourPoll() next has something to do. */
export function neighbourDeadline(): u64 {
  return nextDeadline;
}

/** Forgets all stations and gives back all frames: before a suspend, and when the network may be another one. */
export function neighbourClear(): void {
  nextDeadline = NEVER;
  if (table == 0) return;
  for (let i: u32 = 0; i < ENTRIES; i++) {
    entryAt(i).held.drop();
    entryAt(i).state = FREE;
  }
}
