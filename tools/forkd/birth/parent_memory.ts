// What forkd knows of a parent's memory: its page tables and frames as they were read, and mapped those pages that a fork
// copies: the kernel's, and the app's if they are not shared. It holds as long as the parent has the same page tables and the same
// kernel pages, of which the descriptor keeps count; single pages that change meanwhile are in the parent's log.
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

/** A parent's memory, as it was when `changes` was counted. */
export class ParentMemory {
  /** pfn by machine frame: of the kernel's frames and the page tables, and where nothing is shared of all. */
  readonly #pfns = new Map<number, number>();
  /** The entries of the L1 tables, live, by the first page they map. */
  readonly #liveTables = new Map<number, Uint32Array>();
  /** The machine frames of the L1 tables, by the first page they map. */
  readonly #tableFrames: ReadonlyMap<number, number>;
  /** Where in `copied` the page of a pfn is. */
  readonly #positions: ReadonlyMap<number, number>;

  private constructor(
    readonly domain: number,
    /** Whether the app's memory is shared with the child, not copied. */
    readonly shares: boolean,
    readonly request: ForkRequest,
    readonly changes: ChangeCount,
    readonly context: Buffer,
    readonly tables: PageTables,
    /** Machine frame by pfn. */
    readonly frames: Uint32Array,
    /** The pfns whose pages a fork copies, the kernel's first, ascending, and those pages in the same order. */
    readonly copiedPfns: Uint32Array,
    private readonly copiedPages: ForeignPages,
    private readonly lowestPages: ForeignPages,
  ) {
    this.#positions = new Map([...copiedPfns].map((pfn, position) => [pfn, position]));
    const isTable = new Set(tables.tables.map(({ frame }) => frame));
    for (const [pfn, frame] of frames.entries()) {
      if (frame === NO_FRAME) continue;
      if (!shares || pfn < request.kernelEndPfn || isTable.has(frame)) this.#pfns.set(frame, pfn);
    }
    this.#tableFrames = new Map(tables.lowest.map(({ firstPage, frame }) => [firstPage, frame]));
    for (const [i, { firstPage }] of tables.lowest.entries()) {
      const { buffer, byteOffset } = lowestPages.bytes;
      this.#liveTables.set(firstPage, new Uint32Array(buffer, byteOffset + i * PAGE_SIZE, PAGE_SIZE / 4));
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

  /** Lets go of the mappings. */
  close(): void {
    this.#liveTables.clear();
    this.copiedPages.unmap();
    this.lowestPages.unmap();
  }

  /** The pages of `copiedPfns`, live. */
  get copied(): Uint8Array {
    return this.copiedPages.bytes;
  }

  /** Whether this still is the parent's memory, but for what its log tells. */
  holds(descriptor: Descriptor): boolean {
    return descriptor.changes.layout === this.changes.layout && descriptor.kernelEndPfn === this.request.kernelEndPfn;
  }

  /** The pfn of a frame of the kernel's or of a page table; where nothing is shared of any frame. */
  pfn(frame: number): number | undefined {
    return this.#pfns.get(frame);
  }

  /** Where in `copied` the page of a pfn is; -1 when it is not there. */
  position(pfn: number): number {
    return this.#positions.get(pfn) ?? -1;
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
    const words = this.#liveTables.get(page - (page % ENTRIES));
    const index = page % ENTRIES;
    return words === undefined ? undefined : [words[2 * index] ?? 0, words[2 * index + 1] ?? 0];
  }

  /** The pfn of the L1 table for a page; undefined when its region has none. */
  tablePfn(page: number): number | undefined {
    const frame = this.#tableFrames.get(page - (page % ENTRIES));
    return frame === undefined ? undefined : this.pfn(frame);
  }

  /** The pfn of what is mapped at a page now; undefined when that is not known (pfn()). */
  pfnAt(page: number): number | undefined {
    const words = this.#liveTables.get(page - (page % ENTRIES));
    const frame = words === undefined ? undefined : frameOf(words, page % ENTRIES);
    return frame === undefined ? undefined : this.pfn(frame);
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
  const { pages } = request;
  return memory.with(domain, p2mFrames(tables, request), false, (bytes) => {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, pages * 2);
    return Uint32Array.from({ length: pages }, (_, pfn) => words[2 * pfn] ?? NO_FRAME);
  });
}

/** Those of the kernel, and those of the app's memory unless it is shared. */
function pfnsToCopy(frames: Uint32Array, tables: PageTables, request: ForkRequest, shares: boolean): Uint32Array {
  const { kernelEndPfn } = request;
  const kernel = Uint32Array.from(frames.subarray(0, kernelEndPfn).keys()).filter((pfn) => frames[pfn] !== NO_FRAME);
  if (shares) return kernel;
  const mapped = new Set(tables.lowest.flatMap((table) => framesOutsideKernel(table, request)));
  const rest = Uint32Array.from(frames.keys()).filter(
    (pfn) => pfn >= kernelEndPfn && mapped.has(frames[pfn] ?? NO_FRAME),
  );
  return Uint32Array.from([...kernel, ...rest]); // too many to be arguments
}

/** The frames that a table maps outside the kernel's pages. */
function framesOutsideKernel({ firstPage, words }: Table, request: ForkRequest): number[] {
  const all = Array.from({ length: ENTRIES }, (_, index) => index);
  const indices = all.filter((index) => isOutsideKernel(firstPage + index, request));
  return indices.map((index) => frameOf(words, index)).filter((frame) => frame !== undefined);
}
