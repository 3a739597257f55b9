// The pages that a child shares with its parent: the image's constants and the app's memory, mapped read-only in both. This
// is also forkd's own memory of what it has mapped into a domain: a frame that a parent maps and does not own may be handed on
// to a child only if forkd itself put it there. Whatever else a page table of the parent names, Xen checks to be the parent's.
import type { ForkRequest, PageRange } from "../descriptor.ts";
import { ENTRIES, type PageTables } from "./page_tables.ts";
import type { EntryUpdate } from "../xen/page_table_updates.ts";

const PRESENT = 1;
const WRITABLE = 2;
/** Guests of ours map nothing above 4 GiB. */
const LAST_PAGE = 1 << 20;

/** An entry as its low and high word. */
export type EntryWords = readonly [number, number];

/** A change of the entry that maps `page`. */
export interface PageUpdate extends EntryUpdate {
  readonly page: number;
}

/** Changes by what Xen has to check: that the frames are the parent's; nothing, for what forkd has shared itself. */
export interface SharedUpdates {
  readonly parents: PageUpdate[];
  readonly inherited: PageUpdate[];
}

/** Machine frames by page, of two ranges of pages. */
export class SharedPages {
  readonly #frames: Uint32Array; // 0 for none
  readonly #constants: PageRange;
  readonly #app: PageRange;

  /** The pages that a domain with these tables may share. */
  constructor({ constants, appFirstPage }: ForkRequest, tables: PageTables) {
    const ends = tables.lowest.map(({ firstPage }) => firstPage + ENTRIES).filter((end) => end <= LAST_PAGE);
    this.#constants = constants;
    this.#app = { first: appFirstPage, end: ends.reduce((most, end) => Math.max(most, end), appFirstPage) };
    this.#frames = new Uint32Array(constants.end - constants.first + this.#app.end - this.#app.first);
  }

  covers(page: number): boolean {
    return this.#index(page) >= 0;
  }

  get(page: number): number {
    return this.#frames[this.#index(page)] ?? 0;
  }

  /**
   * Shares `page` as the parent has it mapped now: notes it, and adds what has to be changed at `place` in the child's tables.
   *
   * @param inherited what forkd has shared with the parent when that was a child
   */
  share(
    updates: SharedUpdates,
    page: number,
    [low, high]: EntryWords,
    place: Pick<EntryUpdate, "table" | "index">,
    inherited: SharedPages | undefined,
  ): void {
    const frame = (low & PRESENT) === 0 ? 0 : (((high & 0xfffff) << 20) | (low >>> 12)) >>> 0;
    this.#frames[this.#index(page)] = frame;
    const update = { page, ...place, low: frame === 0 ? 0 : (low & ~WRITABLE) >>> 0, high: frame === 0 ? 0 : high };
    if (frame !== 0 && inherited?.get(page) === frame) updates.inherited.push(update);
    else updates.parents.push(update);
  }

  /** `page` is not shared after all: Xen has refused it. */
  forget(page: number): void {
    this.#frames[this.#index(page)] = 0;
  }

  #index(page: number): number {
    const { first, end } = this.#constants;
    if (page >= first && page < end) return page - first;
    if (page >= this.#app.first && page < this.#app.end) return end - first + page - this.#app.first;
    return -1;
  }
}

/** Shares all that a parent's tables map of its shared pages; `childTable` gives the child's table for one of the parent's. */
export function shareAll(
  tables: PageTables,
  shared: SharedPages,
  inherited: SharedPages | undefined,
  childTable: (frame: number) => number,
): SharedUpdates {
  const updates: SharedUpdates = { parents: [], inherited: [] };
  for (const { frame, firstPage, words } of tables.lowest) {
    const table = childTable(frame);
    for (let index = 0; index < ENTRIES; index++) {
      const low = words[2 * index] ?? 0;
      if ((low & PRESENT) === 0 || !shared.covers(firstPage + index)) continue;
      shared.share(updates, firstPage + index, [low, words[2 * index + 1] ?? 0], { table, index }, inherited);
    }
  }
  return updates;
}
