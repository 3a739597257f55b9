// The blocks of a volume in memory (buffers.ts): file contents and everything else, by their number on the device. As many as were made when it was
// mounted. What a call has looked at stays until the call is over or says that it has done with it (cacheStep), so addresses in it stay good. The
// oldest others make room.
// Invariant: a buffer whose `stamp` is the present step, one in the running transaction and a pinned one are not taken.
import { ENOMEM } from "../../../kernel/errno";
import { ListNode, listEmpty, listInit } from "../../../kernel/list";
import { memoryFreePages } from "../../../kernel/memory/frames";
import { PAGE_SIZE, orderFor, pageAlloc, pagesAlloc } from "../../../kernel/memory/pages";
import { deviceTransfer, deviceWait } from "../../blk/device";
import {
  BUFFER_CLEAN,
  BUFFER_SIZE,
  Buffer,
  NO_BLOCK,
  NO_BUFFER,
  bufferBecome,
  bufferBecomeNewest,
  bufferEnter,
  bufferFind,
  bufferLeave,
  bufferTouch,
  cachePresent,
  listedBuffer,
  nextListed,
} from "./buffers";
import { journalAbort } from "./journal";
import { Volume } from "./volume";

/** Pages of a cache at least and at most; between, an eighth of the memory that is free when it is made. */
const LEAST_PAGES: u32 = 128;
const MOST_PAGES: u32 = 4096;
const FREE_SHIFT: u32 = 3;
/** Makes the cache of `volume`, whose blockSize is set: 0 or -ENOMEM. */
export function cacheInit(volume: Volume): i32 {
  const pages = min(memoryFreePages() >> FREE_SHIFT, MOST_PAGES);
  if (pages < LEAST_PAGES) return -ENOMEM;
  const perPage = PAGE_SIZE / volume.blockSize;
  const capacity = pages * perPage;
  const tableSize: u32 = 1 << (32 - clz(capacity - 1));
  volume.buffers = pagesAlloc(orderFor(capacity * BUFFER_SIZE));
  volume.table = pagesAlloc(orderFor(tableSize << 2));
  if (volume.buffers == 0 || volume.table == 0) return -ENOMEM;
  memory.fill(volume.table, 0, (<usize>tableSize) << 2);
  volume.tableMask = tableSize - 1;
  listInit(volume.data);
  listInit(volume.committed);
  listInit(volume.changed);
  for (let i: u32 = 0; i < pages; i++) {
    const page = pageAlloc();
    if (page == 0) return -ENOMEM;
    for (let j: u32 = 0; j < perPage; j++) addBuffer(volume, page + j * volume.blockSize);
  }
  return 0;
}

function addBuffer(volume: Volume, address: usize): void {
  const buffer = changetype<Buffer>(volume.buffers + volume.capacity * BUFFER_SIZE);
  memory.fill(changetype<usize>(buffer), 0, BUFFER_SIZE);
  buffer.address = address;
  buffer.length = volume.blockSize;
  buffer.block = NO_BLOCK;
  volume.capacity += 1;
  bufferBecomeNewest(volume, buffer);
}

/** Waits for all that is under way: 0 or -EIO. What could not be read is asked for again by who wants it. */
function wait(volume: Volume): i32 {
  const error = deviceWait(volume.device);
  if (error == 0) return 0;
  for (let i: u32 = 0; i < volume.capacity; i++) {
    const buffer = changetype<Buffer>(volume.buffers + i * BUFFER_SIZE);
    if (buffer.status != 0 && buffer.state == BUFFER_CLEAN) buffer.isValid = false;
  }
  return error;
}

/** Writes all of a list in place, and makes what was written clean; what was not stays. 0 or -EIO. */
function writeList(volume: Volume, list: ListNode): i32 {
  for (let at = listedBuffer(list); at != NO_BUFFER; at = nextListed(list, at)) {
    deviceTransfer(volume.device, at, true);
    volume.isUnflushed = true;
  }
  const error = wait(volume);
  let at = listedBuffer(list);
  while (at != NO_BUFFER) {
    const next = nextListed(list, at);
    if (at.status == 0) bufferBecome(volume, at, BUFFER_CLEAN);
    at = next;
  }
  return error;
}

/** Writes all data that is to be written; what cannot be is given up, and the next sync tells. */
export function cacheWriteData(volume: Volume): void {
  if (volume.dataCount == 0 || writeList(volume, volume.data) == 0) return;
  volume.hasLostData = true;
  while (!listEmpty(volume.data)) bufferBecome(volume, listedBuffer(volume.data), BUFFER_CLEAN);
}

/** Writes what is committed in its place: 0 or -EIO. */
export function cacheWriteCommitted(volume: Volume): i32 {
  return listEmpty(volume.committed) ? 0 : writeList(volume, volume.committed);
}

// ---- getting ----

function mayBeTaken(buffer: Buffer): bool {
  return buffer.stamp != cachePresent() && buffer.pins == 0 && buffer.state == BUFFER_CLEAN && !buffer.lost;
}

/** The oldest buffer that can be taken; NO_BUFFER for none. */
function oldestFree(volume: Volume): Buffer {
  let at = volume.oldest;
  while (at != 0 && !mayBeTaken(changetype<Buffer>(at))) at = changetype<Buffer>(at).newer;
  return changetype<Buffer>(at);
}

/** A buffer without a block; NO_BUFFER when the volume has failed. */
export function cacheTake(volume: Volume): Buffer {
  const isCrowded = volume.dataCount > volume.capacity >> 1;
  let buffer = isCrowded ? NO_BUFFER : oldestFree(volume);
  if (buffer == NO_BUFFER) {
    cacheWriteData(volume);
    buffer = oldestFree(volume);
  }
  if (buffer == NO_BUFFER && !volume.isReadOnly) {
    if (cacheWriteCommitted(volume) != 0) journalAbort(volume);
    buffer = oldestFree(volume);
  }
  if (buffer == NO_BUFFER) return NO_BUFFER;
  bufferLeave(volume, buffer);
  buffer.isValid = false;
  bufferTouch(volume, buffer);
  return buffer;
}

/** Gives back a buffer from cacheTake() that has no block. */
export function cacheGive(buffer: Buffer): void {
  buffer.stamp = 0;
}

/** The buffer of `block`, whatever is in it; NO_BUFFER when there is none to be had. */
export function cacheBuffer(volume: Volume, block: u32): Buffer {
  let buffer = bufferFind(volume, block);
  if (buffer == NO_BUFFER || buffer.lost) {
    if (buffer != NO_BUFFER) bufferLeave(volume, buffer);
    buffer = cacheTake(volume);
    if (buffer == NO_BUFFER) return NO_BUFFER;
    bufferEnter(volume, buffer, block);
  }
  bufferTouch(volume, buffer);
  return buffer;
}

/** Whether `block` is there. */
export function cacheHas(volume: Volume, block: u32): bool {
  const buffer = bufferFind(volume, block);
  return buffer != NO_BUFFER && buffer.isValid;
}

/** Begins to read it, if need be; cacheReadWait() ends that. */
export function cacheReadBegin(volume: Volume, block: u32): void {
  if (cacheHas(volume, block)) return;
  const buffer = cacheBuffer(volume, block);
  if (buffer == NO_BUFFER) return;
  buffer.isValid = true; // until something else turns out
  deviceTransfer(volume.device, buffer, false);
}

/** Waits for what cacheReadBegin() has begun. */
export function cacheReadWait(volume: Volume): void {
  wait(volume);
}

/** The buffer of `block` with its contents; NO_BUFFER when that cannot be read. */
export function cacheRead(volume: Volume, block: u32): Buffer {
  const buffer = cacheBuffer(volume, block);
  if (buffer == NO_BUFFER || buffer.isValid) return buffer;
  deviceTransfer(volume.device, buffer, false);
  buffer.isValid = true;
  wait(volume);
  return buffer.isValid ? buffer : NO_BUFFER;
}

/** The same, good only until the cache is asked for the next one, however many there are to be gone through. */
export function cachePeek(volume: Volume, block: u32): Buffer {
  const known = bufferFind(volume, block);
  const stamp = known == NO_BUFFER ? 0 : known.stamp;
  const buffer = cacheRead(volume, block);
  if (buffer != NO_BUFFER) buffer.stamp = stamp;
  return buffer;
}

/** What cachePeek() has found stays for this step. */
export function cacheKeep(volume: Volume, buffer: Buffer): void {
  bufferTouch(volume, buffer);
}

/** The buffer of `block`, which nothing was in, with zeros; NO_BUFFER when there is none to be had. */
export function cacheFresh(volume: Volume, block: u32): Buffer {
  const buffer = cacheBuffer(volume, block);
  if (buffer == NO_BUFFER) return NO_BUFFER;
  memory.fill(buffer.address, 0, volume.blockSize);
  buffer.isValid = true;
  return buffer;
}

/** Forgets what is in `block`, which is nobody's any more: it is not written. */
export function cacheForget(volume: Volume, block: u32): void {
  const buffer = bufferFind(volume, block);
  if (buffer == NO_BUFFER) return;
  bufferBecome(volume, buffer, BUFFER_CLEAN);
  buffer.isValid = false;
}
