// The fork itself: a shell takes over what the parent, which rests in its fork(), has in its kernel's pages, and every change of
// mappings since the shell was made. Few hypercalls, none per page, whatever the size of the domain.
import type { Descriptor } from "../descriptor.ts";
import { isOutsideKernel } from "../fork_request.ts";
import { NO_FRAME, type ParentMemory } from "./parent_memory.ts";
import { entryHigh, entryLow, ENTRIES, frameOf } from "./page_tables.ts";
import type { PageUpdate, SharedUpdates } from "./shared_pages.ts";
import { applyShared, type Shell } from "./shell.ts";
import { PAGE_SIZE } from "../xen/foreign_memory.ts";
import type { Xen } from "../xen/handles.ts";
import { KaryonError } from "../../support/errors.ts";

/** In a page allocator's states: the page heads a free block of 2^order pages. */
const HEADS_FREE_BLOCK = 0x80;
const ORDER_MASK = 0x1f;

/**
 * Copies what the parent's pages hold into the shell; how many pages.
 *
 * @param changed the pages whose mapping has changed since the shell was made
 */
export function copyPages(xen: Xen, shell: Shell, changed: ReadonlySet<number>): number {
  const { order, copiedPfns, copiedFrom, copied } = shell;
  const { parent } = order;
  const states = freeBlocks(parent);
  let count = 0;
  let freeEnd = 0;
  let run = { from: 0, to: 0, pages: 0 };
  const copyRun = (): void => {
    const from = run.from * PAGE_SIZE;
    copied.bytes.set(parent.copied.subarray(from, from + run.pages * PAGE_SIZE), run.to * PAGE_SIZE);
    count += run.pages;
  };
  // Without an iterator, which would make an object a page.
  for (let to = 0; to < copiedPfns.length; to++) {
    const pfn = copiedPfns[to] ?? 0;
    const state = states[pfn] ?? 0;
    // The first page of a free block holds the links of the allocator's list.
    if ((state & HEADS_FREE_BLOCK) !== 0) freeEnd = pfn + 2 ** (state & ORDER_MASK);
    else if (pfn < freeEnd) continue;
    const from = copiedFrom[to] ?? 0;
    if (from === run.from + run.pages && to === run.to + run.pages) {
      run.pages += 1;
      continue;
    }
    copyRun();
    run = { from, to, pages: 1 };
  }
  copyRun();
  return count + (parent.shares ? 0 : copyAdded(xen, shell, changed));
}

/** Copies those pages of the app that were mapped only after the shell was made. */
function copyAdded({ memory }: Xen, { order, domain, frames }: Shell, changed: ReadonlySet<number>): number {
  const { parent } = order;
  const pfns = [...changed].map((page) => parent.pfnAt(page)).filter((pfn) => pfn !== undefined);
  const added = pfns.filter((pfn) => parent.position(pfn) < 0);
  if (added.length === 0) return 0;
  const framesIn = (list: Uint32Array): number[] => added.map((pfn) => list[pfn] ?? NO_FRAME);
  memory.with(parent.domain, framesIn(parent.frames), false, (from) =>
    memory.with(domain, framesIn(frames), true, (to) => to.set(from)),
  );
  return added.length;
}

/** The page allocator's states by pfn; a guest that gives no sensible place for them has all its pages copied. */
function freeBlocks(parent: ParentMemory): Uint8Array {
  const { statesPage, statesOffset, kernelEndPfn } = parent.request;
  const states = new Uint8Array(kernelEndPfn);
  for (let done = 0; done < kernelEndPfn;) {
    const offset = (statesOffset + done) % PAGE_SIZE;
    const page = parent.pageAt(statesPage + Math.floor((statesOffset + done) / PAGE_SIZE));
    if (page === undefined) return states.fill(0);
    const part = page.subarray(offset, offset + kernelEndPfn - done);
    states.set(part, done);
    done += part.length;
  }
  return states;
}

/** The pages whose mapping has changed since the shell was made; undefined when there were too many, or tables came. */
export function changedPages({ order, refused }: Shell, descriptor: Descriptor): Set<number> | undefined {
  const changed = order.parent.changedSince(descriptor, order.changes);
  return changed === undefined ? undefined : new Set([...refused, ...changed]);
}

/**
 * Maps changed pages in the shell as the parent has them now.
 *
 * @throws KaryonError FORK_TABLES when the parent maps what it may not share
 */
export function carryOver(xen: Xen, shell: Shell, changed: ReadonlySet<number>): void {
  const { order, domain, shared } = shell;
  const { parent, inherited } = order;
  const updates: SharedUpdates = new Map();
  const own: PageUpdate[] = [];
  for (const page of changed) {
    const entry = parent.entry(page);
    const place = placeOf(shell, page);
    if (entry === undefined || place === undefined) continue;
    if (shared?.covers(page) === true) shared.share(updates, page, entry, place, inherited);
    else own.push(ownUpdate(shell, page, entry, place));
  }
  const refused = [...applyShared(xen, domain, order, updates), ...xen.tables.apply(domain, domain, own)];
  if (refused.length > 0) throw new KaryonError("FORK_TABLES", "the forking domain maps a page that cannot be shared");
}

/** Where the shell's entry for `page` is. */
function placeOf({ order, frames }: Shell, page: number): { table: number; index: number } | undefined {
  const pfn = order.parent.tablePfn(page);
  const table = pfn === undefined ? NO_FRAME : (frames[pfn] ?? NO_FRAME);
  return table === NO_FRAME ? undefined : { table, index: page % ENTRIES };
}

/**
 * The entry for a page that the shell has itself, or for none.
 *
 * @throws KaryonError FORK_TABLES for a page of the app with a frame that came after the shell
 */
function ownUpdate(
  { order, frames }: Shell,
  page: number,
  [low, high]: readonly [number, number],
  place: { readonly table: number; readonly index: number },
): PageUpdate {
  const frame = frameOf(Uint32Array.of(low, high), 0);
  const pfn = frame === undefined ? undefined : order.parent.pfn(frame);
  const target = pfn === undefined ? NO_FRAME : (frames[pfn] ?? NO_FRAME);
  if (frame !== undefined && target === NO_FRAME && isOutsideKernel(page, order.parent.request)) {
    throw new KaryonError("FORK_TABLES", "the forking domain has got memory that its prepared child lacks");
  }
  if (frame === undefined || target === NO_FRAME) return { page, ...place, low: 0, high: 0 };
  return { page, ...place, low: entryLow(target, low), high: entryHigh(target, high) };
}
