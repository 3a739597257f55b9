// What forkd knows of a parent's memory: its page tables and frames as they were read, and the kernel's pages mapped, so that a
// fork finds them at hand. It holds as long as the parent has the same page tables and the same kernel pages, of which the
// descriptor keeps count; single pages that change meanwhile are in the parent's log.
import type { ChangeCount, Descriptor, ForkRequest } from "../descriptor.ts";
import { ENTRIES, frameOf, PageTables } from "./page_tables.ts";
import type { EntryWords } from "./shared_pages.ts";
import { contextRoot, sharedInfoFrame } from "./start_info.ts";
import type { Xen } from "../xen/handles.ts";
import { PAGE_SIZE, type ForeignPages } from "../xen/foreign_memory.ts";
import { KaryonError } from "../../support/errors.ts";

/** In a p2m list: a frame number without memory. */
export const NO_FRAME = 0xffffffff;

/** A parent's memory, as it was when `changes` was counted. */
export class ParentMemory {
  /** pfn by machine frame, of the kernel's frames and the page tables. */
  readonly #pfns = new Map<number, number>();
  /** The entries of the L1 tables, live, by the first page they map. */
  readonly #liveTables = new Map<number, Uint32Array>();
  /** The machine frames of the L1 tables, by the first page they map. */
  readonly #tableFrames: ReadonlyMap<number, number>;
  readonly #positions: Int32Array;

  private constructor(
    readonly domain: number,
    readonly request: ForkRequest,
    readonly changes: ChangeCount,
    readonly context: Buffer,
    readonly tables: PageTables,
    /** Machine frame by pfn. */
    readonly frames: Uint32Array,
    /** The pfns of the kernel that have memory, ascending, and their pages in the same order. */
    readonly kernelPfns: Uint32Array,
    private readonly kernelPages: ForeignPages,
    private readonly lowestPages: ForeignPages,
  ) {
    const { kernelEndPfn, pages } = request;
    const isTable = new Set(tables.tables.map(({ frame }) => frame));
    for (let pfn = 0; pfn < pages; pfn++) {
      const frame = frames[pfn] ?? NO_FRAME;
      if (frame !== NO_FRAME && (pfn < kernelEndPfn || isTable.has(frame))) this.#pfns.set(frame, pfn);
    }
    this.#positions = new Int32Array(kernelEndPfn).fill(-1);
    for (const [position, pfn] of kernelPfns.entries()) this.#positions[pfn] = position;
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
  static read(xen: Xen, domain: number, descriptor: Descriptor): ParentMemory {
    const changes = descriptor.changes; // before anything that changes
    const request = descriptor.request();
    const context = xen.control.context(domain);
    const tables = PageTables.read(xen.memory, domain, contextRoot(context));
    const frames = readFrames(xen, domain, tables, request);
    const kernelPfns = Uint32Array.from({ length: request.kernelEndPfn }, (_, pfn) => pfn).filter(
      (pfn) => frames[pfn] !== NO_FRAME,
    );
    const kernelPages = xen.memory.map(
      domain,
      kernelPfns.map((pfn) => frames[pfn] ?? 0),
      false,
    );
    try {
      const lowest = tables.lowest.map(({ frame }) => frame);
      const lowestPages = xen.memory.map(domain, lowest, false);
      return new ParentMemory(domain, request, changes, context, tables, frames, kernelPfns, kernelPages, lowestPages);
    } catch (error) {
      kernelPages.unmap();
      throw error;
    }
  }

  /** Lets go of the mappings. */
  close(): void {
    this.#liveTables.clear();
    this.kernelPages.unmap();
    this.lowestPages.unmap();
  }

  /** The pages of `kernelPfns`, live. */
  get kernel(): Uint8Array {
    return this.kernelPages.bytes;
  }

  /** Whether this still is the parent's memory, but for what its log tells. */
  holds(descriptor: Descriptor): boolean {
    return descriptor.changes.layout === this.changes.layout && descriptor.kernelEndPfn === this.request.kernelEndPfn;
  }

  /** The pfn of a frame of the kernel's or of a page table. */
  pfn(frame: number): number | undefined {
    return this.#pfns.get(frame);
  }

  /** Where in `kernel` the page of a pfn is; -1 when it is not there. */
  position(pfn: number): number {
    return this.#positions[pfn] ?? -1;
  }

  /** The machine frame of the parent's shared_info. */
  get sharedInfo(): number {
    return sharedInfoFrame(this.page(this.request.startInfoPfn));
  }

  /** A page of the kernel's, live. */
  page(pfn: number): Uint8Array {
    const position = this.position(pfn);
    if (position < 0) throw new KaryonError("FORK_TABLES", `the forking domain has no page ${pfn}`);
    return this.kernel.subarray(position * PAGE_SIZE, (position + 1) * PAGE_SIZE);
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

  /** The pfn of the kernel's page that is mapped at a page now; undefined when there is none. */
  pfnAt(page: number): number | undefined {
    const words = this.#liveTables.get(page - (page % ENTRIES));
    const frame = words === undefined ? undefined : frameOf(words, page % ENTRIES);
    return frame === undefined ? undefined : this.pfn(frame);
  }

  /** The kernel's page that is mapped at a page now, live; undefined when there is none. */
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

function readFrames({ memory }: Xen, domain: number, tables: PageTables, request: ForkRequest): Uint32Array {
  const { pages } = request;
  return memory.with(domain, p2mFrames(tables, request), false, (bytes) => {
    const words = new Uint32Array(bytes.buffer, bytes.byteOffset, pages * 2);
    return Uint32Array.from({ length: pages }, (_, pfn) => words[2 * pfn] ?? NO_FRAME);
  });
}
