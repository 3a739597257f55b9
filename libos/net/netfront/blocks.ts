// Blocks of pages that frames refer to where they lie (Device.blockAllocate): TCP keeps the text that it sends in them. The
// pages are granted, read-only, when a block is made, and stay so while it is used again and again.
//
// A block has an owner, or frames that refer to it, or both, or is idle. What an owner gives back while a frame refers to
// it – everything is acknowledged, but the back end has not answered yet a frame that went out twice – is put to no other use before
// the last of these frames is done: the back end would send another's bytes under a header that its receiver may accept.
// Some idle blocks are kept, the others go back to the page allocator with their grants ended.
import { orderFor, pagesAlloc, pagesFree, PAGE_SIZE } from "../../../kernel/memory/pages";
import { SLAB_SIZE, Slab, slabInit } from "../../../kernel/memory/slab";
import { DeviceBlock } from "../device";
import { grantedPageAdd, grantedPageRemove } from "./granted_pages";

/** The largest block has 2^9 pages, the largest send buffer. */
const ORDER_MAX: u32 = 9;
/** Pages of all blocks together: with the rings and buffers they fit into the grant table. */
const PAGES_MAX: u32 = 1536;
/** Of these, pages that only frames get: a frame that is larger than its buffer must not wait for a connection to end. */
const FRAMES_ONLY: u32 = 16;

/** A DeviceBlock, and what the driver knows about it. */
@unmanaged
@final
export class Block extends DeviceBlock {
  /** Next idle block of the order. */
  next: usize;
  /** Frames that refer to it. */
  frames: u32;
  owned: bool;
}

const slab = changetype<Slab>(memory.data(SLAB_SIZE, 8));
const idle = memory.data(40, 4); // (ORDER_MAX + 1) heads of lists
let pages: u32 = 0;
let pagesMaximum: u32 = 0;
let idlePages: u32 = 0;
let idleMaximum: u32 = 0;

const NO_BLOCK: Block = changetype<Block>(0);

/** Starts without a block in a domain of `domainPages` pages. */
export function blocksInit(domainPages: u32): void {
  slabInit(slab, <u32>offsetof<Block>());
  pagesMaximum = min(domainPages / 4, PAGES_MAX);
  idleMaximum = domainPages / 32;
}

function idleList(order: u32): usize {
  return idle + ((<usize>order) << 2);
}

/** A block of 2^order pages whose content is undefined, or null. */
export function blockAllocate(order: u32): DeviceBlock {
  return allocate(order, pagesMaximum - FRAMES_ONLY);
}

/** A block of a frame's own with at least `size` bytes, or null. */
export function blockForFrame(size: u32): DeviceBlock {
  return allocate(orderFor(size), pagesMaximum);
}

function allocate(order: u32, limit: u32): Block {
  if (order > ORDER_MAX) return NO_BLOCK;
  const list = idleList(order);
  let block = changetype<Block>(load<usize>(list));
  if (block != NO_BLOCK) {
    store<usize>(list, block.next);
    idlePages -= 1 << order;
  } else {
    block = make(order, limit);
    if (block == NO_BLOCK) return block;
  }
  block.owned = true;
  return block;
}

/** A new block, its pages granted. */
function make(order: u32, limit: u32): Block {
  const count = (<u32>1) << order;
  if (pages + count > limit) dropIdle();
  if (pages + count > limit) return NO_BLOCK;
  const block = changetype<Block>(slab.alloc());
  if (block == NO_BLOCK) return block;
  block.address = pagesAlloc(order);
  if (block.address == 0) {
    slab.free(changetype<usize>(block));
    return NO_BLOCK;
  }
  block.order = order;
  pages += count;
  for (let i: u32 = 0; i < count; i++) {
    if (grantedPageAdd(block.address + i * PAGE_SIZE, false) == 0) continue;
    drop(block); // the grant table is full; it fails only for a back end that uses grants at random, and then the block is lost
    return NO_BLOCK;
  }
  return block;
}

/** Gives `block` back to the page allocator; false, and it stays as it is, while the back end uses a page of it. */
function drop(block: Block): bool {
  const end = block.address + (PAGE_SIZE << block.order);
  for (let page = block.address; page < end; page += PAGE_SIZE) {
    if (grantedPageRemove(page) == 0) continue;
    // There is room in the grant table: what has just been ended was there.
    while (page > block.address) grantedPageAdd((page -= PAGE_SIZE), false);
    return false;
  }
  pagesFree(block.address, block.order);
  pages -= 1 << block.order;
  slab.free(changetype<usize>(block));
  return true;
}

/** Drops what is idle, to make room for a block of another size. */
function dropIdle(): void {
  for (let order: u32 = 0; order <= ORDER_MAX; order++) {
    let block = changetype<Block>(load<usize>(idleList(order)));
    store<usize>(idleList(order), 0);
    while (block != NO_BLOCK) {
      const next = changetype<Block>(block.next);
      idlePages -= 1 << order;
      if (!drop(block)) keepIdle(block);
      block = next;
    }
  }
}

function keepIdle(block: Block): void {
  const list = idleList(block.order);
  block.next = load<usize>(list);
  store<usize>(list, changetype<usize>(block));
  idlePages += 1 << block.order;
}

/** Nobody uses `block` any more. */
function release(block: Block): void {
  if (idlePages + (1 << block.order) > idleMaximum && drop(block)) return;
  keepIdle(block);
}

/** The owner gives `block` back. */
export function blockFree(block: DeviceBlock): void {
  const own = changetype<Block>(block);
  own.owned = false;
  if (own.frames == 0) release(own);
}

/** One more frame refers to `block`. */
export function blockHold(block: DeviceBlock): void {
  changetype<Block>(block).frames += 1;
}

/** A frame that referred to `block` is done. */
export function blockUnhold(block: DeviceBlock): void {
  const own = changetype<Block>(block);
  own.frames -= 1;
  if (own.frames == 0 && !own.owned) release(own);
}
