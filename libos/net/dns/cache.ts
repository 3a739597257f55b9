// What the resolver knows and what it is asking: an entry for each name and type, the least recently used first.
//
//   ASKING -> KNOWN     a server has answered, also that there is nothing; kept until `expires`
//   ASKING -> ENDED     an answer that may not be kept, or none: whoever waits for it takes what it says, nobody else
//
// Invariants: an entry is in the list exactly while it is ASKING or KNOWN; one with users (the thread that asks and those that
// wait for it) is not freed; the list has CACHE_MAXIMUM entries at most, unless more than so many are ASKING.
import { ListNode, listInit, listInsertTail, listLinked, listRemove } from "../../../kernel/list";
import { memoryFreePages } from "../../../kernel/memory/frames";
import { SLAB_SIZE, Slab, slabInit } from "../../../kernel/memory/slab";
import { WaitQueue, wakeAll } from "../../../kernel/thread/wait_queue";
import { ADDRESSES_MAXIMUM, ADDRESS_SIZE, Question } from "./answer";

/** Entries that are kept, half a KiB each. */
const CACHE_MAXIMUM: u32 = 128;
/** Pages that the cache leaves to the rest of the system. */
const RESERVE_PAGES: u32 = 64;

const SECOND: u64 = 1_000_000_000;
/** RFC 8767 section 4 and RFC 2308 section 5: no answer is kept for longer, whatever it says. */
const KEEP_MAXIMUM: u32 = 86400;
const KEEP_NEGATIVE_MAXIMUM: u32 = 3600;

export const ENTRY_ASKING: u8 = 0;
export const ENTRY_KNOWN: u8 = 1;
export const ENTRY_ENDED: u8 = 2;

/** What is known of one name; read by anyone, written here. */
@unmanaged
@final
export class CacheEntry {
  /** Link in the list; must come first. */
  private linkNext: usize;
  private linkPrevious: usize;
  /** Storage of the WaitQueue: use waitQueue(). */
  private waiters: u64;
  /** Monotonic ns. */
  expires: u64;
  hash: u32;
  /** 0, or the negative errno that answerRead() gave. */
  outcome: i32;
  users: u32;
  addressCount: u32;
  type: u16;
  /** ENTRY_… */
  state: u8;
  nameLength: u8;

  get link(): ListNode {
    return changetype<ListNode>(this);
  }

  /** Woken when the asking ends. */
  waitQueue(): WaitQueue {
    return changetype<WaitQueue>(changetype<usize>(this) + offsetof<CacheEntry>("waiters"));
  }

  name(): usize {
    return changetype<usize>(this) + offsetof<CacheEntry>();
  }

  /** The addresses, each of ADDRESS_SIZE bytes in network order. */
  addresses(): usize {
    return this.name() + 256;
  }
}

export const NO_ENTRY: CacheEntry = changetype<CacheEntry>(0);

const slab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
const list = changetype<ListNode>(memory.data(8, 4));
let initialised = false;

function entrySize(): u32 {
  return offsetof<CacheEntry>() + 256 + ADDRESSES_MAXIMUM * ADDRESS_SIZE;
}

/** FNV-1a: spares comparisons of names, protects nothing. */
function hashName(name: usize, length: u32, type: u16): u32 {
  let hash: u32 = 0x811c9dc5 ^ type;
  for (let i: u32 = 0; i < length; i++) hash = (hash ^ load<u8>(name + i)) * 0x01000193;
  return hash;
}

/** The entry of the question's name and type, now the most recently used; NO_ENTRY when there is none that still holds. */
export function cacheFind(question: Question, now: u64): CacheEntry {
  if (!initialised) return NO_ENTRY;
  const length = question.nameLength;
  const hash = hashName(question.name(), length, question.type);
  for (let at = list.previous; at != changetype<usize>(list);) {
    const entry = changetype<CacheEntry>(at);
    at = entry.link.previous;
    if (entry.hash != hash || entry.nameLength != length || entry.type != question.type) continue;
    if (memory.compare(entry.name(), question.name(), length) != 0) continue;
    listRemove(entry.link);
    if (entry.state == ENTRY_KNOWN && entry.expires <= now) {
      freeUnused(entry);
      return NO_ENTRY;
    }
    listInsertTail(list, entry.link);
    return entry;
  }
  return NO_ENTRY;
}

/** A new entry for the question, ASKING, with the caller as its user; NO_ENTRY when memory is short. */
export function cacheAsk(question: Question): CacheEntry {
  if (!initialised) {
    slabInit(slab, entrySize());
    listInit(list);
    initialised = true;
  }
  if (slab.used >= CACHE_MAXIMUM || memoryFreePages() < RESERVE_PAGES) removeOldest();
  const entry = changetype<CacheEntry>(slab.alloc());
  if (entry == NO_ENTRY) return entry;
  entry.hash = hashName(question.name(), question.nameLength, question.type);
  entry.type = question.type;
  entry.nameLength = <u8>question.nameLength;
  memory.copy(entry.name(), question.name(), question.nameLength);
  entry.state = ENTRY_ASKING;
  entry.users = 1;
  listInsertTail(list, entry.link);
  return entry;
}

/** Ends the asking with `outcome`, for 0 with the question's addresses, and lets those go on that wait for it. */
export function cacheConclude(entry: CacheEntry, question: Question, outcome: i32, keep: bool, now: u64): void {
  entry.outcome = outcome;
  entry.addressCount = outcome == 0 ? question.addressCount : 0;
  memory.copy(entry.addresses(), question.addresses(), entry.addressCount * ADDRESS_SIZE);
  const seconds = min(question.timeToLive, outcome == 0 ? KEEP_MAXIMUM : KEEP_NEGATIVE_MAXIMUM);
  entry.expires = now + <u64>seconds * SECOND;
  // It is out of the list already when the cache was cleared meanwhile.
  if (keep && seconds != 0 && listLinked(entry.link)) {
    entry.state = ENTRY_KNOWN;
  } else {
    entry.state = ENTRY_ENDED;
    listRemove(entry.link);
  }
  wakeAll(entry.waitQueue());
}

/** Says that the caller, counted in `users`, needs the entry no longer. */
export function cacheRelease(entry: CacheEntry): void {
  entry.users -= 1;
  if (!listLinked(entry.link)) freeUnused(entry);
}

/** Forgets everything; what is being asked is still told to those that wait for it. */
export function cacheClear(): void {
  if (!initialised) return;
  for (let at = list.next; at != changetype<usize>(list);) {
    const entry = changetype<CacheEntry>(at);
    at = entry.link.next;
    listRemove(entry.link);
    freeUnused(entry);
  }
}

function freeUnused(entry: CacheEntry): void {
  if (entry.users == 0) slab.free(changetype<usize>(entry));
}

function removeOldest(): void {
  for (let at = list.next; at != changetype<usize>(list); at = changetype<ListNode>(at).next) {
    const entry = changetype<CacheEntry>(at);
    if (entry.state != ENTRY_KNOWN) continue;
    listRemove(entry.link);
    freeUnused(entry);
    return;
  }
}
