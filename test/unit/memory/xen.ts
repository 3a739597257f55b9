// The hypercalls of the kernel's memory management, checked as Xen checks them.
import { FRAME_MASK, type Frames, PAGE, PRESENT, WRITABLE } from "./frames.ts";

/** Where the app's memory begins, and the places below it through which the kernel sees tables and spare frames. */
export const APP = 0x4000_0000;
export const WINDOWS = 0x3f60_0000;
const EXPOSED = 0x3fa0_0000;

/** Xen, as one guest sees it. */
export class Xen {
  hypercalls = 0;

  constructor(
    private readonly frames: Frames,
    private readonly appSize: () => number,
  ) {}

  /** What the kernel asks of Xen. */
  hypercall(number: number, args: readonly bigint[]): bigint {
    this.hypercalls += 1;
    this.frames.takeWrites(WINDOWS, WINDOWS + 32 * PAGE);
    const [first = 0n, second = 0n] = args;
    switch (number) {
      case 1:
        return this.#mmuUpdate(Number(first), Number(second));
      case 12:
        return this.#memoryOp(Number(first), Number(second));
      case 13:
        for (let at = Number(first), left = Number(second); left > 0; left--, at += 64) {
          const given = [16, 24].map((offset) => this.frames.u64(at + offset));
          this.frames.setU64(at + 8, BigInt.asUintN(64, this.hypercall(Number(this.frames.u64(at)), given)));
        }
        return 0n;
      case 14: {
        const { table, index } = this.frames.place(Number(first), 1);
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
      const pointer = this.frames.u64(at + i * 16);
      const value = this.frames.u64(at + i * 16 + 8);
      const result = this.#update(Number(pointer >> 12n), Number(pointer & 0xff8n) / 8, value);
      if (result !== 0n) return result;
    }
    return 0n;
  }

  /** As Xen checks it: a domain maps other domains' frames as they are or not at all. */
  #update(table: number, index: number, value: bigint): bigint {
    const before = this.frames.table(table).getBigUint64(index * 8, true);
    const mfn = Number((value & FRAME_MASK) >> 12n);
    const frame = this.frames.all.get(mfn);
    const same = (before & FRAME_MASK) === (value & FRAME_MASK);
    if ((value & PRESENT) !== 0n && (frame === undefined || (!frame.own && (!same || (value & WRITABLE) !== 0n))))
      return -22n;
    this.frames.writeEntry(table, index, value);
    this.#remap();
    return 0n;
  }

  /** Brings the guest's view of the windows and the app in line with the tables. */
  #remap(): void {
    const ends = [WINDOWS + 32 * PAGE, EXPOSED + 16 * PAGE, APP + this.appSize()];
    for (const [i, start] of [WINDOWS, EXPOSED, APP].entries()) {
      for (let page = start; page < (ends[i] ?? 0); page += PAGE) {
        const mfn = this.frames.walk(page)?.mfn;
        if (mfn !== undefined && this.frames.mappedAt(page) !== mfn) this.frames.map(page, mfn);
      }
    }
  }

  #mmuextOp(at: number): bigint {
    const MMUEXT_CLEAR_PAGE = 16;
    if (this.frames.u32(at) === MMUEXT_CLEAR_PAGE) {
      this.frames.all.get(Number(this.frames.u64(at + 8)))?.bytes.fill(0);
    }
    return 0n;
  }

  #memoryOp(operation: number, at: number): bigint {
    const list = Number(this.frames.u64(at));
    const count = Number(this.frames.u64(at + 8));
    for (let i = 0; i < count; i++) {
      const given = Number(this.frames.u64(list + i * 8));
      if (operation === 6) {
        if (this.frames.left === 0) return BigInt(i);
        this.frames.left -= 1;
        this.frames.setU64(list + i * 8, BigInt(this.frames.add(given)));
      } else {
        const frame = this.frames.all.get(given);
        if (frame?.own !== true) return BigInt(i);
        frame.pfn = -1; // nobody's any more, but for its users
        this.frames.dropIfUnused(given, frame);
      }
    }
    return BigInt(count);
  }
}
