// Xen as the kernel's memory management sees it: page tables that are really walked, frames that belong to someone, and
// a guest whose every write is checked. A frame's contents live here; the guest's memory has a copy at each address that maps it.
import { compileAssembly } from "../../support/assembly.ts";

export const PAGE = 4096;
export const APP = 0x4000_0000;
const WINDOWS = 0x3f60_0000;
const PRESENT = 1n;
const WRITABLE = 2n;
const TABLE = 0x67n;
const INVALID = 0xffff_ffff_ffff_ffffn;
const FRAME_MASK = 0x000f_ffff_ffff_f000n;
/** So that a frame number never is a pfn. */
const FIRST_MFN = 0x1000;

// Where everything stands in the first MiB, by page.
const AT = { l4: 1, l3: 2, l2: 3, l1: 4, startInfo: 6, p2m: 8, storage: 16, heap: 20, heapEnd: 40 };
const FIRST_FREE = 256;

interface Exports {
  readonly memory: WebAssembly.Memory;
  start(info: number, storage: number, heap: number, heapEnd: number, firstFree: number, appEnd: number): number;
  countsAddress(): number;
  logAddress(): number;
  appSpaceGrow(size: number): number;
  appSpaceSize(): number;
  copyOnWrite(address: bigint): number;
  copyOnWriteProtect(): void;
  copyOnWriteForked(): void;
}

/** A frame: its contents, whose it is, and how many relatives use it. */
interface Frame {
  readonly bytes: Uint8Array;
  pfn: number;
  own: boolean;
  users: number;
}

/** What a relative shares: its frames by page of the app, and what they held when it was made. */
export interface Relative {
  readonly pages: ReadonlyMap<number, { readonly mfn: number; readonly contents: Uint8Array }>;
}

export class Machine {
  readonly frames = new Map<number, Frame>();
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** Addresses by the frame they map. */
  readonly #mapped = new Map<number, Set<number>>();
  readonly #mappedAt = new Map<number, number>();
  #nextMfn = FIRST_MFN;
  /** Frames that Xen has left to give. */
  memoryLeft = Infinity;
  hypercalls = 0;

  private constructor(
    readonly call: Exports,
    private readonly pages: number,
  ) {
    this.#bytes = new Uint8Array(call.memory.buffer);
    this.#view = new DataView(call.memory.buffer);
  }

  static async create(pages: number, appMost: number): Promise<Machine> {
    const initialPages = (APP + appMost) / 65536;
    const module = await compileAssembly("test/unit/memory/harness.ts", { initialPages });
    const made: { machine?: Machine } = {};
    const instance = await WebAssembly.instantiate(module, {
      boot: {
        hypercall: (number: number, ...args: bigint[]) => made.machine?.hypercall(number, args) ?? 0n,
        imageBase: () => 0,
        machineToPhys: (mfn: bigint) => BigInt(made.machine?.frames.get(Number(mfn))?.pfn ?? 0),
        sharedInfo: () => 0,
      },
      env: {
        abort: () => {
          throw new Error("the kernel panics");
        },
      },
    });
    const machine = new Machine(instance.exports as unknown as Exports, pages);
    made.machine = machine;
    machine.#begin(appMost);
    return machine;
  }

  #begin(appMost: number): void {
    for (let pfn = 0; pfn < this.pages; pfn++) this.#setU64(AT.p2m * PAGE + pfn * 8, BigInt(this.#newFrame(pfn)));
    const entry = (pfn: number): bigint => (BigInt(this.mfn(pfn)) << 12n) | TABLE;
    const tables = [AT.l4, AT.l3, AT.l2, AT.l1];
    for (const [i, pfn] of tables.slice(0, 3).entries()) {
      this.#writeFrame(this.mfn(pfn), 0, entry(tables[i + 1] ?? 0));
      this.#map(pfn * PAGE, this.mfn(pfn)); // the kernel reads the builder's tables where they are mapped
    }
    const info = AT.startInfo * PAGE;
    this.#setU64(info + 32, BigInt(this.pages));
    this.#setU64(info + 88, BigInt(AT.l4 * PAGE));
    this.#setU64(info + 104, BigInt(AT.p2m * PAGE));
    const [heap, heapEnd] = [AT.heap * PAGE, AT.heapEnd * PAGE];
    if (!this.call.start(info, AT.storage * PAGE, heap, heapEnd, FIRST_FREE, APP + appMost)) {
      throw new Error("the harness does not start");
    }
  }

  mfn(pfn: number): number {
    const mfn = this.#view.getBigUint64(AT.p2m * PAGE + pfn * 8, true);
    return mfn === INVALID ? -1 : Number(mfn);
  }

  get sharers(): number {
    return this.#view.getUint32(this.call.countsAddress(), true);
  }

  set sharers(count: number) {
    this.#view.setUint32(this.call.countsAddress(), count, true);
  }

  /** The pages in the log since an index of its producer. */
  changes(since: number): { readonly producer: number; readonly pages: Set<number> } {
    const producer = this.#view.getUint32(this.call.countsAddress() + 4, true);
    const pages = new Set<number>();
    for (let i = since; i < producer; i++) {
      pages.add(this.#view.getUint32(this.call.logAddress() + (i % 1024) * 4, true) * PAGE);
    }
    return { producer, pages };
  }

  /** The machine frame behind an address, and whether the guest may write there. */
  walk(address: number): { readonly mfn: number; readonly writable: boolean } | undefined {
    let table = this.mfn(AT.l4);
    let writable = true;
    for (const shift of [39n, 30n, 21n, 12n]) {
      const entry = this.#frame(table).getBigUint64(Number((BigInt(address) >> shift) & 511n) * 8, true);
      if ((entry & PRESENT) === 0n) return undefined;
      writable &&= (entry & WRITABLE) !== 0n;
      table = Number((entry & FRAME_MASK) >> 12n);
    }
    return { mfn: table, writable };
  }

  /** A write by the app: refused writes go to the kernel first. */
  write(address: number, value: number): number {
    for (let attempt = 0; attempt < 3; attempt++) {
      const place = this.walk(address);
      if (place === undefined) throw new Error(`nothing is mapped at 0x${address.toString(16)}`);
      if (place.writable) {
        const frame = this.frames.get(place.mfn);
        if (frame?.own !== true) throw new Error("a frame of another domain may be written");
        frame.bytes[address % PAGE] = value;
        for (const page of this.#mapped.get(place.mfn) ?? []) this.#bytes[page + (address % PAGE)] = value;
        return 0;
      }
      const result = this.call.copyOnWrite(BigInt(address));
      if (result !== 0) return result;
    }
    throw new Error(`0x${address.toString(16)} stays write-protected`);
  }

  read(address: number): number {
    return this.frames.get(this.walk(address)?.mfn ?? 0)?.bytes[address % PAGE] ?? -1;
  }

  /** The addresses of the app's pages. */
  *appPages(): Iterable<number> {
    for (let address = APP + PAGE; address < APP + this.call.appSpaceSize(); address += PAGE) yield address;
  }

  /** A relative that uses all of the app's frames from now on. */
  share(): Relative {
    const pages = new Map<number, { mfn: number; contents: Uint8Array }>();
    for (const page of this.appPages()) {
      const { mfn = 0, writable = true } = this.walk(page) ?? {};
      if (writable) throw new Error(`the page at 0x${page.toString(16)} may be written after it was protected`);
      const frame = this.frames.get(mfn);
      if (frame === undefined) throw new Error("a page without a frame");
      frame.users += 1;
      pages.set(page, { mfn, contents: frame.bytes.slice() });
    }
    return { pages };
  }

  /** The first of a relative's pages that does not hold what it held. */
  changedFor({ pages }: Relative): number | undefined {
    for (const [page, { mfn, contents }] of pages) {
      if (Buffer.compare(this.frames.get(mfn)?.bytes ?? Buffer.alloc(0), contents) !== 0) return page;
    }
    return undefined;
  }

  end({ pages }: Relative): void {
    for (const { mfn } of pages.values()) {
      const frame = this.frames.get(mfn);
      if (frame === undefined) throw new Error("a shared frame has gone");
      frame.users -= 1;
      this.#dropIfUnused(mfn, frame);
    }
  }

  /** From here on the guest is the copy: what the app has belongs to the other, read-only, and no other pfn has memory. */
  becomeCopy(): Relative {
    const parent = this.share();
    const pfns = new Set<number>();
    for (const [page, { mfn }] of parent.pages) {
      const frame = this.frames.get(mfn);
      if (frame === undefined) continue;
      frame.own = false;
      pfns.add(frame.pfn);
      const { table, index } = this.#place(page, 1);
      this.#writeFrame(table, index, this.#frame(table).getBigUint64(index * 8, true) & ~WRITABLE);
    }
    for (let region = APP; region < APP + this.call.appSpaceSize(); region += 512 * PAGE) {
      const { table, index } = this.#place(region, 2);
      this.#writeFrame(table, index, this.#frame(table).getBigUint64(index * 8, true) | WRITABLE);
    }
    for (let place = 0; place < 32; place++)
      pfns.add(this.frames.get(this.walk(WINDOWS + place * PAGE)?.mfn ?? 0)?.pfn ?? 0);
    for (const pfn of pfns) this.#setU64(AT.p2m * PAGE + pfn * 8, INVALID);
    this.call.copyOnWriteForked();
    return parent;
  }

  #place(address: number, level: number): { table: number; index: number } {
    let table = this.mfn(AT.l4);
    for (let at = 4; ; at--) {
      const index = Number((BigInt(address) >> BigInt(12 + 9 * (at - 1))) & 511n);
      if (at === level) return { table, index };
      table = Number((this.#frame(table).getBigUint64(index * 8, true) & FRAME_MASK) >> 12n);
    }
  }

  #newFrame(pfn: number): number {
    const mfn = this.#nextMfn++;
    this.frames.set(mfn, { bytes: new Uint8Array(PAGE).fill(0xee), pfn, own: true, users: 0 });
    if (pfn < FIRST_FREE) this.frames.get(mfn)?.bytes.fill(0);
    return mfn;
  }

  #frame(mfn: number): DataView {
    const bytes = this.frames.get(mfn)?.bytes;
    if (bytes === undefined) throw new Error(`frame ${mfn} does not exist`);
    return new DataView(bytes.buffer);
  }

  #setU64(address: number, value: bigint): void {
    this.#view.setBigUint64(address, value, true);
  }

  #writeFrame(mfn: number, index: number, value: bigint): void {
    this.#frame(mfn).setBigUint64(index * 8, value, true);
    for (const page of this.#mapped.get(mfn) ?? []) this.#setU64(page + index * 8, value);
  }

  #map(page: number, mfn: number): void {
    const before = this.#mappedAt.get(page);
    if (before !== undefined) this.#mapped.get(before)?.delete(page);
    this.#mappedAt.set(page, mfn);
    const addresses = this.#mapped.get(mfn) ?? new Set();
    this.#mapped.set(mfn, addresses.add(page));
    const frame = this.frames.get(mfn);
    if (frame !== undefined) this.#bytes.set(frame.bytes, page);
  }

  /** What the kernel itself has written: to spare frames, and to new pages of the app. */
  takeKernelWrites(from: number, to: number): void {
    for (let page = from; page < to; page += PAGE) {
      const place = this.walk(page);
      if (place?.writable !== true) continue;
      this.frames.get(place.mfn)?.bytes.set(this.#bytes.subarray(page, page + PAGE));
    }
  }

  #dropIfUnused(mfn: number, frame: Frame): void {
    if (frame.users > 0 || frame.pfn >= 0) return;
    frame.bytes.fill(0xdd);
    this.frames.delete(mfn);
    this.memoryLeft += 1;
  }

  /** What the kernel asks of Xen. */
  hypercall(number: number, args: readonly bigint[]): bigint {
    this.hypercalls += 1;
    this.takeKernelWrites(WINDOWS, WINDOWS + 32 * PAGE);
    const [first = 0n, second = 0n] = args;
    switch (number) {
      case 1:
        return this.#mmuUpdate(Number(first), Number(second));
      case 12:
        return this.#memoryOp(Number(first), Number(second));
      case 13:
        for (let at = Number(first), left = Number(second); left > 0; left--, at += 64) {
          const given = [16, 24].map((offset) => this.#view.getBigUint64(at + offset, true));
          this.#setU64(at + 8, BigInt.asUintN(64, this.hypercall(Number(this.#view.getBigUint64(at, true)), given)));
        }
        return 0n;
      case 14: {
        const { table, index } = this.#place(Number(first), 1);
        return this.#update(table, index, second);
      }
      case 26:
        return this.#mmuextOp(Number(first));
      default:
        throw new Error(`unexpected hypercall ${number}`);
    }
  }

  #mmuUpdate(at: number, count: number): bigint {
    for (let i = 0; i < count; i++) {
      const pointer = this.#view.getBigUint64(at + i * 16, true);
      const value = this.#view.getBigUint64(at + i * 16 + 8, true);
      const result = this.#update(Number(pointer >> 12n), Number(pointer & 0xff8n) / 8, value);
      if (result !== 0n) return result;
    }
    return 0n;
  }

  /** As Xen checks it: a domain maps other domains' frames as they are or not at all. */
  #update(table: number, index: number, value: bigint): bigint {
    const before = this.#frame(table).getBigUint64(index * 8, true);
    const mfn = Number((value & FRAME_MASK) >> 12n);
    const frame = this.frames.get(mfn);
    const same = (before & FRAME_MASK) === (value & FRAME_MASK);
    if ((value & PRESENT) !== 0n && (frame === undefined || (!frame.own && (!same || (value & WRITABLE) !== 0n))))
      return -22n;
    this.#writeFrame(table, index, value);
    this.#remap();
    return 0n;
  }

  /** Brings the guest's view of the windows and the app in line with the tables. */
  #remap(): void {
    const ends = [WINDOWS + 32 * PAGE, 0x3fa0_0000 + 16 * PAGE, APP + this.call.appSpaceSize()];
    for (const [i, start] of [WINDOWS, 0x3fa0_0000, APP].entries()) {
      for (let page = start; page < (ends[i] ?? 0); page += PAGE) {
        const mfn = this.walk(page)?.mfn;
        if (mfn !== undefined && this.#mappedAt.get(page) !== mfn) this.#map(page, mfn);
      }
    }
  }

  #mmuextOp(at: number): bigint {
    const MMUEXT_CLEAR_PAGE = 16;
    if (this.#view.getUint32(at, true) === MMUEXT_CLEAR_PAGE) {
      this.frames.get(Number(this.#view.getBigUint64(at + 8, true)))?.bytes.fill(0);
    }
    return 0n;
  }

  #memoryOp(operation: number, at: number): bigint {
    const list = Number(this.#view.getBigUint64(at, true));
    const count = Number(this.#view.getBigUint64(at + 8, true));
    for (let i = 0; i < count; i++) {
      const given = Number(this.#view.getBigUint64(list + i * 8, true));
      if (operation === 6) {
        if (this.memoryLeft === 0) return BigInt(i);
        this.memoryLeft -= 1;
        this.#setU64(list + i * 8, BigInt(this.#newFrame(given)));
      } else {
        const frame = this.frames.get(given);
        if (frame?.own !== true) return BigInt(i);
        frame.pfn = -1; // nobody's any more, but for its users
        this.#dropIfUnused(given, frame);
      }
    }
    return BigInt(count);
  }
}
