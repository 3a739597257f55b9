// What a parent that forks says of itself in its descriptor page (kernel/fork/descriptor.ts): read once, and checked before
// anything is done with it.
import { KaryonError } from "../support/errors.ts";

/** Most frames a domain may have for forkd: a limit of its tables, 64 GiB. */
export const MAXIMUM_PAGES = 1 << 24;
/** Where the page says which pages a process has in common with others. */
export const SHARED_FIRST = 184;
/** A guest's kernel addresses have 32 bits. */
const PAGES_32BIT = 1 << 20;
const PAGE_BYTES = 4096;

/** Where the parent's state is, as it says. Pages are guest-virtual addresses >> 12. */
export interface ForkRequest {
  readonly childEntry: bigint;
  /** Guest-virtual address at which the child finds its stack pointer. */
  readonly stackPointerAddress: number;
  readonly p2mPage: number;
  readonly pages: number;
  readonly startInfoPfn: number;
  readonly consolePfn: number;
  readonly storePfn: number;
  readonly kernelEndPfn: number;
  readonly constants: PageRange;
  /** Where the app's memory begins. */
  readonly appFirstPage: number;
  /** Pages that a child has in common with its parent, writable for both. */
  readonly common: PageRange;
  readonly changeLogPage: number;
  readonly changeLogEntries: number;
  readonly statesPage: number;
  readonly statesOffset: number;
}

/** Pages from `first` up to, not with, `end`. */
export interface PageRange {
  readonly first: number;
  readonly end: number;
}

/** Whether a page is the app's or, if there are such, in common with others: there are frames whose numbers the kernel does not have. */
export function isOutsideKernel(
  page: number,
  { appFirstPage, common }: Pick<ForkRequest, "appFirstPage" | "common">,
): boolean {
  return page >= appFirstPage || (page >= common.first && page < common.end);
}

/** @throws KaryonError FORK_DESCRIPTOR when a number cannot be */
export function readRequest(page: DataView): ForkRequest {
  const pages = Number(page.getBigUint64(40, true));
  if (pages === 0 || pages > MAXIMUM_PAGES) {
    throw new KaryonError("FORK_DESCRIPTOR", `the fork descriptor tells of ${pages} frames`);
  }
  const below = (what: string, offset: number, limit: number): number => {
    const value = page.getUint32(offset, true);
    if (value < limit) return value;
    throw new KaryonError("FORK_DESCRIPTOR", `the fork descriptor has ${what} ${value}, not below ${limit}`);
  };
  const range = (offset: number): PageRange => {
    const end = below("page", offset + 4, PAGES_32BIT + 1);
    return { first: Math.min(page.getUint32(offset, true), end), end };
  };
  const address = (offset: number): number => Number(page.getBigUint64(offset, true) & 0xffffffffn);
  const states = address(152);
  return {
    childEntry: page.getBigUint64(24, true),
    stackPointerAddress: page.getUint32(76, true) + 16,
    p2mPage: Number((page.getBigUint64(32, true) & 0xffffffffffffn) >> 12n),
    pages,
    startInfoPfn: below("frame", 48, pages),
    consolePfn: below("frame", 64, pages),
    storePfn: below("frame", 68, pages),
    kernelEndPfn: below("frame", 132, pages + 1),
    constants: range(136),
    appFirstPage: below("page", 144, PAGES_32BIT),
    common: range(SHARED_FIRST),
    changeLogPage: address(120) >>> 12,
    changeLogEntries: Math.min(page.getUint32(128, true), PAGE_BYTES / 4),
    statesPage: states >>> 12,
    statesOffset: states & (PAGE_BYTES - 1),
  };
}
