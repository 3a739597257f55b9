// A guest on Xen as the kernel's memory management sees it: frames that belong to someone (frames.ts), hypercalls that are
// checked (xen.ts), an app whose every write goes through the page tables, and relatives that share its frames.
import { compileAssembly } from "../../support/assembly.ts";
import { AT, FIRST_FREE, Frames, INVALID, PAGE, WRITABLE } from "./frames.ts";
import { APP, WINDOWS, Xen } from "./xen.ts";

const TABLE = 0x67n;

interface Exports {
  readonly memory: WebAssembly.Memory;
  start(info: number, storage: number, heap: number, heapEnd: number, firstFree: number, appEnd: number): number;
  countsAddress(): number;
  logAddress(): number;
  appSpaceGrow(size: number): number;
  appSpaceSize(): number;
  appSpacePrepare(size: number): number;
  appSpaceDiscard(): void;
  appSpaceGrowAgain(size: number): number;
  copyOnWrite(address: bigint): number;
  copyOnWriteProtect(): void;
  copyOnWriteForked(): void;
}

/** What a relative shares: its frames by page of the app, and what they held when it was made. */
export interface Relative {
  readonly pages: ReadonlyMap<number, { readonly mfn: number; readonly contents: Uint8Array }>;
}

export class Machine {
  readonly frames: Frames;
  readonly xen: Xen;

  private constructor(
    readonly call: Exports,
    private readonly pages: number,
  ) {
    this.frames = new Frames(call.memory);
    this.xen = new Xen(this.frames, () => call.appSpaceSize());
  }

  static async create(pages: number, appMost: number): Promise<Machine> {
    const initialPages = (APP + appMost) / 65536;
    const module = await compileAssembly("test/unit/memory/harness.ts", { initialPages });
    const made: { machine?: Machine } = {};
    const instance = await WebAssembly.instantiate(module, {
      boot: {
        hypercall: (number: number, ...args: bigint[]) => made.machine?.xen.hypercall(number, args) ?? 0n,
        imageBase: () => 0,
        appLowest: () => 4096,
        appMaximumPages: () => appMost / 65536,
        machineToPhys: (mfn: bigint) => BigInt(made.machine?.frames.all.get(Number(mfn))?.pfn ?? 0),
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
    for (let pfn = 0; pfn < this.pages; pfn++)
      this.frames.setU64(AT.p2m * PAGE + pfn * 8, BigInt(this.frames.add(pfn)));
    const entry = (pfn: number): bigint => (BigInt(this.frames.mfn(pfn)) << 12n) | TABLE;
    const tables = [AT.l4, AT.l3, AT.l2, AT.l1];
    for (const [i, pfn] of tables.slice(0, 3).entries()) {
      this.frames.writeEntry(this.frames.mfn(pfn), 0, entry(tables[i + 1] ?? 0));
      this.frames.map(pfn * PAGE, this.frames.mfn(pfn)); // the kernel reads the builder's tables where they are mapped
    }
    const info = AT.startInfo * PAGE;
    this.frames.setU64(info + 32, BigInt(this.pages));
    this.frames.setU64(info + 88, BigInt(AT.l4 * PAGE));
    this.frames.setU64(info + 104, BigInt(AT.p2m * PAGE));
    const [heap, heapEnd] = [AT.heap * PAGE, AT.heapEnd * PAGE];
    if (!this.call.start(info, AT.storage * PAGE, heap, heapEnd, FIRST_FREE, APP + appMost)) {
      throw new Error("the harness does not start");
    }
  }

  get sharers(): number {
    return this.frames.u32(this.call.countsAddress());
  }

  set sharers(count: number) {
    this.frames.setU32(this.call.countsAddress(), count);
  }

  /** The pages in the log since an index of its producer. */
  changes(since: number): { readonly producer: number; readonly pages: Set<number> } {
    const producer = this.frames.u32(this.call.countsAddress() + 4);
    const pages = new Set<number>();
    for (let i = since; i < producer; i++) {
      pages.add(this.frames.u32(this.call.logAddress() + (i % 1024) * 4) * PAGE);
    }
    return { producer, pages };
  }

  /** A write by the app: refused writes go to the kernel first. */
  write(address: number, value: number): number {
    for (let attempt = 0; attempt < 3; attempt++) {
      const place = this.frames.walk(address);
      if (place === undefined) throw new Error(`nothing is mapped at 0x${address.toString(16)}`);
      if (place.writable) {
        const frame = this.frames.all.get(place.mfn);
        if (frame?.own !== true) throw new Error("a frame of another domain may be written");
        frame.bytes[address % PAGE] = value;
        this.frames.show(place.mfn, address % PAGE);
        return 0;
      }
      const result = this.call.copyOnWrite(BigInt(address));
      if (result !== 0) return result;
    }
    throw new Error(`0x${address.toString(16)} stays write-protected`);
  }

  read(address: number): number {
    return this.frames.all.get(this.frames.walk(address)?.mfn ?? 0)?.bytes[address % PAGE] ?? -1;
  }

  /** The addresses of the app's pages. */
  *appPages(): Iterable<number> {
    for (let address = APP + PAGE; address < APP + this.call.appSpaceSize(); address += PAGE) yield address;
  }

  /** A relative that uses all of the app's frames from now on. */
  share(): Relative {
    const pages = new Map<number, { mfn: number; contents: Uint8Array }>();
    for (const page of this.appPages()) {
      const { mfn = 0, writable = true } = this.frames.walk(page) ?? {};
      if (writable) throw new Error(`the page at 0x${page.toString(16)} may be written after it was protected`);
      const frame = this.frames.all.get(mfn);
      if (frame === undefined) throw new Error("a page without a frame");
      frame.users += 1;
      pages.set(page, { mfn, contents: frame.bytes.slice() });
    }
    return { pages };
  }

  /** The first of a relative's pages that does not hold what it held. */
  changedFor({ pages }: Relative): number | undefined {
    for (const [page, { mfn, contents }] of pages) {
      if (Buffer.compare(this.frames.all.get(mfn)?.bytes ?? Buffer.alloc(0), contents) !== 0) return page;
    }
    return undefined;
  }

  end({ pages }: Relative): void {
    for (const { mfn } of pages.values()) {
      const frame = this.frames.all.get(mfn);
      if (frame === undefined) throw new Error("a shared frame has gone");
      frame.users -= 1;
      this.frames.dropIfUnused(mfn, frame);
    }
  }

  /** From here on the guest is the copy: what the app has belongs to the other, read-only, and no other pfn has memory. */
  becomeCopy(): Relative {
    const parent = this.share();
    const pfns = new Set<number>();
    for (const [page, { mfn }] of parent.pages) {
      const frame = this.frames.all.get(mfn);
      if (frame === undefined) continue;
      frame.own = false;
      pfns.add(frame.pfn);
      const { table, index } = this.frames.place(page, 1);
      this.frames.writeEntry(table, index, this.frames.table(table).getBigUint64(index * 8, true) & ~WRITABLE);
    }
    for (let region = APP; region < APP + this.call.appSpaceSize(); region += 512 * PAGE) {
      const { table, index } = this.frames.place(region, 2);
      this.frames.writeEntry(table, index, this.frames.table(table).getBigUint64(index * 8, true) | WRITABLE);
    }
    for (let place = 0; place < 32; place++)
      pfns.add(this.frames.all.get(this.frames.walk(WINDOWS + place * PAGE)?.mfn ?? 0)?.pfn ?? 0);
    for (const pfn of pfns) this.frames.setU64(AT.p2m * PAGE + pfn * 8, INVALID);
    this.call.copyOnWriteForked();
    return parent;
  }
}
