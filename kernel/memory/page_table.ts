// Page tables of a 64-bit PV guest (xen.h, "mmu_update"). The builder made the first ones; the kernel adds tables and
// changes entries only through Xen, which checks every entry. Nothing but the first 4 GiB is ever mapped.
//
// Tables are remembered by pfn, one per 2 MiB (L1) and one per GiB (L2), so no table has to be read to be changed.
// Requests are gathered in a batch; `flush` hands it to Xen.
import { imageBase, machineToPhys } from "../boot";
import { ENOMEM } from "../errno";
import { panic } from "../panic";
import { mmuUpdate, mmuextClearPage } from "../xen/hypercall";
import { startInfo } from "../xen/start_info";
import { frameAddress, frameTakeForApp, pfnToMfn } from "./frames";
import { PAGE_SHIFT, PAGE_SIZE } from "./pages";

export const PTE_PRESENT: u64 = 1;
export const PTE_WRITABLE: u64 = 2;
export const PTE_USER: u64 = 4;
export const PTE_ACCESSED: u64 = 0x20;
export const PTE_DIRTY: u64 = 0x40;
export const PTE_NO_EXECUTE: u64 = 1 << 63;
const PTE_FRAME_MASK: u64 = 0x000ffffffffff000;

/** Entry flags of the three kinds of page there are: W^X leaves no fourth. */
export const PAGE_DATA: u64 = PTE_PRESENT | PTE_WRITABLE | PTE_USER | PTE_ACCESSED | PTE_DIRTY | PTE_NO_EXECUTE;
export const PAGE_READ_ONLY: u64 = PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_NO_EXECUTE;
export const PAGE_TEXT: u64 = PTE_PRESENT | PTE_USER | PTE_ACCESSED;
const TABLE: u64 = PTE_PRESENT | PTE_WRITABLE | PTE_USER | PTE_ACCESSED;

const L2_TABLES: u32 = 4;
const BATCH_LIMIT: u32 = 128;

const l2Tables = memory.data(16, 8); // pfn by address >> 30
const batch = memory.data(2048, 16); // BATCH_LIMIT requests of 16 bytes
let batchCount: u32 = 0;
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
  const l1Table = load<u32>(l1Tables + ((address >> 21) << 2));
  if (l1Table == 0) return false;
  return (load<u64>(tableAddress(l1Table) + (((address >> PAGE_SHIFT) & 511) << 3)) & PTE_PRESENT) != 0;
}

/** Sends the gathered requests to Xen. A refusal means a kernel bug. */
export function pageTableFlush(): void {
  if (batchCount == 0) return;
  const result = mmuUpdate(batch, batchCount);
  batchCount = 0;
  if (result != 0) panic("mmu_update refused");
}

function request(tablePfn: u32, index: usize, entry: u64): void {
  const at = batch + ((<usize>batchCount) << 4);
  store<u64>(at, (pfnToMfn(tablePfn) << PAGE_SHIFT) | (index << 3));
  store<u64>(at, entry, 8);
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
  request(parent, index, (pfnToMfn(<u32>pfn) << PAGE_SHIFT) | TABLE);
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
  const l1Table = ensureTable(l1Tables + ((address >> 21) << 2), <u32>l2Table, (address >> 21) & 511);
  if (l1Table < 0) return l1Table;
  request(<u32>l1Table, (address >> PAGE_SHIFT) & 511, (pfnToMfn(pfn) << PAGE_SHIFT) | flags);
  return 0;
}

/** Gathers the removal of the mapping of `address`, if its table exists. The caller flushes the TLB. */
export function pageUnmap(address: usize): void {
  const l1Table = load<u32>(l1Tables + ((address >> 21) << 2));
  if (l1Table != 0) request(l1Table, (address >> PAGE_SHIFT) & 511, 0);
}
