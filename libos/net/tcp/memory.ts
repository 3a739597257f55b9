// The memory that all connections' buffers share. A connection gets large buffers while memory is plentiful, single
// pages when it is tight, nothing beyond the limit; senders that found nothing are woken when pages come back.
import { ListNode, listFirst, listInit, listInsertTail, listLinked, listRemove } from "../../../kernel/list";
import { PAGE_SHIFT, pagesAlloc, pagesFree, pagesFreeCount } from "../../../kernel/memory/pages";
import { wakeAll } from "../../../kernel/thread/wait_queue";
import { DeviceBlock, deviceBlockAllocate, deviceBlockFree } from "../device";
import { STARVED } from "./flags";
import { TcpSocket, socketOfStarved } from "./socket";

const starved = changetype<ListNode>(memory.data(8, 8));
let used: u32 = 0;
let limit: u32 = 0;

/** Starts the accounting; `pages` is the most that buffers may take, 0 = half of what is free now. */
export function bufferMemoryInit(pages: u32): void {
  listInit(starved);
  used = 0;
  limit = pages != 0 ? pages : pagesFreeCount() >> 1;
}

/** Pages that buffers hold now. */
export function bufferPagesUsed(): u32 {
  return used;
}

/** True when more than three quarters of the limit are taken: windows stop growing, large blocks are refused. */
export function bufferMemoryTight(): bool {
  return used > limit - (limit >> 2);
}

/** True while buffers take less than an eighth of the limit: what is empty may keep a page then. */
export function bufferMemoryPlentiful(): bool {
  return used < limit >> 3;
}

/** True when a buffer may become `bytes` large and leave as much for others. */
export function bufferMemoryAllows(bytes: u32): bool {
  return used + 2 * (bytes >> PAGE_SHIFT) <= limit;
}

/** Large blocks are taken only while they leave a quarter of the limit for the others. */
function allowed(order: u32): bool {
  const ceiling = order == 0 ? limit : limit - (limit >> 2);
  return used + (1 << order) <= ceiling;
}

/** 2^order pages, or 0. */
export function bufferPagesAlloc(order: u32): usize {
  if (!allowed(order)) return 0;
  const block = pagesAlloc(order);
  if (block != 0) used += 1 << order;
  return block;
}

/** 2^order pages that frames of the device may refer to, or null. */
export function bufferBlockAlloc(order: u32): DeviceBlock {
  if (!allowed(order)) return changetype<DeviceBlock>(0);
  const block = deviceBlockAllocate(order);
  if (changetype<usize>(block) != 0) used += 1 << order;
  return block;
}

/** Gives back memory of bufferPagesAlloc(). */
export function bufferPagesFree(block: usize, order: u32): void {
  pagesFree(block, order);
  returned(order);
}

/** Gives back memory of bufferBlockAlloc(). */
export function bufferBlockFree(block: DeviceBlock): void {
  const order = block.order;
  deviceBlockFree(block);
  returned(order);
}

/** 2^order pages came back: the senders that wait for memory try again. */
function returned(order: u32): void {
  used -= 1 << order;
  for (let node = listFirst(starved); node != 0; node = listFirst(starved)) {
    const s = socketOfStarved(node);
    starvedRemove(s);
    wakeAll(s.waitQueue);
  }
}

/** Remembers that `s` wants memory to send. */
export function starvedAdd(s: TcpSocket): void {
  if (!listLinked(s.starvedNode)) listInsertTail(starved, s.starvedNode);
  s.set(STARVED);
}

/** Forgets it. */
export function starvedRemove(s: TcpSocket): void {
  listRemove(s.starvedNode);
  s.clear(STARVED);
}
