// Page allocator: a binary buddy system over the kernel's directly mapped memory (Knuth, TAOCP 1, 2.5).
// Invariants: a free block of order n is aligned to n pages relative to the region's start; no two free buddies
// stand apart; a byte per page says whether the page heads a free block, and of which order.
import { ListNode, listEmpty, listInit, listInsertTail, listRemove } from "../list";

/** Bytes of a page. */
export const PAGE_SIZE: u32 = 4096;
/** Address bits inside a page. */
export const PAGE_SHIFT: u32 = 12;
/** The largest block is 2^10 pages, 4 MiB. */
const MAX_ORDER: u32 = 10;

/** In the per-page byte: this page heads a free block; the low bits are its order. */
const HEADS_FREE_BLOCK: u8 = 0x80;

const freeLists = memory.data(88, 8); // (MAX_ORDER + 1) list heads of 8 bytes
let regionStart: usize = 0;
let regionPages: u32 = 0;
let pageStates: usize = 0;
let freePages: u32 = 0;
let exhausted: u32 = 0;

function freeList(order: u32): ListNode {
  return changetype<ListNode>(freeLists + <usize>order * 8);
}

function pageAddress(page: u32): usize {
  return regionStart + ((<usize>page) << PAGE_SHIFT);
}

function pageNumber(address: usize): u32 {
  return <u32>((address - regionStart) >> PAGE_SHIFT);
}

function insertBlock(page: u32, order: u32): void {
  store<u8>(pageStates + page, HEADS_FREE_BLOCK | (<u8>order));
  listInsertTail(freeList(order), changetype<ListNode>(pageAddress(page)));
}

function removeBlock(page: u32): void {
  store<u8>(pageStates + page, 0);
  const node = changetype<ListNode>(pageAddress(page));
  listRemove(node);
}

/**
 * Makes the allocator answer for `pages` pages from `start` (page aligned), none of them free yet. `states` is a byte
 * for each page, in memory that the allocator will not hand out.
 */
export function pagesRegion(start: usize, pages: u32, states: usize): void {
  for (let order: u32 = 0; order <= MAX_ORDER; order++) listInit(freeList(order));
  memory.fill(states, 0, pages);
  pageStates = states;
  regionStart = start;
  regionPages = pages;
  freePages = 0;
}

/** Makes the mapped pages of [start, end) free; they must lie in the region. */
export function pagesFreeRange(start: usize, end: usize): void {
  for (let address = start; address < end; address += PAGE_SIZE) pagesFree(address, 0);
}

/** Gives the allocator the mapped range [start, end) as a whole, the bookkeeping taken from its beginning. */
export function pagesInit(start: usize, end: usize): void {
  const first = pageAlign(start);
  const pages = <u32>((end - first) >> PAGE_SHIFT);
  pagesRegion(first, pages, first);
  pagesFreeRange(first + pageAlign(pages), end & ~(<usize>PAGE_SIZE - 1));
}

/** Where the byte of each page stands: HEADS_FREE_BLOCK | order, 0 for others. */
export function pagesStates(): usize {
  return pageStates;
}

/** `address` rounded up to a page. */
export function pageAlign(address: usize): usize {
  return (address + PAGE_SIZE - 1) & ~(<usize>PAGE_SIZE - 1);
}

/** Registers the function (order: u32): bool that is asked to free more pages when a block of that order is not to be had. */
export function pagesOnExhausted(functionIndex: u32): void {
  exhausted = functionIndex;
}

/** Pages that are free now. */
export function pagesFreeCount(): u32 {
  return freePages;
}

/** The smallest order >= `order` that has a free block; above MAX_ORDER when there is none. */
function firstOrder(order: u32): u32 {
  let found = order;
  while (found <= MAX_ORDER && listEmpty(freeList(found))) found++;
  return found;
}

/** A block of 2^order pages, contents undefined; 0 when none is free. */
export function pagesAlloc(order: u32): usize {
  let found = firstOrder(order);
  while (found > MAX_ORDER) {
    if (exhausted == 0 || !call_indirect<bool>(exhausted, order)) return 0;
    found = firstOrder(order);
  }
  const address = freeList(found).next;
  const page = pageNumber(address);
  removeBlock(page);
  while (found > order) {
    found -= 1;
    insertBlock(page + (1 << found), found);
  }
  freePages -= 1 << order;
  return address;
}

/** One page, contents undefined; 0 when none is free. */
export function pageAlloc(): usize {
  return pagesAlloc(0);
}

/** Gives back a block from pagesAlloc with the same order. */
export function pagesFree(address: usize, order: u32): void {
  let page = pageNumber(address);
  let merged = order;
  freePages += 1 << order;
  while (merged < MAX_ORDER) {
    const buddy = page ^ (1 << merged);
    if (buddy + (1 << merged) > regionPages || load<u8>(pageStates + buddy) != (HEADS_FREE_BLOCK | (<u8>merged))) break;
    removeBlock(buddy);
    page &= ~(1 << merged);
    merged += 1;
  }
  insertBlock(page, merged);
}

/** The smallest order whose block holds `bytes`. */
export function orderFor(bytes: u32): u32 {
  const pages = (bytes + PAGE_SIZE - 1) >> PAGE_SHIFT;
  return pages <= 1 ? 0 : 32 - clz(pages - 1);
}
