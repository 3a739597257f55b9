// The memory of a made-up PV domain: machine frames, page tables of four levels, a p2m list and start_info, laid out as Xen's
// domain builder does, for tests of how forkd reads a guest. Xen's part is that nobody maps a frame that is not the domain's.
import type { DomainInfo } from "../../../tools/forkd/xen/control.ts";
import { ForeignPages, PAGE_SIZE } from "../../../tools/forkd/xen/foreign_memory.ts";

export const DOMAIN = 3;
/** The first machine frame of the domain. */
export const FIRST_FRAME = 0x1000;
/** Where the direct map begins, as a page number. */
export const FIRST_PAGE = 0x300;
const PRESENT = 7;
const ENTRIES = 512;
const CONTEXT_SIZE = 5168;
const CONTEXT_ROOT = 5008;
const START_SHARED_INFO = 40;

/** pfns of what every domain has. */
export const PFN = { descriptor: 2, startInfo: 3, console: 4, store: 5, log: 6, states: 7, p2m: 8, root: 12 } as const;
/** Frame numbers of the domain. */
export const PAGES = 64;

/** A domain with PAGES frames, all of them in its direct map. */
export class GuestMemory {
  readonly #frames = new Map<number, Uint8Array>();
  /** What is mapped by domain 0, by the bytes that it has for it. */
  readonly #mappings = new Map<Uint8Array, readonly number[]>();
  /** Frames mapped and not yet unmapped. */
  mapped = 0;

  constructor() {
    for (let pfn = 0; pfn < PAGES; pfn++) this.#frames.set(FIRST_FRAME + pfn, new Uint8Array(PAGE_SIZE));
    const { root } = PFN;
    for (const table of [root, root + 1, root + 2]) this.setEntry(table, 0, FIRST_FRAME + table + 1);
    // The L2 entry of the direct map's region.
    this.setEntry(root + 2, 0, undefined);
    this.setEntry(root + 2, Math.floor(FIRST_PAGE / ENTRIES), FIRST_FRAME + root + 3);
    for (let pfn = 0; pfn < PAGES; pfn++) {
      this.setEntry(root + 3, (FIRST_PAGE + pfn) % ENTRIES, FIRST_FRAME + pfn);
      this.setP2m(pfn, FIRST_FRAME + pfn);
    }
    this.view(PFN.startInfo).setBigUint64(START_SHARED_INFO, 0x99n << 12n, true);
    this.#describe();
  }

  #describe(): void {
    const page = this.view(PFN.descriptor);
    const address = (pfn: number): number => (FIRST_PAGE + pfn) * PAGE_SIZE;
    const words = { 0: 0x4b52464b, 4: 4, 32: address(PFN.p2m), 40: PAGES, 48: PFN.startInfo, 64: PFN.console };
    const more = { 68: PFN.store, 76: address(PFN.descriptor), 120: address(PFN.log), 128: 1024, 132: PAGES };
    const last = { 136: FIRST_PAGE, 140: FIRST_PAGE + 2, 144: 0x40000, 148: 0x40000, 152: address(PFN.states) };
    for (const [at, value] of Object.entries({ ...words, ...more, ...last })) page.setUint32(Number(at), value, true);
  }

  /** A page's bytes. */
  view(pfn: number): DataView {
    const bytes = this.#bytes(FIRST_FRAME + pfn);
    return new DataView(bytes.buffer);
  }

  #bytes(frame: number): Uint8Array {
    const bytes = this.#frames.get(frame);
    if (bytes === undefined) throw new Error(`Xen: frame ${frame} is not domain ${DOMAIN}'s`);
    return bytes;
  }

  /** Adds a frame that has no pfn, such as one more page table. */
  addFrame(frame: number): void {
    this.#frames.set(frame, new Uint8Array(PAGE_SIZE));
  }

  /** Maps `frame`, or nothing, at entry `index` of the table that is page `pfn`. */
  setEntry(pfn: number, index: number, frame: number | undefined): void {
    this.setEntryOf(FIRST_FRAME + pfn, index, frame);
  }

  /** The same for a table in machine frame `table`. */
  setEntryOf(table: number, index: number, frame: number | undefined): void {
    const view = new DataView(this.#bytes(table).buffer);
    const entry = frame === undefined ? 0n : (BigInt(frame) << 12n) | BigInt(PRESENT);
    view.setBigUint64(index * 8, entry, true);
  }

  /** What the guest's own list says of a pfn. */
  setP2m(pfn: number, frame: number): void {
    this.view(PFN.p2m).setBigUint64(pfn * 8, BigInt(frame), true);
  }

  /** ForeignMemory.map: a copy, which shows at show() what the guest has written since. */
  map(domain: number, frames: ArrayLike<number>): ForeignPages {
    if (domain !== DOMAIN) throw new Error(`Xen: there is no domain ${domain}`);
    const bytes = new Uint8Array(frames.length * PAGE_SIZE);
    this.#fill(bytes, Array.from(frames));
    this.#mappings.set(bytes, Array.from(frames));
    this.mapped += frames.length;
    return new ForeignPages(bytes, () => {
      this.#mappings.delete(bytes);
      this.mapped -= frames.length;
    });
  }

  /** Lets domain 0 see what the guest has written. */
  show(): void {
    for (const [bytes, frames] of this.#mappings) this.#fill(bytes, frames);
  }

  #fill(bytes: Uint8Array, frames: readonly number[]): void {
    for (const [i, frame] of frames.entries()) bytes.set(this.#bytes(frame), i * PAGE_SIZE);
  }

  /** ForeignMemory.with. */
  with<T>(domain: number, frames: ArrayLike<number>, _writable: boolean, work: (bytes: Uint8Array) => T): T {
    const pages = this.map(domain, frames);
    try {
      return work(pages.bytes);
    } finally {
      pages.unmap();
    }
  }

  /** XenControl.info: what the toolstack lets it have. */
  info(): DomainInfo {
    const state = { dying: false, paused: false, shutdown: undefined, sharedInfoFrame: 0 };
    return { uuid: "", ...state, pages: PAGES, maximumPages: 4 * PAGES };
  }

  /** XenControl.context: only the root is filled in. */
  context(): Buffer {
    const context = Buffer.alloc(CONTEXT_SIZE);
    context.writeBigUInt64LE(BigInt(FIRST_FRAME + PFN.root) << 12n, CONTEXT_ROOT);
    return context;
  }
}
