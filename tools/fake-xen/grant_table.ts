// Grant table, version 1, from the other domain's side: what a back end may map or copy (xen/include/public/
// grant_table.h). Frames of the table are Xen's; the guest maps them.
import { PAGE_SIZE, type GuestMemory } from "./guest_memory.ts";

const GTF_permit_access = 1;
const GTF_readonly = 4;
const GTF_reading = 8;
const GTF_writing = 16;

/** Thrown when a back end uses a grant that does not allow it. */
export class BadGrant extends Error {
  override readonly name = "BadGrant";
}

/** One domain's grant table. */
export class GrantTable {
  private frames: number[] = [];

  constructor(private readonly memory: GuestMemory) {}

  /** Makes the table anew, as after a restore. */
  reset(): void {
    this.frames = [];
  }

  /** The mfns of the table's first `count` frames. */
  setup(count: number): readonly number[] {
    while (this.frames.length < count) this.frames.push(this.memory.newXenFrame());
    return this.frames.slice(0, count);
  }

  /** A copy of the table's content. */
  snapshot(): Buffer {
    const frames = this.frames.map((mfn) => this.memory.xenFrame(mfn));
    return Buffer.concat(frames.map((view) => new Uint8Array(view.buffer, view.byteOffset, PAGE_SIZE)));
  }

  private entry(reference: number): { readonly page: DataView; readonly offset: number } {
    const mfn = this.frames[reference >> 9];
    if (mfn === undefined) throw new BadGrant(`grant ${reference} lies beyond the table`);
    return { page: this.memory.xenFrame(mfn), offset: (reference & 511) * 8 };
  }

  /** The granted page's bytes. @throws BadGrant */
  page(reference: number, domain: number, write: boolean): Uint8Array {
    const { page, offset } = this.entry(reference);
    const flags = page.getUint16(offset, true);
    if ((flags & 3) !== GTF_permit_access) throw new BadGrant(`grant ${reference} is not valid`);
    if (page.getUint16(offset + 2, true) !== domain) throw new BadGrant(`grant ${reference} is for another domain`);
    if (write && (flags & GTF_readonly) !== 0) throw new BadGrant(`grant ${reference} is read-only`);
    const pfn = this.memory.pfn(page.getUint32(offset + 4, true));
    if (pfn < 0) throw new BadGrant(`grant ${reference} is of a frame that is not the domain's`);
    return this.memory.slice(pfn * PAGE_SIZE, PAGE_SIZE);
  }

  /** Maps a page: its grant cannot be ended before unmap(). @throws BadGrant */
  map(reference: number, domain: number): Uint8Array {
    const bytes = this.page(reference, domain, true);
    const { page, offset } = this.entry(reference);
    page.setUint16(offset, page.getUint16(offset, true) | GTF_reading | GTF_writing, true);
    return bytes;
  }

  unmap(reference: number): void {
    const { page, offset } = this.entry(reference);
    page.setUint16(offset, page.getUint16(offset, true) & ~(GTF_reading | GTF_writing), true);
  }
}
