// The kernel's own memory: guest-virtual address = image base + (pfn << 12). The builder mapped its beginning; the rest is mapped in
// pieces, when the page allocator runs dry. Here the builder's mapping also gets its final rights: W^X, page tables
// read-only. Below the image base nothing is mapped: null pointers fault.
import { bootStack, imageBase, rodataEnd, sharedInfo, textEnd, textStart, trapStack } from "../boot";
import { panic } from "../panic";
import { UVMF_INVLPG, mmuextFlushTlb, updateVaMapping } from "../xen/hypercall";
import { startInfo } from "../xen/start_info";
import {
  addressFrame,
  frameAddress,
  framesFree,
  framesInit,
  framesKernelEnd,
  framesReserve,
  framesTakeForKernel,
} from "./frames";
import {
  PAGE_DATA,
  PAGE_READ_ONLY,
  PAGE_TEXT,
  SHARED_BASE,
  pageMap,
  pageTableFlush,
  pageTableInit,
  pageTableMappedEnd,
  pageTablesMissing,
  pageUnmap,
} from "./page_table";
import { PAGE_SHIFT, PAGE_SIZE, pageAlign, pagesFreeRange, pagesOnExhausted, pagesRegion } from "./pages";

/** The list of L1 tables, a u32 for each 2 MiB of 4 GiB. */
const L1_LIST_SIZE: u32 = 8192;
/** Pages by which the kernel's memory grows. */
const GROWTH: u32 = 64;

let mappedEnd: usize = 0;

/** The builder's page tables and boot stack follow each other and end what it laid out. */
function builderEnd(): usize {
  return <usize>startInfo().pt_base + ((<usize>startInfo().nr_pt_frames) << PAGE_SHIFT) + PAGE_SIZE;
}

/** Maps shared_info over the image's page for it: at boot and after a restore. */
export function mapSharedInfo(): void {
  if (updateVaMapping(sharedInfo(), startInfo().shared_info | PAGE_DATA, UVMF_INVLPG) != 0) {
    panic("shared_info cannot be mapped");
  }
}

/** Takes over the builder's mapping and gives the page allocator its first pages. */
export function directMapInit(): void {
  const limit = (SHARED_BASE - imageBase()) >> PAGE_SHIFT;
  const pages = <u32>min(startInfo().nr_pages, limit);
  // Behind what it laid out the builder leaves at least 512 KiB mapped (libxc, count_pgtables).
  const l1List = builderEnd();
  memory.fill(l1List, 0, L1_LIST_SIZE);
  pageTableInit(l1List);
  mappedEnd = min(pageTableMappedEnd(), frameAddress(pages));
  const states = l1List + L1_LIST_SIZE;
  const firstFree = pageAlign(states + pages);
  if (firstFree >= mappedEnd) panic("the domain is too small for its kernel");
  protect();
  framesInit(addressFrame(firstFree), addressFrame(mappedEnd));
  pagesRegion(imageBase(), pages, states);
  pagesOnExhausted(grow.index);
}

function protectRange(start: usize, end: usize, flags: u64): void {
  for (let at = start; at < end; at += PAGE_SIZE) pageMap(at, addressFrame(at), flags);
}

function protect(): void {
  const tables = <usize>startInfo().pt_base;
  const tablesEnd = tables + ((<usize>startInfo().nr_pt_frames) << PAGE_SHIFT);
  protectRange(imageBase(), textStart(), PAGE_DATA);
  protectRange(textStart(), textEnd(), PAGE_TEXT);
  protectRange(textEnd(), rodataEnd(), PAGE_READ_ONLY);
  protectRange(rodataEnd(), sharedInfo(), PAGE_DATA);
  protectRange(sharedInfo() + PAGE_SIZE, tables, PAGE_DATA);
  protectRange(tables, tablesEnd, PAGE_READ_ONLY);
  protectRange(tablesEnd, mappedEnd, PAGE_DATA);
  pageUnmap(bootStack());
  pageUnmap(trapStack());
  pageTableFlush();
  mmuextFlushTlb();
}

/** In a copy of the domain that shares its memory: of what the builder mapped, it has only what the kernel had taken. */
export function directMapForked(): void {
  mappedEnd = frameAddress(framesKernelEnd());
}

/** Maps more frames for a block of 2^order pages; false when there are none. */
function grow(order: u32): bool {
  const wanted = max(GROWTH, 1 << order);
  const start = frameAddress(framesKernelEnd());
  const tables = pageTablesMissing(start, start + ((<usize>wanted) << PAGE_SHIFT));
  if (framesFree() <= tables || start >= SHARED_BASE || !framesReserve(tables)) return false;
  const given = framesTakeForKernel(min(wanted, framesFree() - tables));
  if (given == 0) return false;
  const end = start + ((<usize>given) << PAGE_SHIFT);
  protectRange(max(start, mappedEnd), end, PAGE_DATA);
  pageTableFlush();
  pagesFreeRange(start, end);
  return true;
}
