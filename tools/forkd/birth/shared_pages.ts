// The pages that a child shares with its parent: the image's constants and the app's memory, mapped read-only in both, and
// those that they have in common, which both may write as far as the parent may. This
// is also forkd's own memory of what it has mapped into a domain, and of whose it was: a frame that came to a parent from a relative
// is handed on as that relative's, every other as the parent's own. Xen checks that it still is: what a page table names may have
// gone back to Xen meanwhile, and be anybody's.
import type { ForkRequest, PageRange } from "../fork_request.ts";
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

/** Changes by the domain to which, as Xen has to check, the frames belong. */
export type SharedUpdates = Map<number, PageUpdate[]>;

/** Machine frames by page, of three ranges of pages. */
export class SharedPages {
  readonly #frames: Uint32Array; // 0 for none
  readonly #owners: Uint16Array;
  readonly #constants: PageRange;
  readonly #app: PageRange;
  readonly #common: PageRange;

  /** The pages that domain `parent` with these tables may share. */
  constructor(
    private readonly parent: number,
    { constants, appFirstPage, common }: ForkRequest,
    tables: PageTables,
  ) {
    const ends = tables.lowest.map(({ firstPage }) => firstPage + ENTRIES).filter((end) => end <= LAST_PAGE);
    this.#constants = constants;
    this.#common = common;
    this.#app = { first: appFirstPage, end: ends.reduce((most, end) => Math.max(most, end), appFirstPage) };
    const lengths = [constants, this.#app, common].map(({ first, end }) => end - first);
    this.#frames = new Uint32Array(lengths.reduce((sum, length) => sum + length));
    this.#owners = new Uint16Array(this.#frames.length);
  }

  covers(page: number): boolean {
    return this.#index(page) >= 0;
  }

  get(page: number): number {
    return this.#frames[this.#index(page)] ?? 0;
  }

  /** The domain to which the frame of a page belonged when it was shared. */
  owner(page: number): number {
    return this.#owners[this.#index(page)] ?? this.parent;
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
    const owner = frame !== 0 && inherited?.get(page) === frame ? inherited.owner(page) : this.parent;
    this.#frames[this.#index(page)] = frame;
    this.#owners[this.#index(page)] = owner;
    const rights = isIn(this.#common, page) ? low : low & ~WRITABLE;
    const update = { page, ...place, low: frame === 0 ? 0 : rights >>> 0, high: frame === 0 ? 0 : high };
    const others = updates.get(owner);
    if (others === undefined) updates.set(owner, [update]);
    else others.push(update);
  }

  /** `page` is not shared after all: Xen has refused it. */
  forget(page: number): void {
    this.#frames[this.#index(page)] = 0;
  }

  /** The places of the three ranges follow each other. */
  #index(page: number): number {
    const [constants, app, common] = [this.#constants, this.#app, this.#common];
    if (isIn(constants, page)) return page - constants.first;
    const beforeApp = constants.end - constants.first;
    if (isIn(app, page)) return beforeApp + page - app.first;
    return isIn(common, page) ? beforeApp + app.end - app.first + page - common.first : -1;
  }
}

function isIn({ first, end }: PageRange, page: number): boolean {
  return page >= first && page < end;
}

/** Shares all that a parent's tables map of its shared pages; `childTable` gives the child's table for one of the parent's. */
export function shareAll(
  tables: PageTables,
  shared: SharedPages,
  inherited: SharedPages | undefined,
  childTable: (frame: number) => number,
): SharedUpdates {
  const updates: SharedUpdates = new Map();
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
