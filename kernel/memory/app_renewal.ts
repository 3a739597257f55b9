// The app's memory when another program takes the place of the one that runs: all of it goes, and the new one's begins empty. Pages of the
// domain's own are kept for that (returned_frames.ts); those that relatives still use go back to Xen, where they live on, as after a
// copy on write; of those that are a relative's only the mapping goes.
import { appMaximumPages, machineToPhys } from "../boot";
import { ENOMEM } from "../errno";
import { panic } from "../panic";
import { memoryRelease, mmuextFlushTlb } from "../xen/hypercall";
import { startInfo } from "../xen/start_info";
import { APP_BASE, APP_LIMIT, appSpaceResize, appSpaceSize } from "./app_space";
import { copyOnWriteGrown, sharersCount } from "./copy_on_write";
import { INVALID_MFN, frameTakeForApp, framesFree, framesReserve, pfnAssign, pfnToMfn } from "./frames";
import { layoutChanged } from "./page_changes";
import {
  PAGE_DATA,
  PTE_FRAME_MASK,
  PTE_PRESENT,
  pageEntriesExpose,
  pageEntriesExposed,
  pageEntry,
  pageMap,
  pageTableFlush,
  pageTablesMissing,
  pageUnmap,
} from "./page_table";
import { PAGE_SHIFT, PAGE_SIZE } from "./pages";
import {
  frameRetake,
  frameReturn,
  returnedFramesCount,
  returnedFramesInit,
  returnedFramesReady,
} from "./returned_frames";

const WASM_PAGE_SHIFT: u64 = 16;
/** Frames given back to Xen at once. */
const BATCH: u32 = 64;

const releasing = memory.data(512, 8); // BATCH of u64
let releasingCount: u32 = 0;

/** Makes ready for appSpaceDiscard() and for `needed` bytes behind it: 0 or -ENOMEM with nothing changed. */
export function appSpacePrepare(needed: u32): i32 {
  const most = min((<u64>appMaximumPages()) << WASM_PAGE_SHIFT, startInfo().nr_pages << PAGE_SHIFT);
  const end = APP_BASE + <usize>min(most, <u64>APP_LIMIT);
  if (!pageEntriesExposed() && pageEntriesExpose(APP_BASE, end) != 0) return -ENOMEM;
  if (!returnedFramesInit()) return -ENOMEM;
  const available = (appSpaceSize() >> PAGE_SHIFT) + returnedFramesCount() + framesFree();
  return needed >> PAGE_SHIFT <= available ? 0 : -ENOMEM;
}

/** Empties the app's memory. */
export function appSpaceDiscard(): void {
  const isShared = sharersCount() != 0;
  const end = APP_BASE + appSpaceSize();
  for (let address = APP_BASE + PAGE_SIZE; address < end; address += PAGE_SIZE) {
    const entry = pageEntry(address);
    if ((entry & PTE_PRESENT) == 0) continue;
    const mfn = (entry & PTE_FRAME_MASK) >> PAGE_SHIFT;
    const pfn = <u32>machineToPhys(mfn);
    pageUnmap(address);
    frameReturn(pfn);
    if (isShared && pfnToMfn(pfn) == mfn) release(pfn, mfn);
  }
  releaseAll();
  appSpaceResize(0);
  layoutChanged(); // too much for the log
}

function release(pfn: u32, mfn: u64): void {
  pfnAssign(pfn, INVALID_MFN);
  store<u64>(releasing + ((<usize>releasingCount) << 3), mfn);
  releasingCount += 1;
  if (releasingCount == BATCH) releaseAll();
}

/** Unmaps what has been gathered, and gives back what of it is to go. */
function releaseAll(): void {
  pageTableFlush();
  mmuextFlushTlb();
  if (releasingCount != 0 && memoryRelease(releasing, releasingCount) != <i32>releasingCount) {
    panic("Xen does not take frames back");
  }
  releasingCount = 0;
}

/** appSpaceGrow() of an image with several programs: takes returned frames first. */
export function appSpaceGrowAgain(newSize: u32): i32 {
  const size = appSpaceSize();
  if (newSize > APP_LIMIT || newSize < size) return -ENOMEM;
  const start = APP_BASE + max(size, PAGE_SIZE);
  const end = APP_BASE + newSize;
  const pages: u32 = newSize <= PAGE_SIZE ? 0 : <u32>((end - start) >> PAGE_SHIFT);
  const again = min(pages, returnedFramesCount());
  if (!framesReserve(pages - again + pageTablesMissing(start, end)) || !returnedFramesReady(again)) return -ENOMEM;
  for (let i: u32 = 0; i < pages; i++) {
    const pfn = i < again ? frameRetake() : <u32>frameTakeForApp();
    pageMap(start + ((<usize>i) << PAGE_SHIFT), pfn, PAGE_DATA);
  }
  pageTableFlush();
  copyOnWriteGrown(start, end);
  memory.fill(start, 0, (<usize>pages) << PAGE_SHIFT);
  appSpaceResize(newSize);
  return 0;
}
