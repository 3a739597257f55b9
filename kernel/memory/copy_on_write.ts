// Copy on write for the app's memory, which a forked domain shares with its relatives. Xen lets a domain write to frames of
// its own only, and lets no domain write to a shared frame that came to it read-only; the owner forbids itself (docs/fork.md).
//
// Each 2 MiB region of the app's memory is in one of three states:
//   open       as ever; its pages may be written, and nobody keeps count of which were
//   protected  its L2 entry forbids writes, whatever the L1 entries say: one request at a fork, however big the app is
//   tracked    its L2 entry allows writes, and only pages that are in the list `written` may be written
// A fork protects open regions and, page by page, what was written in tracked ones. The first write to a protected region
// opens it again when nobody shares frames any more; otherwise it becomes tracked: all its pages are write-protected.
// A write to a write-protected page gets a spare frame with a copy; the old frame goes back to Xen, where it lives until its
// last user is gone.
import { machineToPhys } from "../boot";
import { EFAULT, ENOMEM } from "../errno";
import { panic } from "../panic";
import { UVMF_INVLPG, mmuUpdate, mmuUpdateAndFlush, mmuextFlushTlb, updateVaMapping } from "../xen/hypercall";
import { APP_BASE, appSpaceSize } from "./app_space";
import { framesSparse, pfnToMfn } from "./frames";
import { pageChanged } from "./page_changes";
import {
  PAGE_DATA,
  PTE_DIRTY,
  PTE_FRAME_MASK,
  PTE_PRESENT,
  PTE_WRITABLE,
  REGION_SHIFT,
  pageEntry,
  pageEntryRequest,
  regionRequest,
} from "./page_table";
import { PAGE_SHIFT, PAGE_SIZE, pageAlloc } from "./pages";
import {
  spareFrameAddress,
  spareFrameExchange,
  spareFrameMfn,
  spareFramesForked,
  spareFramesReady,
} from "./spare_frames";

const OPEN: u8 = 0;
const PROTECTED: u8 = 1;
const TRACKED: u8 = 2;

const REGIONS: usize = 1536; // of 3 GiB
const WRITTEN_LIMIT: u32 = 1024;
const REQUESTS_LIMIT: u32 = 256;

const states = memory.data(1536); // by region
let written: usize = 0; // a page: addresses of pages of tracked regions that may be written
let writtenCount: u32 = 0;
let writtenLost = false; // there were more than the list holds
let requests: usize = 0; // a page, for mmu_update
let requestCount: u32 = 0;
let sharersAt: usize = 0;

/**
 * Makes ready for the first fork. `sharers` is where the number of other domains stands (u32) that may share frames with
 * this one. False when memory is exhausted.
 */
export function copyOnWriteInit(sharers: usize): bool {
  written = pageAlloc();
  requests = pageAlloc();
  sharersAt = sharers;
  return written != 0 && requests != 0;
}

/** How many other domains may share frames with this one. */
export function sharersCount(): u32 {
  return sharersAt == 0 ? 0 : load<u32>(sharersAt);
}

function regionOf(address: usize): usize {
  return (address - APP_BASE) >> REGION_SHIFT;
}

function regionAddress(region: usize): usize {
  return APP_BASE + (region << REGION_SHIFT);
}

/** Where the next request goes; before there is no room left, Xen gets those there are. */
function nextRequest(): usize {
  if (requestCount == REQUESTS_LIMIT) send();
  requestCount += 1;
  return requests + ((<usize>(requestCount - 1)) << 4);
}

function send(): void {
  if (requestCount != 0 && mmuUpdate(requests, requestCount) != 0) panic("mmu_update refused");
  requestCount = 0;
}

/** Write-protects the app's memory, so that a copy of the domain may share it. */
export function copyOnWriteProtect(): void {
  const end = <usize>((appSpaceSize() + ((1 << REGION_SHIFT) - 1)) >> (<u32>REGION_SHIFT));
  for (let region: usize = 0; region < end; region++) {
    const state = load<u8>(states + region);
    if (state == PROTECTED || (state == TRACKED && !writtenLost)) continue;
    regionRequest(nextRequest(), regionAddress(region), false);
    store<u8>(states + region, PROTECTED);
  }
  for (let i: u32 = 0; i < writtenCount && !writtenLost; i++) {
    const address = load<u32>(written + ((<usize>i) << 2));
    pageEntryRequest(nextRequest(), address, pageEntry(address) & ~PTE_WRITABLE);
  }
  writtenCount = 0;
  writtenLost = false;
  if (requestCount != 0 && mmuUpdateAndFlush(requests, requestCount) != 0) panic("mmu_update refused");
  requestCount = 0;
}

/** In a copy of the domain that shares all of the app's memory: no page may be written. */
export function copyOnWriteForked(): void {
  memory.fill(states, TRACKED, REGIONS);
  writtenCount = 0;
  writtenLost = false;
  framesSparse();
  spareFramesForked();
}

/** The app's memory has grown by [start, end), which may be written. */
export function copyOnWriteGrown(start: usize, end: usize): void {
  for (let address = start; address < end; address += PAGE_SIZE) {
    const region = regionOf(address);
    if (load<u8>(states + region) == PROTECTED) track(region);
    if (load<u8>(states + region) == TRACKED) allow(address);
  }
}

/** A write to `address` was refused. 0 when it may be tried again; -EFAULT when it is no page of the app; -ENOMEM. */
export function copyOnWrite(address: u64): i32 {
  if (sharersAt == 0 || address < APP_BASE || address >= <u64>APP_BASE + appSpaceSize()) return -EFAULT;
  const page = (<usize>address) & ~(<usize>PAGE_SIZE - 1);
  const region = regionOf(page);
  if (load<u8>(states + region) == PROTECTED) {
    if (sharersCount() == 0) open(region);
    else track(region);
  }
  const entry = pageEntry(page);
  if ((entry & PTE_PRESENT) == 0) return -EFAULT;
  if ((entry & PTE_WRITABLE) != 0) return 0;
  if (!release(page, entry)) return -ENOMEM;
  if (load<u8>(states + region) == TRACKED) allow(page);
  return 0;
}

function open(region: usize): void {
  regionRequest(nextRequest(), regionAddress(region), true);
  store<u8>(states + region, OPEN);
  if (mmuUpdateAndFlush(requests, requestCount) != 0) panic("mmu_update refused");
  requestCount = 0;
}

/** Write-protects every page of a protected region, and then no longer the region. */
function track(region: usize): void {
  const start = regionAddress(region);
  const end = min(start + (1 << REGION_SHIFT), APP_BASE + appSpaceSize());
  for (let address = start; address < end; address += PAGE_SIZE) {
    const entry = pageEntry(address);
    if ((entry & PTE_WRITABLE) != 0) pageEntryRequest(nextRequest(), address, entry & ~PTE_WRITABLE);
  }
  regionRequest(nextRequest(), start, true);
  store<u8>(states + region, TRACKED);
  send();
  mmuextFlushTlb();
}

/** Notes that a page of a tracked region may be written. */
function allow(page: usize): void {
  if (writtenCount == WRITTEN_LIMIT) {
    writtenLost = true;
    return;
  }
  store<u32>(written + ((<usize>writtenCount) << 2), <u32>page);
  writtenCount += 1;
}

/** Makes a write-protected page one that may be written; false without memory for a copy. */
function release(page: usize, entry: u64): bool {
  const mfn = (entry & PTE_FRAME_MASK) >> PAGE_SHIFT;
  const pfn = <u32>machineToPhys(mfn);
  const isOwn = pfnToMfn(pfn) == mfn;
  if (isOwn && sharersCount() == 0) {
    return updateVaMapping(page, entry | PTE_WRITABLE | PTE_DIRTY, UVMF_INVLPG) == 0;
  }
  if (!spareFramesReady()) return false;
  memory.copy(spareFrameAddress(), page, PAGE_SIZE);
  if (updateVaMapping(page, (spareFrameMfn() << PAGE_SHIFT) | PAGE_DATA, UVMF_INVLPG) != 0) {
    panic("a copied page cannot be mapped");
  }
  spareFrameExchange(pfn);
  pageChanged(page);
  return true;
}
