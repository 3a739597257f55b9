// Thread stacks: a block of pages of which the lowest is not mapped, so that an overflow faults.
import { addressFrame } from "../memory/frames";
import { pageMap, pageTableFlush, pageUnmap, PAGE_DATA } from "../memory/page_table";
import { PAGE_SIZE, orderFor, pagesAlloc, pagesFree } from "../memory/pages";
import { mmuextFlushTlb } from "../xen/hypercall";

/** A stack of `pages` usable pages; the address of its guard page, or 0 when memory is exhausted. */
export function stackAlloc(pages: u32): usize {
  const stack = pagesAlloc(orderFor((pages + 1) * PAGE_SIZE));
  if (stack != 0) stackGuard(stack);
  return stack;
}

/** Unmaps the page at `guard`. */
function stackGuard(guard: usize): void {
  pageUnmap(guard);
  pageTableFlush();
  mmuextFlushTlb();
}

/** Gives back a stack from stackAlloc. */
export function stackFree(stack: usize, pages: u32): void {
  pageMap(stack, addressFrame(stack), PAGE_DATA);
  pageTableFlush();
  pagesFree(stack, orderFor((pages + 1) * PAGE_SIZE));
}
