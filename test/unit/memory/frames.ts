// Machine frames, and where the guest sees them: a frame's contents live here, and the guest's memory has a copy at each
// address that maps it. Page tables are frames like any other, and really walked.

export const PAGE = 4096;
export const PRESENT = 1n;
export const WRITABLE = 2n;
export const INVALID = 0xffff_ffff_ffff_ffffn;
export const FRAME_MASK = 0x000f_ffff_ffff_f000n;
/** So that a frame number never is a pfn. */
const FIRST_MFN = 0x1000;

// Where everything stands in the first MiB, by page.
export const AT = { l4: 1, l3: 2, l2: 3, l1: 4, startInfo: 6, p2m: 8, storage: 16, heap: 20, heapEnd: 40 };
export const FIRST_FREE = 256;

/** A frame: its contents, whose it is, and how many relatives use it. */
export interface Frame {
  readonly bytes: Uint8Array;
  pfn: number;
  own: boolean;
  users: number;
}

/** All frames, and the guest's memory. */
export class Frames {
  readonly all = new Map<number, Frame>();
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Addresses by the frame they map. */
  readonly #mapped = new Map<number, Set<number>>();
  readonly #mappedAt = new Map<number, number>();
  #nextMfn = FIRST_MFN;
  /** Frames that Xen has left to give. */
  left = Infinity;

  constructor(memory: WebAssembly.Memory) {
    this.#bytes = new Uint8Array(memory.buffer);
    this.#view = new DataView(memory.buffer);
  }

  /** The frame of a pfn; -1 without one. */
  mfn(pfn: number): number {
    const mfn = this.u64(AT.p2m * PAGE + pfn * 8);
    return mfn === INVALID ? -1 : Number(mfn);
  }

  /** The machine frame behind an address, and whether the guest may write there. */
  walk(address: number): { readonly mfn: number; readonly writable: boolean } | undefined {
    let table = this.mfn(AT.l4);
    let writable = true;
    for (const shift of [39n, 30n, 21n, 12n]) {
      const entry = this.table(table).getBigUint64(Number((BigInt(address) >> shift) & 511n) * 8, true);
      if ((entry & PRESENT) === 0n) return undefined;
      writable &&= (entry & WRITABLE) !== 0n;
      table = Number((entry & FRAME_MASK) >> 12n);
    }
    return { mfn: table, writable };
  }

  /** The table and the index of the entry of `level` for an address. */
  place(address: number, level: number): { table: number; index: number } {
    let table = this.mfn(AT.l4);
    for (let at = 4; ; at--) {
      const index = Number((BigInt(address) >> BigInt(12 + 9 * (at - 1))) & 511n);
      if (at === level) return { table, index };
      table = Number((this.table(table).getBigUint64(index * 8, true) & FRAME_MASK) >> 12n);
    }
  }

  /** A new frame of the guest's. */
  add(pfn: number): number {
    const mfn = this.#nextMfn++;
    this.all.set(mfn, { bytes: new Uint8Array(PAGE).fill(0xee), pfn, own: true, users: 0 });
    if (pfn < FIRST_FREE) this.all.get(mfn)?.bytes.fill(0);
    return mfn;
  }

  /** The contents of a frame. */
  table(mfn: number): DataView {
    const bytes = this.all.get(mfn)?.bytes;
    if (bytes === undefined) throw new Error(`frame ${mfn} does not exist`);
    return new DataView(bytes.buffer);
  }

  u32(address: number): number {
    return this.#view.getUint32(address, true);
  }

  u64(address: number): bigint {
    return this.#view.getBigUint64(address, true);
  }

  setU32(address: number, value: number): void {
    this.#view.setUint32(address, value, true);
  }

  setU64(address: number, value: bigint): void {
    this.#view.setBigUint64(address, value, true);
  }

  /** Sets an entry of a table, here and where the guest sees it. */
  writeEntry(mfn: number, index: number, value: bigint): void {
    this.table(mfn).setBigUint64(index * 8, value, true);
    for (const page of this.#mapped.get(mfn) ?? []) this.setU64(page + index * 8, value);
  }

  /** The frame that the guest sees at a page. */
  mappedAt(page: number): number | undefined {
    return this.#mappedAt.get(page);
  }

  /** From here on the guest sees a frame at a page. */
  map(page: number, mfn: number): void {
    const before = this.#mappedAt.get(page);
    if (before !== undefined) this.#mapped.get(before)?.delete(page);
    this.#mappedAt.set(page, mfn);
    const addresses = this.#mapped.get(mfn) ?? new Set();
    this.#mapped.set(mfn, addresses.add(page));
    const frame = this.all.get(mfn);
    if (frame !== undefined) this.#bytes.set(frame.bytes, page);
  }

  /** A byte of a frame has changed: wherever the guest maps it. */
  show(mfn: number, offset: number): void {
    const byte = this.all.get(mfn)?.bytes[offset] ?? 0;
    for (const page of this.#mapped.get(mfn) ?? []) this.#bytes[page + offset] = byte;
  }

  /** What the kernel itself has written: to spare frames, and to new pages of the app. */
  takeWrites(from: number, to: number): void {
    for (let page = from; page < to; page += PAGE) {
      const place = this.walk(page);
      if (place?.writable !== true) continue;
      this.all.get(place.mfn)?.bytes.set(this.#bytes.subarray(page, page + PAGE));
    }
  }

  /** A frame that nobody has any more goes back to Xen. */
  dropIfUnused(mfn: number, frame: Frame): void {
    if (frame.users > 0 || frame.pfn >= 0) return;
    frame.bytes.fill(0xdd);
    this.all.delete(mfn);
    this.left += 1;
  }
}
