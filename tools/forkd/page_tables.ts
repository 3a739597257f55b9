// The page tables of a 64-bit PV domain (xen/arch-x86/xen-x86_64.h): read from the parent, and made for the child by
// translating every entry mfn → pfn → mfn of the child. Entries are pairs of u32, because BigInt is thirty times slower.
import { KaryonError } from "../support/errors.ts";
import { PAGE_SIZE, type ForeignMemory } from "./xen/foreign_memory.ts";

const ENTRIES = 512;
const LEVELS = 4;
const PRESENT = 1;
/** The slots of an L4 table that are Xen's own. */
const XEN_FIRST_SLOT = 256;
const XEN_LAST_SLOT = 271;
const NO_FRAME = 0xffffffff;
/** More tables than a guest of the largest size has: 64 GiB of L1 tables, and their upper levels. */
const MAXIMUM_TABLES = 33_000;

/** One table: its machine frame and a copy of its entries, low and high words alternating. */
export interface Table {
  readonly frame: number;
  readonly level: number;
  readonly words: Uint32Array;
}

/** A domain's tables, the root first. */
export class PageTables {
  readonly #byFrame: ReadonlyMap<number, Table>;

  private constructor(readonly tables: readonly Table[]) {
    this.#byFrame = new Map(tables.map((table) => [table.frame, table]));
  }

  /** Copies the tree below the L4 table in machine frame `root`. */
  static read(memory: ForeignMemory, domain: number, root: number): PageTables {
    const tables: Table[] = [];
    let frames = [root];
    for (let level = LEVELS; level >= 1 && frames.length > 0; level--) {
      const next = new Set<number>();
      memory.with(domain, frames, false, (bytes) => {
        for (const [i, frame] of frames.entries()) {
          const words = new Uint32Array(bytes.slice(i * PAGE_SIZE, (i + 1) * PAGE_SIZE).buffer);
          tables.push({ frame, level, words });
          if (level > 1) addTargets(words, level, next);
        }
      });
      frames = [...next];
      if (tables.length + frames.length > MAXIMUM_TABLES) {
        throw new KaryonError("FORK_TABLES", `domain ${domain} has more page tables than a domain can use`);
      }
    }
    return new PageTables(tables);
  }

  /**
   * The machine frame mapped at a guest-virtual address.
   *
   * @throws KaryonError FORK_TABLES when none is
   */
  frameAt(address: bigint): number {
    let table = this.tables[0];
    for (let level = LEVELS; table !== undefined; level--) {
      const index = Number((address >> BigInt(12 + 9 * (level - 1))) & 511n);
      const frame = frameOf(table.words, index);
      if (frame === undefined) break;
      if (level === 1) return frame;
      table = this.#byFrame.get(frame);
    }
    throw new KaryonError("FORK_TABLES", `nothing is mapped at 0x${address.toString(16)} of the forking domain`);
  }

  /** Writes the entries of table `i` for another domain, `translate` giving its frame for one of this domain's. */
  writeTranslated(i: number, to: Uint32Array, translate: (frame: number) => number | undefined): void {
    const table = this.tables[i];
    if (table === undefined) return;
    const { words, level } = table;
    for (let index = 0; index < ENTRIES; index++) {
      const frame = isXens(level, index) ? undefined : frameOf(words, index);
      const target = frame === undefined ? undefined : translate(frame);
      const low = words[2 * index] ?? 0;
      const high = words[2 * index + 1] ?? 0;
      to[2 * index] = target === undefined ? 0 : ((target << 12) | (low & 0xfff)) >>> 0;
      to[2 * index + 1] = target === undefined ? 0 : ((high & 0xfff00000) | (target >>> 20)) >>> 0;
    }
  }
}

function isXens(level: number, index: number): boolean {
  return level === LEVELS && index >= XEN_FIRST_SLOT && index <= XEN_LAST_SLOT;
}

function frameOf(words: Uint32Array, index: number): number | undefined {
  const low = words[2 * index] ?? 0;
  if ((low & PRESENT) === 0) return undefined;
  return ((((words[2 * index + 1] ?? 0) & 0xfffff) << 20) | (low >>> 12)) >>> 0;
}

function addTargets(words: Uint32Array, level: number, targets: Set<number>): void {
  for (let index = 0; index < ENTRIES; index++) {
    const frame = isXens(level, index) ? undefined : frameOf(words, index);
    if (frame !== undefined) targets.add(frame);
  }
}

/** The frames of a domain: machine frame by pfn, and pfn by machine frame. */
export class FrameList {
  readonly #pfns = new Map<number, number>();
  /** The pfns that have a frame, ascending. */
  readonly pfns: Uint32Array;

  constructor(readonly frames: Uint32Array) {
    const present: number[] = [];
    for (const [pfn, frame] of frames.entries()) {
      if (frame === NO_FRAME) continue;
      this.#pfns.set(frame, pfn);
      present.push(pfn);
    }
    this.pfns = Uint32Array.from(present);
  }

  /** Reads the p2m list of a domain: `pages` entries of u64 at a guest-virtual address. */
  static read(memory: ForeignMemory, domain: number, tables: PageTables, address: bigint, pages: number): FrameList {
    const words = memory.with(domain, p2mFrames(tables, address, pages), false, (bytes) => {
      const start = Number(address & BigInt(PAGE_SIZE - 1));
      return new Uint32Array(bytes.slice(start, start + pages * 8).buffer);
    });
    return new FrameList(Uint32Array.from({ length: pages }, (_, pfn) => words[2 * pfn] ?? NO_FRAME));
  }

  /** @throws KaryonError FORK_TABLES when that pfn has no frame */
  frame(pfn: number): number {
    const frame = this.frames[pfn] ?? NO_FRAME;
    if (frame === NO_FRAME) throw new KaryonError("FORK_TABLES", `frame ${pfn} of the forking domain does not exist`);
    return frame;
  }

  pfn(frame: number): number | undefined {
    return this.#pfns.get(frame);
  }
}

/** The machine frames that a p2m list at `address` lies in. */
export function p2mFrames(tables: PageTables, address: bigint, pages: number): number[] {
  const first = address >> 12n;
  const last = (address + BigInt(pages) * 8n - 1n) >> 12n;
  return Array.from({ length: Number(last - first) + 1 }, (_, i) => tables.frameAt((first + BigInt(i)) << 12n));
}
