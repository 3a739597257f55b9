// Shared pages: memory that a domain and its copies go on having in common after a fork, writable for all of them. They have
// places of their own between the direct map and the app's memory, which forkd maps in a child as the parent has them
// (docs/fork.md). Each place holds SHARED_SIZE bytes and is unused, used, or kept: mapped, for the next who wants one.
// A frame belongs to the domain that used the place first. Another has nothing behind the place's pfns; when the place is free
// again it gets frames of its own there. The owner of a frame that others may still use gives it back to Xen, where it lives until they go.
// Invariant: the pfns of a place are the place's for ever, in every copy of the domain.
import { PAGE_DATA, SHARED_BASE, SHARED_END, pageMap, pageTableFlush, pageUnmap } from "./page_table";
import { memoryRelease, mmuextFlushTlb } from "../xen/hypercall";
import { sharersCount } from "./copy_on_write";
import { INVALID_MFN, frameTakeForApp, framesFree, framesPopulate, pfnAssign, pfnToMfn } from "./frames";
import { panic } from "../panic";
import { PAGE_SHIFT, PAGE_SIZE, pageAlloc } from "./pages";

/** Bytes of a place: two pages. */
export const SHARED_SIZE: u32 = 2 * PAGE_SIZE;
const PLACE_SHIFT: u32 = PAGE_SHIFT + 1;
const PLACES: u32 = <u32>((SHARED_END - SHARED_BASE) >> PLACE_SHIFT);

const UNUSED: u8 = 0;
const USED: u8 = 1;
const KEPT: u8 = 2;

const frames = memory.data(16, 8); // two of u64, for Xen
let pfns: usize = 0; // a page: the first pfn of each place, its second, u32 each; 0: none yet
let states: usize = 0; // behind them, a byte for each place

/** Makes the places, and the page table for them; false without memory. */
export function sharedPagesInit(): bool {
  if (framesFree() == 0) return false;
  pfns = pageAlloc();
  if (pfns == 0) return false;
  memory.fill(pfns, 0, PAGE_SIZE);
  states = pfns + ((<usize>PLACES) << 3);
  pageMap(SHARED_BASE, 0, 0);
  pageTableFlush();
  return true;
}

/** Whether there are any. */
export function sharedPagesReady(): bool {
  return pfns != 0;
}

function pfnAt(place: u32, page: u32): usize {
  return pfns + ((<usize>place) << 3) + ((<usize>page) << 2);
}

function addressOf(place: u32, page: u32): usize {
  return SHARED_BASE + ((<usize>place) << PLACE_SHIFT) + ((<usize>page) << PAGE_SHIFT);
}

/** A zeroed place of SHARED_SIZE bytes; 0 when all are used, or without memory. */
export function sharedPagesAlloc(): usize {
  let place: u32 = 0;
  while (place < PLACES && load<u8>(states + place) == USED) place += 1;
  if (place == PLACES || (load<u8>(states + place) == UNUSED && !furnish(place))) return 0;
  store<u8>(states + place, USED);
  memory.fill(addressOf(place, 0), 0, SHARED_SIZE);
  return addressOf(place, 0);
}

/** Puts memory of the domain's own behind a place. */
function furnish(place: u32): bool {
  for (let page: u32 = 0; page < 2; page++) {
    const at = pfnAt(place, page);
    if (load<u32>(at) == 0) {
      const taken = frameTakeForApp();
      if (taken < 0) return false;
      store<u32>(at, taken);
    } else if (pfnToMfn(load<u32>(at)) == INVALID_MFN) {
      store<u64>(frames, load<u32>(at));
      if (framesPopulate(frames, 1) != 1) return false;
    }
  }
  for (let page: u32 = 0; page < 2; page++) pageMap(addressOf(place, page), load<u32>(pfnAt(place, page)), PAGE_DATA);
  pageTableFlush();
  return true;
}

/** Whether the memory of a place is the domain's own. */
function isOwn(place: u32): bool {
  return pfnToMfn(load<u32>(pfnAt(place, 0))) != INVALID_MFN;
}

/** Gives up a place from sharedPagesAlloc(), in this domain. */
export function sharedPagesFree(address: usize): void {
  const place = <u32>((address - SHARED_BASE) >> PLACE_SHIFT);
  if (sharersCount() == 0 && isOwn(place)) {
    store<u8>(states + place, KEPT);
    return;
  }
  unmap(place);
  mmuextFlushTlb();
  let count: u32 = 0;
  for (let page: u32 = 0; page < 2; page++) {
    const pfn = load<u32>(pfnAt(place, page));
    const mfn = pfnToMfn(pfn);
    if (mfn == INVALID_MFN) continue;
    store<u64>(frames + ((<usize>count) << 3), mfn);
    count += 1;
    pfnAssign(pfn, INVALID_MFN);
  }
  if (count != 0 && memoryRelease(frames, count) != <i32>count) panic("Xen does not take frames back");
}

function unmap(place: u32): void {
  for (let page: u32 = 0; page < 2; page++) pageUnmap(addressOf(place, page));
  pageTableFlush();
  store<u8>(states + place, UNUSED);
}

/** In a copy of the domain: what the other has kept for its next use is not this one's. */
export function sharedPagesForked(): void {
  for (let place: u32 = 0; place < PLACES && pfns != 0; place++) {
    if (load<u8>(states + place) == KEPT && !isOwn(place)) unmap(place);
  }
  mmuextFlushTlb();
}
