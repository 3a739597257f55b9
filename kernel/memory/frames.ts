// Machine frames of the domain. A pfn is the guest's own frame number, an mfn is Xen's; the p2m list translates.
// Data structures keep pfns: mfns change on restore and on fork.
//
//   0 ......... kernelEnd ................ appStart ......... nr_pages        (pfns)
//   image, kernel's pages → grows up      grows down ← app memory, page tables
//
// Frames of the upper part are not in the direct map: the app's frames are mapped at the app's addresses only, and
// page tables nowhere at all (PV page tables may never be mapped writable).
// Invariant: kernelEnd <= appStart.
import { imageBase, machineToPhys, sharedInfo } from "../boot";
import { ENOMEM } from "../errno";
import { ARCH_MAX_PFN, ARCH_P2M_CR3, ARCH_P2M_GENERATION, ARCH_P2M_VADDR } from "../xen/shared_info";
import { startInfo } from "../xen/start_info";
import { pageUnmap } from "./page_table";
import { PAGE_SHIFT, pagesFreeCount } from "./pages";

let kernelEnd: u32 = 0;
let appStart: u32 = 0;
let builderMapped: u32 = 0;

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
  kernelEnd += given;
  return given;
}

/** One frame from the upper end, for app memory or a page table; its pfn, or -ENOMEM. The caller flushes the page-table batch. */
export function frameTakeForApp(): i32 {
  if (framesFree() == 0) return -ENOMEM;
  appStart -= 1;
  // The builder may have mapped it in the direct map, from which it has to go before it can become a page table.
  if (appStart < builderMapped) pageUnmap(frameAddress(appStart));
  return <i32>appStart;
}
