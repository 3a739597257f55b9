// HYPERVISOR_mmu_update, raw through libxencall: domain 0 changes page-table entries of one domain so that they map frames of
// another (xen.h, "mmu_update"; the high half of foreigndom names the owner of the tables). Xen checks every entry. Only a
// PV domain 0 may do that.
import koffi from "koffi";
import { checkedPointer, counted, loadLibrary, type Pointer } from "./library.ts";

const HYPERVISOR_mmu_update = 1;
const REQUEST_SIZE = 16;
const MAXIMUM_REQUESTS = 4096;
const DONE_OFFSET = MAXIMUM_REQUESTS * REQUEST_SIZE;

/** One change: the machine address of an entry, and the entry, as pairs of low and high word. */
export interface EntryUpdate {
  readonly table: number;
  readonly index: number;
  readonly low: number;
  readonly high: number;
}

/** A handle on libxencall with a buffer that Xen can read. */
export class PageTableUpdates {
  readonly #library = loadLibrary("libxencall.so.1");
  readonly #call = this.#library.func(
    "int xencall4(void *handle, unsigned int op, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)",
  );
  readonly #handle: Pointer;
  readonly #buffer: Pointer;
  readonly #words: Uint32Array;

  constructor() {
    const open = this.#library.func("void *xencall_open(void *logger, unsigned int flags)");
    this.#handle = checkedPointer("xencall_open", open(null, 0) as Pointer | null);
    const allocate = this.#library.func("void *xencall_alloc_buffer(void *handle, size_t size)");
    const size = DONE_OFFSET + REQUEST_SIZE;
    this.#buffer = checkedPointer("xencall_alloc_buffer", allocate(this.#handle, size) as Pointer | null);
    this.#words = new Uint32Array(koffi.view(this.#buffer, size));
  }

  /**
   * Makes changes to tables of domain `tableOwner`. The frames mapped must belong to `frameOwner`, which may be one that has ended.
   *
   * @returns the changes that Xen has refused
   */
  apply<T extends EntryUpdate>(tableOwner: number, frameOwner: number, updates: readonly T[]): T[] {
    const domains = (tableOwner + 1) * 0x10000 + frameOwner;
    const refused: T[] = [];
    for (let at = 0; at < updates.length;) {
      const chunk = updates.slice(at, at + MAXIMUM_REQUESTS);
      const done = this.#send(domains, chunk);
      at += done;
      const failed = done < chunk.length ? chunk[done] : undefined;
      if (failed === undefined) continue;
      refused.push(failed);
      at += 1;
    }
    return refused;
  }

  #send(domains: number, updates: readonly EntryUpdate[]): number {
    const words = this.#words;
    for (const [i, { table, index, low, high }] of updates.entries()) {
      words[4 * i] = ((table << 12) | (index << 3)) >>> 0;
      words[4 * i + 1] = table >>> 20;
      words[4 * i + 2] = low;
      words[4 * i + 3] = high;
    }
    words[DONE_OFFSET / 4] = 0;
    const doneAt = this.#buffer + BigInt(DONE_OFFSET);
    const result = this.#call(
      this.#handle,
      HYPERVISOR_mmu_update,
      this.#buffer,
      updates.length,
      doneAt,
      domains,
    ) as number;
    counted();
    return result === 0 ? updates.length : (words[DONE_OFFSET / 4] ?? 0);
  }
}
