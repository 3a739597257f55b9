// Spare frames for copies on write: as many pfns as the pool has places, kept from the app and the kernel. A place is filled
// (its frame is mapped at the place's own address, ready to be copied to) or empty (its pfn has been left behind by a page that
// got a copy, and waits to have memory again). Places are filled all at once, because a batch costs Xen little more than one.
// Invariant: each pfn is in the app's memory once, or in the pool once, in a copy of the domain too.
import { panic } from "../panic";
import { memoryRelease, mmuextFlushTlb } from "../xen/hypercall";
import { INVALID_MFN, frameTakeForApp, framesFree, framesPopulate, pfnAssign, pfnToMfn } from "./frames";
import { PAGE_DATA, WINDOWS_BASE, pageMap, pageTableFlush } from "./page_table";
import { PAGE_SHIFT } from "./pages";

const PLACES: u32 = 32;
/** Page tables that mapping the places may take. */
const TABLES: u32 = 2;

const pfns = memory.data(128, 4); // by place
const frameList = memory.data(256, 8); // PLACES of u64, for Xen
let filled: u32 = 0; // places below are filled

function pfnAt(place: u32): u32 {
  return load<u32>(pfns + ((<usize>place) << 2));
}

/** Takes the pool's frames; false when memory does not suffice. Called once. */
export function spareFramesInit(): bool {
  if (framesFree() < PLACES + TABLES) return false;
  for (let place: u32 = 0; place < PLACES; place++) store<u32>(pfns + ((<usize>place) << 2), frameTakeForApp());
  fill(PLACES);
  return true;
}

function fill(places: u32): void {
  for (let place: u32 = 0; place < places; place++) {
    pageMap(WINDOWS_BASE + ((<usize>place) << PAGE_SHIFT), pfnAt(place), PAGE_DATA);
  }
  pageTableFlush();
  mmuextFlushTlb(); // the places still led to frames that are the app's now
  filled = places;
}

/** In a copy of the domain that shares its memory: what the places had is the other's. */
export function spareFramesForked(): void {
  filled = 0;
}

/** Makes sure that there is a spare frame; false when the host has no memory left. */
export function spareFramesReady(): bool {
  return filled != 0 || refill();
}

/** The address of the next spare frame. */
export function spareFrameAddress(): usize {
  return WINDOWS_BASE + ((<usize>(filled - 1)) << PAGE_SHIFT);
}

/** Its machine frame. */
export function spareFrameMfn(): u64 {
  return pfnToMfn(pfnAt(filled - 1));
}

/** The next spare frame has taken the place of the frame behind `pfn`, which the pool gets in exchange. */
export function spareFrameExchange(pfn: u32): void {
  filled -= 1;
  store<u32>(pfns + ((<usize>filled) << 2), pfn);
}

function refill(): bool {
  releaseOwned();
  for (let place: u32 = 0; place < PLACES; place++) store<u64>(frameList + ((<usize>place) << 3), pfnAt(place));
  fill(framesPopulate(frameList, PLACES));
  return filled != 0;
}

/** Gives back the frames left behind: they live on as long as another domain has them mapped. */
function releaseOwned(): void {
  let count: u32 = 0;
  for (let place: u32 = 0; place < PLACES; place++) {
    const mfn = pfnToMfn(pfnAt(place));
    if (mfn == INVALID_MFN) continue; // it was another domain's
    store<u64>(frameList + ((<usize>count) << 3), mfn);
    count += 1;
    pfnAssign(pfnAt(place), INVALID_MFN);
  }
  if (count != 0 && memoryRelease(frameList, count) != <i32>count) panic("Xen does not take frames back");
}
