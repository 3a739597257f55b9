// Machine frames of the domain. A pfn is the guest's own frame number, an mfn is Xen's; the p2m list translates.
// Data structures keep pfns: mfns change on restore and on fork.
//
//   0 ......... kernelEnd ................ appStart ......... nr_pages        (pfns)
//   image, kernel's pages → grows up      grows down ← app memory, page tables
//
// Frames of the upper part are not in the direct map: the app's frames are mapped at the app's addresses only, and
// page tables nowhere at all (PV page tables may never be mapped writable).
// A copy that fork made starts without memory behind most pfns (invalid in the p2m list): it gets some as pfns are handed out.
// Invariant: kernelEnd <= appStart.
import { imageBase, machineToPhys, sharedInfo } from "../boot";
import { ENOMEM } from "../errno";
import { ARCH_MAX_PFN, ARCH_P2M_CR3, ARCH_P2M_GENERATION, ARCH_P2M_VADDR } from "../xen/shared_info";
import { startInfo } from "../xen/start_info";
import { memoryPopulate } from "../xen/hypercall";
import { layoutChanged } from "./page_changes";
import { pageUnmap } from "./page_table";
import { PAGE_SHIFT, pagesFreeCount } from "./pages";

/** A pfn without memory, in the p2m list. */
export const INVALID_MFN: u64 = u64.MAX_VALUE;
/** Frames asked of Xen at once. */
const POPULATE_BATCH: u32 = 64;

const populating = memory.data(512, 8); // POPULATE_BATCH of u64

let kernelEnd: u32 = 0;
let appStart: u32 = 0;
let builderMapped: u32 = 0;
let sparse = false;

/** Divides the frames: those below `firstFree` belong to the image and the builder, who mapped those below `mappedFrames`. */
export function framesInit(firstFree: u32, mappedFrames: u32): void {
  kernelEnd = firstFree;
  appStart = <u32>startInfo().nr_pages;
  builderMapped = mappedFrames;
}

/** Where the direct map has frame `pfn`. */
export function frameAddress(pfn: u32): usize {
  return imageBase() + ((<usize>pfn) << PAGE_SHIFT);
}

/** The frame at `address` of the direct map. */
export function addressFrame(address: usize): u32 {
  return <u32>((address - imageBase()) >> PAGE_SHIFT);
}

/** Where the direct map has machine frame `mfn`, which is one of the domain's. */
export function machineFrameAddress(mfn: u64): usize {
  return frameAddress(<u32>machineToPhys(mfn));
}

/** Xen's frame number for the domain's frame `pfn`. */
export function pfnToMfn(pfn: u32): u64 {
  return load<u64>(<usize>startInfo().mfn_list + ((<usize>pfn) << 3));
}

/** Notes which machine frame is behind `pfn`: INVALID_MFN for none. */
export function pfnAssign(pfn: u32, mfn: u64): void {
  store<u64>(<usize>startInfo().mfn_list + ((<usize>pfn) << 3), mfn);
}

/** In a copy that shares memory with another domain: from now on pfns may have no memory until they are handed out. */
export function framesSparse(): void {
  sparse = true;
}

/** Asks Xen for memory behind those of the `count` pfns from `first` on that have none; false when the host has too little. */
function populate(first: u32, count: u32): bool {
  let asked: u32 = 0;
  for (let pfn = first; pfn < first + count; pfn++) {
    if (pfnToMfn(pfn) == INVALID_MFN) {
      store<u64>(populating + ((<usize>asked) << 3), pfn);
      asked += 1;
    }
    if (asked == POPULATE_BATCH || (pfn + 1 == first + count && asked != 0)) {
      if (framesPopulate(populating, asked) != asked) return false;
      asked = 0;
    }
  }
  return true;
}

/** Gets memory for the `count` pfns (u64 each) at `list`, in this order, and notes it; for how many the host had some. */
export function framesPopulate(list: usize, count: u32): u32 {
  const given = <u32>max(memoryPopulate(list, count), 0);
  for (let i: u32 = 0; i < given; i++) {
    const mfn = load<u64>(list + ((<usize>i) << 3));
    pfnAssign(<u32>machineToPhys(mfn), mfn);
  }
  return given;
}

/** Makes sure that the next `count` frames for the app or page tables have memory; false without any effect that matters. */
export function framesReserve(count: u32): bool {
  if (count > framesFree()) return false;
  return !sparse || populate(appStart - count, count);
}

/** Tells the toolstack where the p2m list is, so that it can save and rewrite it: needed from boot on, since xl save looks before it asks the guest to suspend. */
export function p2mPublish(): void {
  const page = sharedInfo();
  store<u64>(page + ARCH_MAX_PFN, startInfo().nr_pages);
  store<u64>(page + ARCH_P2M_CR3, pfnToMfn(addressFrame(<usize>startInfo().pt_base)) << PAGE_SHIFT);
  store<u64>(page + ARCH_P2M_VADDR, startInfo().mfn_list);
  store<u64>(page + ARCH_P2M_GENERATION, 0);
}

/** Frames that nobody has yet. */
export function framesFree(): u32 {
  return appStart - kernelEnd;
}

/** Pages that the kernel can still have: those free in its allocator, and the frames that nobody has yet. */
export function memoryFreePages(): u32 {
  return pagesFreeCount() + framesFree();
}

/** One past the frames that the kernel's direct map may cover. */
export function framesKernelEnd(): u32 {
  return kernelEnd;
}

/** Hands up to `wanted` frames to the kernel; the number given, 0 when all are gone. They begin at the previous framesKernelEnd(). */
export function framesTakeForKernel(wanted: u32): u32 {
  const given = min(wanted, framesFree());
  if (given == 0 || (sparse && !populate(kernelEnd, given))) return 0;
  kernelEnd += given;
  layoutChanged();
  return given;
}

/** One frame from the upper end, for app memory or a page table; its pfn, or -ENOMEM. The caller flushes the page-table batch. */
export function frameTakeForApp(): i32 {
  if (!framesReserve(1)) return -ENOMEM;
  appStart -= 1;
  // The builder may have mapped it in the direct map, from which it has to go before it can become a page table.
  if (appStart < builderMapped) pageUnmap(frameAddress(appStart));
  return <i32>appStart;
}
