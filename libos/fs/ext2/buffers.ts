// Buffers of a volume's cache (cache.ts): a block in memory each, in one of four states: clean; data that is to be written before the next
// commit; changed in the running transaction, which must not be written in its place; or committed: in the log, and to be written in its
// place some time. They are found by the number of the block, and known by their age.
// Invariants: in the table there are only buffers with a block; `node` is in the list of the buffer's state, and in none when clean.
import { ListNode, listEmpty, listFirst, listInsertTail, listRemove } from "../../../kernel/list";
import { SECTOR_SHIFT } from "../../blk/blkif";
import { Transfer } from "../../blk/device";
import { Volume } from "./volume";

export const BUFFER_CLEAN: u32 = 0;
export const BUFFER_DATA: u32 = 1;
export const BUFFER_CHANGED: u32 = 2;
export const BUFFER_COMMITTED: u32 = 3;

/** No block: a free buffer. Block 0 is never asked for, or is the superblock's. */
export const NO_BLOCK: u32 = u32.MAX_VALUE;

/** A block in memory. */
@unmanaged
@final
export class Buffer extends Transfer {
  listNext: usize; // ListNode
  listPrevious: usize;
  /** The next with the same place in the table. */
  chain: usize;
  newer: usize;
  older: usize;
  block: u32;
  /** BUFFER_… */
  state: u32;
  isValid: bool;
  /** Its first four bytes are zero for the time of a commit (log.ts). */
  isEscaped: bool;
  pins: u32;
  stamp: u32;
  /** Of a bitmap in the running transaction: the Buffer with what it was at the last commit. */
  frozen: usize;

  get node(): ListNode {
    return changetype<ListNode>(changetype<usize>(this) + offsetof<Buffer>("listNext"));
  }
}

/** Bytes of a Buffer. */
export const BUFFER_SIZE: u32 = (<u32>offsetof<Buffer>() + 7) & ~7;

export const NO_BUFFER: Buffer = changetype<Buffer>(0);

let step: u32 = 1;

/** The present step. */
export function cachePresent(): u32 {
  return step;
}

/** What was looked at until now may make room. */
export function cacheStep(): void {
  step += 1;
}

function bufferOf(node: usize): Buffer {
  return changetype<Buffer>(node - offsetof<Buffer>("listNext"));
}

/** The first buffer of a list of a state; NO_BUFFER when it is empty. */
export function listedBuffer(list: ListNode): Buffer {
  return listEmpty(list) ? NO_BUFFER : bufferOf(listFirst(list));
}

/** The buffer behind `buffer` in `list`; NO_BUFFER at the end. */
export function nextListed(list: ListNode, buffer: Buffer): Buffer {
  return buffer.listNext == changetype<usize>(list) ? NO_BUFFER : bufferOf(buffer.listNext);
}

// ---- age ----

/** Puts it at the end of the new ones. */
export function bufferBecomeNewest(volume: Volume, buffer: Buffer): void {
  buffer.newer = 0;
  buffer.older = volume.newest;
  if (volume.newest != 0) changetype<Buffer>(volume.newest).newer = changetype<usize>(buffer);
  else volume.oldest = changetype<usize>(buffer);
  volume.newest = changetype<usize>(buffer);
}

function leaveAges(volume: Volume, buffer: Buffer): void {
  if (buffer.newer != 0) changetype<Buffer>(buffer.newer).older = buffer.older;
  else volume.newest = buffer.older;
  if (buffer.older != 0) changetype<Buffer>(buffer.older).newer = buffer.newer;
  else volume.oldest = buffer.newer;
}

/** Marks it as looked at in this step. */
export function bufferTouch(volume: Volume, buffer: Buffer): void {
  buffer.stamp = step;
  if (volume.newest == changetype<usize>(buffer)) return;
  leaveAges(volume, buffer);
  bufferBecomeNewest(volume, buffer);
}

// ---- the table ----

function bucket(volume: Volume, block: u32): usize {
  return volume.table + ((<usize>((block * 0x9e3779b1) & volume.tableMask)) << 2);
}

/** The buffer of `block`; NO_BUFFER when there is none. */
export function bufferFind(volume: Volume, block: u32): Buffer {
  let at = load<usize>(bucket(volume, block));
  while (at != 0 && changetype<Buffer>(at).block != block) at = changetype<Buffer>(at).chain;
  return changetype<Buffer>(at);
}

/** Has it be the one of `block`. */
export function bufferEnter(volume: Volume, buffer: Buffer, block: u32): void {
  const head = bucket(volume, block);
  buffer.block = block;
  buffer.sector = (<u64>block) << (volume.blockShift - SECTOR_SHIFT);
  buffer.chain = load<usize>(head);
  store<usize>(head, changetype<usize>(buffer));
}

/** Has it be that of no block. */
export function bufferLeave(volume: Volume, buffer: Buffer): void {
  if (buffer.block == NO_BLOCK) return;
  let link = bucket(volume, buffer.block);
  while (load<usize>(link) != changetype<usize>(buffer)) link = load<usize>(link) + offsetof<Buffer>("chain");
  store<usize>(link, buffer.chain);
  buffer.block = NO_BLOCK;
}

// ---- states ----

/** Changes the state, and the list. */
export function bufferBecome(volume: Volume, buffer: Buffer, state: u32): void {
  if (buffer.state == state) return;
  if (buffer.state != BUFFER_CLEAN) listRemove(buffer.node);
  if (buffer.state == BUFFER_DATA) volume.dataCount -= 1;
  if (buffer.state == BUFFER_CHANGED) volume.changedCount -= 1;
  buffer.state = state;
  if (state == BUFFER_DATA) {
    volume.dataCount += 1;
    listInsertTail(volume.data, buffer.node);
  } else if (state == BUFFER_CHANGED) {
    volume.changedCount += 1;
    listInsertTail(volume.changed, buffer.node);
  } else if (state == BUFFER_COMMITTED) listInsertTail(volume.committed, buffer.node);
}
