// A guest's memory: its kernel's wasm memory seen as guest-virtual addresses. Frame pfn is at address pfn << 12; Xen
// knows it by another number, its mfn, so that a kernel that mixes the two is found out. Frames of Xen's own
// (shared_info, grant table) have no pfn: they are copied in where the guest maps them and out when it unmaps them.

export const PAGE_SIZE = 4096;

/** mfns from here on are Xen's own frames. */
const XEN_FRAMES = 0x800000;

/** A guest-virtual view with Xen's frame numbers. */
export class GuestMemory {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  private readonly xenFrames = new Map<number, Uint8Array>();
  private readonly mappings = new Map<number, number>(); // address → mfn of Xen's frames
  private nextXenFrame = XEN_FRAMES;
  private base = 0x10000;

  constructor(
    buffer: ArrayBuffer,
    /** Frames that the domain has. */
    readonly pages: number,
  ) {
    this.bytes = new Uint8Array(buffer);
    this.view = new DataView(buffer);
  }

  /** Gives all frames other numbers, as a restore does. */
  renumber(): void {
    this.base += 0x20000;
    this.mappings.clear();
    this.xenFrames.clear();
  }

  mfn(pfn: number): number {
    return pfn + this.base;
  }

  /** The pfn of a machine frame, or -1 when it is none of the domain's. */
  pfn(mfn: number): number {
    const pfn = mfn - this.base;
    return pfn >= 0 && pfn < this.pages ? pfn : -1;
  }

  u32(address: number): number {
    return this.view.getUint32(address, true);
  }

  u64(address: number): bigint {
    return this.view.getBigUint64(address, true);
  }

  setU16(address: number, value: number): void {
    this.view.setUint16(address, value, true);
  }

  setU32(address: number, value: number): void {
    this.view.setUint32(address, value, true);
  }

  setU64(address: number, value: bigint | number): void {
    this.view.setBigUint64(address, BigInt(value), true);
  }

  slice(address: number, length: number): Uint8Array {
    return this.bytes.subarray(address, address + length);
  }

  text(address: number, length: number): string {
    return Buffer.from(this.slice(address, length)).toString("latin1");
  }

  /** A new frame of Xen's own, zeroed; its mfn. */
  newXenFrame(): number {
    const mfn = this.nextXenFrame++;
    this.xenFrames.set(mfn, new Uint8Array(PAGE_SIZE));
    return mfn;
  }

  /** Where Xen's frame is visible now: the guest's mapping, or Xen's own copy. */
  xenFrame(mfn: number): DataView {
    for (const [address, mapped] of this.mappings) {
      if (mapped === mfn) return new DataView(this.bytes.buffer, address, PAGE_SIZE);
    }
    const frame = this.xenFrames.get(mfn);
    if (frame === undefined) throw new Error(`no Xen frame ${mfn.toString(16)}`);
    return new DataView(frame.buffer);
  }

  /** update_va_mapping: only Xen's frames are moved, everything else is where it always is. */
  map(address: number, mfn: number): boolean {
    const before = this.mappings.get(address);
    if (before === mfn) return true;
    if (before !== undefined) {
      this.xenFrames.get(before)?.set(this.slice(address, PAGE_SIZE));
      this.mappings.delete(address);
    }
    if (mfn < XEN_FRAMES) return mfn === 0 || this.pfn(mfn) >= 0;
    const frame = this.xenFrames.get(mfn);
    if (frame === undefined) return false;
    this.bytes.set(frame, address);
    this.mappings.set(address, mfn);
    return true;
  }
}
