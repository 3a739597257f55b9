// Page tables of a 64-bit PV guest (xen.h, "mmu_update"). The builder made the first ones; the kernel adds tables and
// changes entries only through Xen, which checks every entry. Nothing but the first 4 GiB is ever mapped.
//
// Tables are remembered by pfn, one per 2 MiB (L1) and one per GiB (L2), so no table has to be read to be changed.
// Requests are gathered in a batch; `flush` hands it to Xen. What fork needs besides, entries that can be read and word of
// every change, begins with pageEntriesExpose().
import { imageBase, machineToPhys } from "../boot";
import { ENOMEM } from "../errno";
import { panic } from "../panic";
import { mmuUpdate, mmuextClearPage } from "../xen/hypercall";
import { startInfo } from "../xen/start_info";
import { frameAddress, framesFree, frameTakeForApp, pfnToMfn } from "./frames";
import { layoutChanged, pageChanged } from "./page_changes";
import { PAGE_SHIFT, PAGE_SIZE } from "./pages";

export const PTE_PRESENT: u64 = 1;
export const PTE_WRITABLE: u64 = 2;
const PTE_USER: u64 = 4;
const PTE_ACCESSED: u64 = 0x20;
export const PTE_DIRTY: u64 = 0x40;
const PTE_NO_EXECUTE: u64 = 1 << 63;
export const PTE_FRAME_MASK: u64 = 0x000ffffffffff000;

/** Entry flags of the three kinds of page there are: W^X leaves no fourth. */
export const PAGE_DATA: u64 = PTE_PRESENT | PTE_WRITABLE | PTE_USER | PTE_ACCESSED | PTE_DIRTY | PTE_NO_EXECUTE;
export const PAGE_READ_ONLY: u64 = PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_NO_EXECUTE;
export const PAGE_TEXT: u64 = PTE_PRESENT | PTE_USER | PTE_ACCESSED;
const TABLE: u64 = PTE_PRESENT | PTE_WRITABLE | PTE_USER | PTE_ACCESSED;

const L2_TABLES: u32 = 4;
const BATCH_LIMIT: u32 = 128;
/** Bytes of address space that an L1 table maps. */
export const REGION_SHIFT: usize = 21;
const GIB_SHIFT: usize = 30;
/** Between the direct map and the app: first 2 MiB of pages that a family has in common (shared_pages.ts), … */
export const SHARED_BASE: usize = 0x3f400000;
export const SHARED_END: usize = 0x3f600000;
/** … then 2 MiB for spare frames (spare_frames.ts), then the entries. */
export const WINDOWS_BASE: usize = 0x3f600000;
const WINDOWS_END: usize = 0x40000000;
/** The L1 tables of all 4 GiB have their places here, so that the entry of an address is at a fixed place, too. */
const ENTRIES_BASE: usize = 0x3f800000;

const l2Tables = memory.data(16, 8); // pfn by address >> 30
const batch = memory.data(2048, 16); // BATCH_LIMIT requests of 16 bytes
const batchAddresses = memory.data(512, 4); // what each of them maps; 0: a table
let batchCount: u32 = 0;
let exposedFrom: usize = 0; // L1 tables of this region and later ones are readable at ENTRIES_BASE; 0: none
let l1Tables: usize = 0; // pfn by address >> 21, for 4 GiB: two pages
let l3Table: u32 = 0;

function tableAddress(pfn: u32): usize {
  return frameAddress(pfn);
}

function entryPfn(entry: u64): u32 {
  return <u32>machineToPhys((entry & PTE_FRAME_MASK) >> PAGE_SHIFT);
}

/** Learns the builder's tables. `storage` is two zeroed pages for the list of L1 tables. */
export function pageTableInit(storage: usize): void {
  l1Tables = storage;
  l3Table = entryPfn(load<u64>(<usize>startInfo().pt_base));
  for (let i: u32 = 0; i < L2_TABLES; i++) {
    const l3Entry = load<u64>(tableAddress(l3Table) + ((<usize>i) << 3));
    if (!(l3Entry & PTE_PRESENT)) continue;
    const l2Table = entryPfn(l3Entry);
    store<u32>(l2Tables + ((<usize>i) << 2), l2Table);
    for (let j: u32 = 0; j < 512; j++) {
      const l2Entry = load<u64>(tableAddress(l2Table) + ((<usize>j) << 3));
      if (l2Entry & PTE_PRESENT) store<u32>(l1Tables + ((<usize>((i << 9) | j)) << 2), entryPfn(l2Entry));
    }
  }
}

/** The first address of the direct map that the builder left unmapped. */
export function pageTableMappedEnd(): usize {
  let address = imageBase();
  while (isMapped(address)) address += PAGE_SIZE;
  return address;
}

/** Reads the builder's table, which the builder mapped; not for tables made later. */
function isMapped(address: usize): bool {
  const l1Table = load<u32>(l1TableAt(address));
  if (l1Table == 0) return false;
  return (load<u64>(tableAddress(l1Table) + (((address >> PAGE_SHIFT) & 511) << 3)) & PTE_PRESENT) != 0;
}

/** Sends the gathered requests to Xen. A refusal means a kernel bug. */
export function pageTableFlush(): void {
  if (batchCount == 0) return;
  const count = batchCount;
  batchCount = 0;
  if (mmuUpdate(batch, count) != 0) panic("mmu_update refused");
  // Told afterwards: who hears of a change must find it made.
  for (let i: u32 = 0; i < count; i++) {
    const address = <usize>load<u32>(batchAddresses + ((<usize>i) << 2));
    if (address == 0) layoutChanged();
    else if (address < WINDOWS_BASE || address >= WINDOWS_END) pageChanged(address);
  }
}

function writeRequest(at: usize, tablePfn: u32, index: usize, entry: u64): void {
  store<u64>(at, (pfnToMfn(tablePfn) << PAGE_SHIFT) | (index << 3));
  store<u64>(at, entry, 8);
}

function request(tablePfn: u32, index: usize, entry: u64, address: usize): void {
  writeRequest(batch + ((<usize>batchCount) << 4), tablePfn, index, entry);
  store<u32>(batchAddresses + ((<usize>batchCount) << 2), <u32>address);
  batchCount += 1;
  if (batchCount == BATCH_LIMIT) pageTableFlush();
}

/** A new, zeroed table; its pfn or -ENOMEM. */
function newTable(): i32 {
  const pfn = frameTakeForApp();
  if (pfn >= 0 && mmuextClearPage(pfnToMfn(<u32>pfn)) != 0) panic("a page table frame cannot be cleared");
  return pfn;
}

function ensureTable(slot: usize, parent: u32, index: usize): i32 {
  const known = load<u32>(slot);
  if (known != 0) return <i32>known;
  const pfn = newTable();
  if (pfn < 0) return -ENOMEM;
  store<u32>(slot, <u32>pfn);
  request(parent, index, (pfnToMfn(<u32>pfn) << PAGE_SHIFT) | TABLE, 0);
  return pfn;
}

/** How many tables are missing for [start, end), so that a caller can check that memory suffices first. */
export function pageTablesMissing(start: usize, end: usize): u32 {
  let missing: u32 = 0;
  if (end <= start) return 0;
  for (let i = start >> 21; i <= (end - 1) >> 21; i++) if (load<u32>(l1Tables + (i << 2)) == 0) missing += 1;
  for (let i = start >> 30; i <= (end - 1) >> 30; i++) if (load<u32>(l2Tables + (i << 2)) == 0) missing += 1;
  return missing;
}

/** Gathers the mapping of `address` to frame `pfn` with PAGE_* `flags`; 0 or -ENOMEM. Valid after pageTableFlush(). */
export function pageMap(address: usize, pfn: u32, flags: u64): i32 {
  const l2Table = ensureTable(l2Tables + ((address >> 30) << 2), l3Table, address >> 30);
  if (l2Table < 0) return l2Table;
  const slot = l1TableAt(address);
  const isNew = load<u32>(slot) == 0;
  const l1Table = ensureTable(slot, <u32>l2Table, (address >> REGION_SHIFT) & 511);
  if (l1Table < 0) return l1Table;
  if (isNew && exposedFrom != 0 && address >> REGION_SHIFT >= exposedFrom) expose(address >> REGION_SHIFT);
  request(<u32>l1Table, (address >> PAGE_SHIFT) & 511, (pfnToMfn(pfn) << PAGE_SHIFT) | flags, address);
  return 0;
}

/** Gathers the removal of the mapping of `address`, if its table exists. The caller flushes the TLB. */
export function pageUnmap(address: usize): void {
  const l1Table = load<u32>(l1TableAt(address));
  if (l1Table != 0) request(l1Table, (address >> PAGE_SHIFT) & 511, 0, address);
}

/** Where the pfn of the L1 table for `address` is kept; 0 there: none. */
function l1TableAt(address: usize): usize {
  return l1Tables + ((address >> REGION_SHIFT) << 2);
}

/** Gathers the read-only mapping of an L1 table at its place among the entries. */
function expose(region: usize): void {
  const table = load<u32>(l1Tables + (region << 2));
  if (table != 0) pageMap(ENTRIES_BASE + (region << PAGE_SHIFT), table, PAGE_READ_ONLY);
}

/** Tables that pageEntriesExpose() takes itself: one for each GiB. */
function pageEntriesTables(start: usize, end: usize): u32 {
  return <u32>((end - 1) >> GIB_SHIFT) - <u32>(start >> GIB_SHIFT) + 1;
}

/** Makes the entries of [start, end) readable, of tables made later, too; 0 or -ENOMEM. */
export function pageEntriesExpose(start: usize, end: usize): i32 {
  if (pageEntriesTables(start, end) > framesFree()) return -ENOMEM;
  const first = start >> REGION_SHIFT;
  // Empty entries bring the tables that the places need, so that exposing a table later needs none.
  for (let gib = start >> GIB_SHIFT; gib <= (end - 1) >> GIB_SHIFT; gib++) {
    const place = ENTRIES_BASE + ((gib << (GIB_SHIFT - REGION_SHIFT)) << PAGE_SHIFT);
    pageMap(place, 0, 0);
  }
  exposedFrom = first;
  for (let region = first; region <= (end - 1) >> REGION_SHIFT; region++) expose(region);
  pageTableFlush();
  return 0;
}

/** Whether pageEntriesExpose() has done so. */
export function pageEntriesExposed(): bool {
  return exposedFrom != 0;
}

/** The L1 entry of an address between those of pageEntriesExpose() whose region has a table. */
export function pageEntry(address: usize): u64 {
  return load<u64>(ENTRIES_BASE + ((address >> PAGE_SHIFT) << 3));
}

/** Writes the request for mmu_update that gives `address`, which has a table, the L1 entry `entry`. */
export function pageEntryRequest(at: usize, address: usize, entry: u64): void {
  writeRequest(at, load<u32>(l1TableAt(address)), (address >> PAGE_SHIFT) & 511, entry);
}

/** Writes the request for mmu_update that allows or forbids writes to all of the 2 MiB region of `address`. */
export function regionRequest(at: usize, address: usize, writable: bool): void {
  const entry = (pfnToMfn(load<u32>(l1TableAt(address))) << PAGE_SHIFT) | TABLE;
  const l2Table = load<u32>(l2Tables + ((address >> GIB_SHIFT) << 2));
  writeRequest(at, l2Table, (address >> REGION_SHIFT) & 511, writable ? entry : entry & ~PTE_WRITABLE);
}
