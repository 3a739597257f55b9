// The kernel's copy on write, exported for tests. Compiled with the kernel's settings.
import { appSpaceDiscard, appSpaceGrowAgain, appSpacePrepare } from "../../../kernel/memory/app_renewal";
import { appSpaceGrow, appSpaceSize } from "../../../kernel/memory/app_space";
import {
  copyOnWrite,
  copyOnWriteForked,
  copyOnWriteInit,
  copyOnWriteProtect,
} from "../../../kernel/memory/copy_on_write";
import { framesInit } from "../../../kernel/memory/frames";
import { pageChangesStart } from "../../../kernel/memory/page_changes";
import { pageEntriesExpose, pageTableInit } from "../../../kernel/memory/page_table";
import { pagesInit } from "../../../kernel/memory/pages";
import { spareFramesInit } from "../../../kernel/memory/spare_frames";
import { startInfoInit } from "../../../kernel/xen/start_info";

export { appSpaceGrow, appSpaceSize, copyOnWrite, copyOnWriteForked, copyOnWriteProtect };
export { appSpaceDiscard, appSpaceGrowAgain, appSpacePrepare };

/** Where `sharers`, the log's producer index and the layout count stand, and the log: u32 each. */
const counts = memory.data(12, 4);
const log = memory.data(4096, 4096);

export function countsAddress(): usize {
  return counts;
}

export function logAddress(): usize {
  return log;
}

/** Takes over tables and frames; pages [heap, heapEnd) are the kernel's, frames from `firstFree` on nobody's. */
export function start(info: usize, storage: usize, heap: usize, heapEnd: usize, firstFree: u32, appEnd: usize): bool {
  startInfoInit(info);
  pageTableInit(storage);
  framesInit(firstFree, firstFree);
  pagesInit(heap, heapEnd);
  if (pageEntriesExpose(0x40000000, appEnd) != 0 || !spareFramesInit()) return false;
  pageChangesStart(log, 1024, counts + 4, counts + 8);
  return copyOnWriteInit(counts);
}
