// Which frame numbers of a child have memory of its own. When memory is shared: the kernel's, without the image's constants, and the
// page tables. Otherwise all that the parent has.
import { isOutsideKernel } from "../fork_request.ts";
import { KaryonError } from "../../support/errors.ts";
import { ENTRIES, frameOf } from "./page_tables.ts";
import { NO_FRAME, type ParentMemory } from "./parent_memory.ts";

/** The frame numbers at which a child shares no memory with its parent, ascending. */
export function ownPfns(parent: ParentMemory): Uint32Array {
  const { frames, copiedPfns, request, tables, shares } = parent;
  if (!shares) return Uint32Array.from(frames.keys()).filter((pfn) => frames[pfn] !== NO_FRAME);
  const own = new Set(copiedPfns);
  for (let page = request.constants.first; page < request.constants.end; page++) {
    const pfn = parent.pfnAt(page);
    if (pfn !== undefined) own.delete(pfn);
  }
  for (const { frame } of tables.tables) {
    const pfn = parent.pfn(frame);
    if (pfn !== undefined) own.add(pfn);
  }
  return Uint32Array.from(own).sort();
}

/**
 * Makes sure that a parent's memory can be copied: it shares none with a relative, whose frames are not in its list.
 *
 * @throws KaryonError FORK_SHARED
 */
export function checkCopyable(parent: ParentMemory): void {
  const { domain, request, tables } = parent;
  for (const { firstPage, words } of tables.lowest) {
    for (let index = 0; index < ENTRIES; index++) {
      const frame = isOutsideKernel(firstPage + index, request) ? frameOf(words, index) : undefined;
      if (frame === undefined || parent.pfn(frame) !== undefined) continue;
      const mend = "domain 0 must be a PV domain, and forkd run with --way share or pool";
      throw new KaryonError("FORK_SHARED", `domain ${domain} shares memory with another, which cannot be copied`, mend);
    }
  }
}
