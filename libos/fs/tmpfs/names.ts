// The names in directories of a tmpfs. One hash table serves all directories of all mounts: a name is found by its directory and its
// bytes, under a key that nobody knows, so no names that somebody chooses make it slow. Each directory has a list besides, to be
// listed in the order in which names were made: sequence numbers only grow, so a listing that goes on after names have come or gone
// misses none that stayed and tells none twice.
import { ENOMEM } from "../../../kernel/errno";
import { PAGE_SIZE, pagesAlloc, pagesFree } from "../../../kernel/memory/pages";
import { randomU64 } from "../../../kernel/random";
import { bytesEqual } from "../../../kernel/text";
import { siphashBegin, siphashEnd, siphashWord } from "../../net/siphash";
import { Mount } from "../mounts";
import { Entry, Inode, NO_ENTRY } from "./inode";
import { tmpfsAlloc, tmpfsFree } from "./memory";

/** A table of 2^10 pages has a million buckets. */
const LARGEST_ORDER: u32 = 10;

let buckets: usize = 0;
let order: u32 = 0;
let names: u32 = 0;
let key0: u64 = 0;
let key1: u64 = 0;

function bucketCount(): u32 {
  return (PAGE_SIZE << order) >> 2;
}

function bucket(hash: u32): usize {
  return buckets + ((<usize>(hash & (bucketCount() - 1))) << 2);
}

function hashOf(directory: Inode, name: usize, length: u32): u32 {
  siphashBegin(key0, key1);
  siphashWord(((<u64>length) << 32) | changetype<usize>(directory));
  let at: u32 = 0;
  for (; at + 8 <= length; at += 8) siphashWord(load<u64>(name + at));
  let last: u64 = 0;
  for (let shift: u64 = 0; at < length; at++, shift += 8) last |= (<u64>load<u8>(name + at)) << shift;
  siphashWord(last);
  return <u32>siphashEnd();
}

/** Makes the table at the first name: false without memory. */
function tableStart(): bool {
  if (buckets != 0) return true;
  buckets = pagesAlloc(0);
  if (buckets == 0) return false;
  memory.fill(buckets, 0, PAGE_SIZE);
  key0 = randomU64();
  key1 = randomU64();
  return true;
}

/** Doubles the table when it has twice as many names as buckets; without memory it stays and is slower. */
function tableGrow(): void {
  if (names < bucketCount() << 1 || order == LARGEST_ORDER) return;
  const larger = pagesAlloc(order + 1);
  if (larger == 0) return;
  const old = buckets;
  const count = bucketCount();
  buckets = larger;
  order += 1;
  memory.fill(larger, 0, PAGE_SIZE << order);
  for (let i: u32 = 0; i < count; i++) {
    let entry = load<usize>(old + ((<usize>i) << 2));
    while (entry != 0) {
      const view = changetype<Entry>(entry);
      const next = view.chain;
      const head = bucket(view.hash);
      view.chain = load<usize>(head);
      store<usize>(head, entry);
      entry = next;
    }
  }
  pagesFree(old, order - 1);
}

/** The name in `directory`; NO_ENTRY when there is none. */
export function nameFind(directory: Inode, name: usize, length: u32): Entry {
  if (directory.first == 0) return NO_ENTRY;
  const hash = hashOf(directory, name, length);
  let at = load<usize>(bucket(hash));
  while (at != 0) {
    const entry = changetype<Entry>(at);
    const isIt = entry.hash == hash && entry.directory == changetype<usize>(directory) && entry.length == length;
    if (isIt && bytesEqual(entry.name(), name, length)) return entry;
    at = entry.chain;
  }
  return NO_ENTRY;
}

/**
 * Memory for a name of `length` bytes; `anyway`: also when the mount is full. Its address, -ENOSPC, -ENOMEM. nameAdd() or
 * nameForget() is next.
 */
export function nameReserve(mount: Mount, length: u32, anyway: bool): i32 {
  return tableStart() ? tmpfsAlloc(mount, <u32>offsetof<Entry>() + length, anyway) : -ENOMEM;
}

/** Gives back what nameReserve gave. */
export function nameForget(mount: Mount, entry: usize, length: u32): void {
  tmpfsFree(mount, entry, <u32>offsetof<Entry>() + length);
}

/** Names `inode` so in `directory`, with the memory at `entry`. */
export function nameAdd(directory: Inode, entry: Entry, name: usize, length: u32, inode: Inode): void {
  tableGrow();
  entry.hash = hashOf(directory, name, length);
  entry.directory = changetype<usize>(directory);
  entry.inode = changetype<usize>(inode);
  entry.length = length;
  memory.copy(entry.name(), name, length);
  entry.sequence = ++directory.nextSequence;
  entry.previous = directory.last;
  entry.next = 0;
  if (directory.last == 0) directory.first = changetype<usize>(entry);
  else changetype<Entry>(directory.last).next = changetype<usize>(entry);
  directory.last = changetype<usize>(entry);
  const head = bucket(entry.hash);
  entry.chain = load<usize>(head);
  store<usize>(head, changetype<usize>(entry));
  names += 1;
  inode.entry = changetype<usize>(entry);
}

/** Takes the name away and gives back its memory. */
export function nameRemove(mount: Mount, entry: Entry): void {
  const directory = changetype<Inode>(entry.directory);
  const inode = changetype<Inode>(entry.inode);
  let link = bucket(entry.hash);
  while (load<usize>(link) != changetype<usize>(entry)) link = load<usize>(link) + offsetof<Entry>("chain");
  store<usize>(link, entry.chain);
  if (entry.previous == 0) directory.first = entry.next;
  else changetype<Entry>(entry.previous).next = entry.next;
  if (entry.next == 0) directory.last = entry.previous;
  else changetype<Entry>(entry.next).previous = entry.previous;
  if (directory.cursor == changetype<usize>(entry)) directory.cursor = entry.next;
  if (inode.entry == changetype<usize>(entry)) inode.entry = 0;
  names -= 1;
  nameForget(mount, changetype<usize>(entry), entry.length);
}

/** The first name of `directory` whose sequence number is above `position`; NO_ENTRY at the end. */
export function nameAfter(directory: Inode, position: u64): Entry {
  // Names before the cursor are not above its number, so a listing that goes on begins there.
  const isPast = directory.cursor != 0 && directory.cursorSequence <= position;
  let at = isPast ? directory.cursor : directory.first;
  while (at != 0 && changetype<Entry>(at).sequence <= position) at = changetype<Entry>(at).next;
  directory.cursor = at;
  directory.cursorSequence = position;
  return changetype<Entry>(at);
}
