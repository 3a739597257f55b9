// The page tables of a 64-bit PV domain (xen/arch-x86/xen-x86_64.h): read from the parent, and made for the child by
// translating every entry. Entries are pairs of u32, because BigInt is thirty times slower. A page number is a guest-virtual
// address >> 12.
import { KaryonError } from "../../support/errors.ts";
import { PAGE_SIZE, type ForeignMemory } from "../xen/foreign_memory.ts";

export const ENTRIES = 512;
const LEVELS = 4;
const PRESENT = 1;
const WRITABLE = 2;
/** The slots of an L4 table that are Xen's own. */
const XEN_FIRST_SLOT = 256;
const XEN_LAST_SLOT = 271;
/** More tables than a guest of the largest size has: 64 GiB of L1 tables, and their upper levels. */
const MAXIMUM_TABLES = 33_000;

/** One table: its machine frame, the first page it maps, and a copy of its entries, low and high words alternating. */
export interface Table {
  readonly frame: number;
  readonly level: number;
  readonly firstPage: number;
  readonly words: Uint32Array;
}

/** Which frame takes the place of `frame`, mapped at `page` (undefined: a table); undefined for none. */
export type Translate = (frame: number, page: number | undefined) => number | undefined;

/** A domain's tables, the root first. */
export class PageTables {
  readonly #byFrame: ReadonlyMap<number, Table>;

  private constructor(readonly tables: readonly Table[]) {
    this.#byFrame = new Map(tables.map((table) => [table.frame, table]));
  }

  /** Copies the tree below the L4 table in machine frame `root`. */
  static read(memory: Pick<ForeignMemory, "with">, domain: number, root: number): PageTables {
    const tables: Table[] = [];
    let places = new Map([[root, 0]]);
    for (let level = LEVELS; level >= 1 && places.size > 0; level--) {
      const next = new Map<number, number>();
      memory.with(domain, [...places.keys()], false, (bytes) => {
        for (const [i, [frame, firstPage]] of [...places].entries()) {
          const words = new Uint32Array(bytes.slice(i * PAGE_SIZE, (i + 1) * PAGE_SIZE).buffer);
          const table = { frame, level, firstPage, words };
          tables.push(table);
          if (level > 1) addTargets(table, next);
        }
      });
      places = next;
      if (tables.length + places.size > MAXIMUM_TABLES) {
        throw new KaryonError("FORK_TABLES", `domain ${domain} has more page tables than a domain can use`);
      }
    }
    return new PageTables(tables);
  }

  /** The tables that map pages. */
  get lowest(): Table[] {
    return this.tables.filter(({ level }) => level === 1);
  }

  /**
   * The machine frame mapped at a page.
   *
   * @throws KaryonError FORK_TABLES when none is
   */
  frameAt(page: number): number {
    let table = this.tables[0];
    for (let level = LEVELS; table !== undefined; level--) {
      const index = Math.floor(page / ENTRIES ** (level - 1)) % ENTRIES;
      const frame = frameOf(table.words, index);
      if (frame === undefined) break;
      if (level === 1) return frame;
      table = this.#byFrame.get(frame);
    }
    throw new KaryonError("FORK_TABLES", `nothing is mapped at page 0x${page.toString(16)} of the forking domain`);
  }

  /**
   * Writes the entries of table `i` for another domain.
   *
   * @param open whether writes to whole regions, which a parent forbids itself, are allowed
   */
  writeTranslated(i: number, to: Uint32Array, open: boolean, translate: Translate): void {
    const table = this.tables[i];
    if (table === undefined) return;
    const { words, level, firstPage } = table;
    const added = open && level > 1 ? WRITABLE : 0;
    for (let index = 0; index < ENTRIES; index++) {
      const frame = isXens(level, index) ? undefined : frameOf(words, index);
      const target = frame === undefined ? undefined : translate(frame, level === 1 ? firstPage + index : undefined);
      to[2 * index] = target === undefined ? 0 : entryLow(target, (words[2 * index] ?? 0) | added);
      to[2 * index + 1] = target === undefined ? 0 : entryHigh(target, words[2 * index + 1] ?? 0);
    }
  }
}

/** The low word of an entry for `frame` with the flags of another. */
export function entryLow(frame: number, flags: number): number {
  return ((frame << 12) | (flags & 0xfff)) >>> 0;
}

/** The high word of an entry for `frame` with the flags of another. */
export function entryHigh(frame: number, flags: number): number {
  return ((flags & 0xfff00000) | (frame >>> 20)) >>> 0;
}

/** The frame of entry `index`; undefined when nothing is mapped. */
export function frameOf(words: Uint32Array, index: number): number | undefined {
  const low = words[2 * index] ?? 0;
  if ((low & PRESENT) === 0) return undefined;
  return ((((words[2 * index + 1] ?? 0) & 0xfffff) << 20) | (low >>> 12)) >>> 0;
}

function isXens(level: number, index: number): boolean {
  return level === LEVELS && index >= XEN_FIRST_SLOT && index <= XEN_LAST_SLOT;
}

function addTargets({ level, firstPage, words }: Table, targets: Map<number, number>): void {
  for (let index = 0; index < ENTRIES; index++) {
    const frame = isXens(level, index) ? undefined : frameOf(words, index);
    if (frame !== undefined) targets.set(frame, firstPage + index * ENTRIES ** (level - 1));
  }
}
