// What forkd knows of a parent's memory: its page tables and frames as they were read, and mapped those pages that a fork
// copies: the kernel's, and the app's if they are not shared. It holds as long as the parent has the same page tables and the same
// kernel pages, of which the descriptor keeps count; single pages that change meanwhile are in the parent's log. The shells that were made by it use
// it together.
import { isDeepStrictEqual } from "node:util";
import type { ChangeCount, Descriptor } from "../descriptor.ts";
import { isOutsideKernel, type ForkRequest } from "../fork_request.ts";
import { ENTRIES, frameOf, PageTables, type Table } from "./page_tables.ts";
import type { EntryWords } from "./shared_pages.ts";
import { contextRoot, sharedInfoFrame } from "./start_info.ts";
import type { XenControl } from "../xen/control.ts";
import { PAGE_SIZE, type ForeignMemory, type ForeignPages } from "../xen/foreign_memory.ts";
import { KaryonError } from "../../support/errors.ts";

/** In a p2m list: a frame number without memory. */
export const NO_FRAME = 0xffffffff;

/** What of Xen is needed to read a guest. */
export interface ReadableXen {
  readonly control: Pick<XenControl, "context" | "info">;
  readonly memory: Pick<ForeignMemory, "map" | "with">;
}

/** What one L1 table maps. */
interface Region {
  readonly table: Table;
  /** The table's entries, live. */
  readonly live: Uint32Array;
}

/** A parent's memory, as it was when `changes` was counted. */
export class ParentMemory {
  /** pfn by machine frame: of the kernel's frames and the page tables, and where nothing is shared of all. */
  readonly #pfns = new Map<number, number>();
  /** By the first page. */
  readonly #regions = new Map<number, Region>();
  /** Where in `copied` the page of a pfn is; -1 for pages that are not there. */
  readonly #positions: Int32Array;
  #changes: ChangeCount;
  #users = 1;

  private constructor(
    readonly domain: number,
    /** Whether the app's memory is shared with the child, not copied. */
    readonly shares: boolean,
    readonly request: ForkRequest,
    changes: ChangeCount,
    readonly context: Buffer,
    readonly tables: PageTables,
    /** Machine frame by pfn. */
    readonly frames: Uint32Array,
    /** The pfns whose pages a fork copies, the kernel's first, ascending, and those pages in the same order. */
    readonly copiedPfns: Uint32Array,
    private readonly copiedPages: ForeignPages,
    private readonly lowestPages: ForeignPages,
  ) {
    this.#changes = changes;
    // Plain loops here and below: an iterator makes an object a page, for each shell that is made.
    this.#positions = new Int32Array(frames.length).fill(-1);
    for (let position = 0; position < copiedPfns.length; position++)
      this.#positions[copiedPfns[position] ?? 0] = position;
    const isTable = new Set(tables.tables.map(({ frame }) => frame));
    for (let pfn = 0; pfn < frames.length; pfn++) {
      const frame = frames[pfn] ?? NO_FRAME;
      if (frame === NO_FRAME) continue;
      if (!shares || pfn < request.kernelEndPfn || isTable.has(frame)) this.#pfns.set(frame, pfn);
    }
    const { buffer, byteOffset } = lowestPages.bytes;
    for (const [i, table] of tables.lowest.entries()) {
      const live = new Uint32Array(buffer, byteOffset + i * PAGE_SIZE, PAGE_SIZE / 4);
      this.#regions.set(table.firstPage, { table, live });
    }
  }

  /**
   * Reads the memory of a domain, which may run meanwhile.
   *
   * @throws KaryonError FORK_DESCRIPTOR, FORK_TABLES, XEN_CALL
   */
  static read(xen: ReadableXen, domain: number, descriptor: Descriptor, shares: boolean): ParentMemory {
    const changes = descriptor.changes; // before anything that changes
    const request = descriptor.request();
    // Tables of this size are made below: they must be in proportion to what the domain may have.
    const most = xen.control.info(domain)?.maximumPages ?? 0;
    if (request.pages > most) {
      const text = `the fork descriptor tells of ${request.pages} frames, where the domain may have ${most}`;
      throw new KaryonError("FORK_DESCRIPTOR", text);
    }
    const context = xen.control.context(domain);
    const tables = PageTables.read(xen.memory, domain, contextRoot(context));
    const frames = readFrames(xen, domain, tables, request);
    const copiedPfns = pfnsToCopy(frames, tables, request, shares);
    const copiedFrames = copiedPfns.map((pfn) => frames[pfn] ?? NO_FRAME);
    const copied = xen.memory.map(domain, copiedFrames, false);
    try {
      const lowestFrames = tables.lowest.map(({ frame }) => frame);
      const lowest = xen.memory.map(domain, lowestFrames, false);
      return new ParentMemory(domain, shares, request, changes, context, tables, frames, copiedPfns, copied, lowest);
    } catch (error) {
      copied.unmap();
      throw error;
    }
  }

  /** Somebody else uses it, too, and will close it. */
  retain(): this {
    this.#users += 1;
    return this;
  }

  /** Lets go of the mappings with the last user. */
  close(): void {
    this.#users -= 1;
    if (this.#users > 0) return;
    this.#regions.clear();
    this.copiedPages.unmap();
    this.lowestPages.unmap();
  }

  /** How much had changed when it was read, or brought up to date. */
  get changes(): ChangeCount {
    return this.#changes;
  }

  /** The pages of `copiedPfns`, live. */
  get copied(): Uint8Array {
    return this.copiedPages.bytes;
  }

  /**
   * The pages whose mapping has changed since `since`, in the parent which may run; undefined when there were too many, or this is no longer the
   * parent's memory: tables came, or the kernel has more.
   */
  changedSince(descriptor: Descriptor, since: ChangeCount): number[] | undefined {
    const { changeLogEntries, changeLogPage, kernelEndPfn } = this.request;
    const count = (descriptor.changes.pages - since.pages) >>> 0;
    if (descriptor.changes.layout !== this.#changes.layout || descriptor.kernelEndPfn !== kernelEndPfn)
      return undefined;
    if (count === 0) return [];
    const log = count > changeLogEntries ? undefined : this.pageAt(changeLogPage);
    if (log === undefined) return undefined;
    const entries = new Uint32Array(log.buffer, log.byteOffset, changeLogEntries);
    const pages = Array.from({ length: count }, (_, i) => entries[(since.pages + i) % changeLogEntries] ?? 0);
    // It is a ring: what was read is true unless the parent has come round to it meanwhile.
    return (descriptor.changes.pages - since.pages) >>> 0 > changeLogEntries ? undefined : pages;
  }

  /**
   * Brings the tables up to date, where memory is shared; false when all has to be read anew.
   *
   * @throws KaryonError FORK_DESCRIPTOR
   */
  refresh(descriptor: Descriptor): boolean {
    const changes = descriptor.changes; // before anything that changes
    const pages = this.changedSince(descriptor, this.#changes);
    if (!this.shares || pages === undefined || !isDeepStrictEqual(descriptor.request(), this.request)) return false;
    for (const page of pages) {
      const index = 2 * (page % ENTRIES);
      const region = this.#region(page);
      region?.table.words.set(region.live.subarray(index, index + 2), index);
    }
    this.#changes = changes;
    return true;
  }

  /** The pfn of a frame of the kernel's or of a page table; where nothing is shared of any frame. */
  pfn(frame: number): number | undefined {
    return this.#pfns.get(frame);
  }

  /** Where in `copied` the page of a pfn is; -1 when it is not there. */
  position(pfn: number): number {
    return this.#positions[pfn] ?? -1;
  }

  /** The machine frame of the parent's shared_info. */
  get sharedInfo(): number {
    return sharedInfoFrame(this.page(this.request.startInfoPfn));
  }

  /** A page that is copied, live. */
  page(pfn: number): Uint8Array {
    const position = this.position(pfn);
    if (position < 0) throw new KaryonError("FORK_TABLES", `the forking domain has no page ${pfn}`);
    return this.copied.subarray(position * PAGE_SIZE, (position + 1) * PAGE_SIZE);
  }

  /** The entry that maps `page` now, as its low and high word; undefined when its region has no table. */
  entry(page: number): EntryWords | undefined {
    const words = this.#region(page)?.live;
    const index = page % ENTRIES;
    return words === undefined ? undefined : [words[2 * index] ?? 0, words[2 * index + 1] ?? 0];
  }

  /** The pfn of the L1 table for a page; undefined when its region has none. */
  tablePfn(page: number): number | undefined {
    const region = this.#region(page);
    return region === undefined ? undefined : this.pfn(region.table.frame);
  }

  /** The pfn of what is mapped at a page now; undefined when that is not known (pfn()). */
  pfnAt(page: number): number | undefined {
    const region = this.#region(page);
    const frame = region === undefined ? undefined : frameOf(region.live, page % ENTRIES);
    return frame === undefined ? undefined : this.pfn(frame);
  }

  #region(page: number): Region | undefined {
    return this.#regions.get(page - (page % ENTRIES));
  }

  /** The copied page that is mapped at a page now, live; undefined when there is none. */
  pageAt(page: number): Uint8Array | undefined {
    const pfn = this.pfnAt(page);
    return pfn === undefined || this.position(pfn) < 0 ? undefined : this.page(pfn);
  }
}

/** The machine frames that the p2m list lies in. */
export function p2mFrames(tables: PageTables, { p2mPage, pages }: ForkRequest): number[] {
  const count = Math.ceil((pages * 8) / PAGE_SIZE);
  return Array.from({ length: count }, (_, i) => tables.frameAt(p2mPage + i));
}

function readFrames({ memory }: ReadableXen, domain: number, tables: PageTables, request: ForkRequest): Uint32Array {
  const frames = new Uint32Array(request.pages);
  memory.with(domain, p2mFrames(tables, request), false, (bytes) => {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, frames.length * 2);
    for (let pfn = 0; pfn < frames.length; pfn++) frames[pfn] = words[2 * pfn] ?? NO_FRAME;
  });
  return frames;
}

/** Those of the kernel, and those of the app's memory unless it is shared. */
function pfnsToCopy(frames: Uint32Array, tables: PageTables, request: ForkRequest, shares: boolean): Uint32Array {
  const { kernelEndPfn } = request;
  const mapped = shares ? undefined : new Set(tables.lowest.flatMap((table) => framesOutsideKernel(table, request)));
  const pfns = new Uint32Array(shares ? kernelEndPfn : frames.length);
  let count = 0;
  for (let pfn = 0; pfn < pfns.length; pfn++) {
    const frame = frames[pfn] ?? NO_FRAME;
    if (frame !== NO_FRAME && (pfn < kernelEndPfn || mapped?.has(frame) === true)) pfns[count++] = pfn;
  }
  return pfns.slice(0, count);
}

/** The frames that a table maps outside the kernel's pages. */
function framesOutsideKernel({ firstPage, words }: Table, request: ForkRequest): number[] {
  const all = Array.from({ length: ENTRIES }, (_, index) => index);
  const indices = all.filter((index) => isOutsideKernel(firstPage + index, request));
  return indices.map((index) => frameOf(words, index)).filter((frame) => frame !== undefined);
}
