// The kernel's own memory: guest-virtual address = pfn << 12. The builder mapped its beginning; the rest is mapped in
// pieces, when the page allocator runs dry. Here the builder's mapping also gets its final rights: W^X, page tables
// read-only, nothing at address 0.
import { bootStack, rodataEnd, sharedInfo, textEnd, textStart, trapStack } from "../boot";
import { panic } from "../panic";
import { UVMF_INVLPG, mmuextFlushTlb, updateVaMapping } from "../xen/hypercall";
import { startInfo } from "../xen/start_info";
import { framesFree, framesInit, framesKernelEnd, framesTakeForKernel } from "./frames";
import {
  PAGE_DATA,
  PAGE_READ_ONLY,
  PAGE_TEXT,
  pageMap,
  pageTableFlush,
  pageTableInit,
  pageTableMappedEnd,
  pageTablesMissing,
  pageUnmap,
} from "./page_table";
import { PAGE_SHIFT, PAGE_SIZE, pageAlign, pagesFreeRange, pagesOnExhausted, pagesRegion } from "./pages";

const FIRST_MEBIBYTE: usize = 0x100000;
/** The direct map ends where the app's memory begins. */
const DIRECT_MAP_LIMIT: u64 = 0x40000000;
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
  const pages = <u32>min(startInfo().nr_pages, DIRECT_MAP_LIMIT >> PAGE_SHIFT);
  const l1List = <usize>PAGE_SIZE; // the two pages after page 0
  memory.fill(l1List, 0, 2 * PAGE_SIZE);
  pageTableInit(l1List);
  mappedEnd = min(pageTableMappedEnd(), (<usize>pages) << PAGE_SHIFT);
  const states = builderEnd();
  const firstFree = pageAlign(states + pages);
  if (firstFree >= mappedEnd) panic("the domain is too small for its kernel");
  protect();
  framesInit(<u32>(firstFree >> PAGE_SHIFT), <u32>(mappedEnd >> PAGE_SHIFT));
  pagesRegion(0, pages, states);
  pagesFreeRange(l1List + 2 * PAGE_SIZE, FIRST_MEBIBYTE);
  pagesOnExhausted(grow.index);
}

function protectRange(start: usize, end: usize, flags: u64): void {
  for (let at = start; at < end; at += PAGE_SIZE) pageMap(at, <u32>(at >> PAGE_SHIFT), flags);
}

function protect(): void {
  const tables = <usize>startInfo().pt_base;
  const tablesEnd = tables + ((<usize>startInfo().nr_pt_frames) << PAGE_SHIFT);
  protectRange(PAGE_SIZE, textStart(), PAGE_DATA);
  protectRange(textStart(), textEnd(), PAGE_TEXT);
  protectRange(textEnd(), rodataEnd(), PAGE_READ_ONLY);
  protectRange(rodataEnd(), sharedInfo(), PAGE_DATA);
  protectRange(sharedInfo() + PAGE_SIZE, tables, PAGE_DATA);
  protectRange(tables, tablesEnd, PAGE_READ_ONLY);
  protectRange(tablesEnd, mappedEnd, PAGE_DATA);
  pageUnmap(0);
  pageUnmap(bootStack());
  pageUnmap(trapStack());
  pageTableFlush();
  mmuextFlushTlb();
}

/** Maps more frames for a block of 2^order pages; false when there are none. */
function grow(order: u32): bool {
  const wanted = max(GROWTH, 1 << order);
  const start = (<usize>framesKernelEnd()) << PAGE_SHIFT;
  const tables = pageTablesMissing(start, start + ((<usize>wanted) << PAGE_SHIFT));
  if (framesFree() <= tables || <u64>start >= DIRECT_MAP_LIMIT) return false;
  const given = framesTakeForKernel(min(wanted, framesFree() - tables));
  const end = start + ((<usize>given) << PAGE_SHIFT);
  protectRange(max(start, mappedEnd), end, PAGE_DATA);
  pageTableFlush();
  pagesFreeRange(start, end);
  return true;
}
