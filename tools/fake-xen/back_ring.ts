// A shared ring, seen from the back (xen/include/public/io/ring.h): its indices, and where an entry stands.
import { PAGE_SIZE } from "./guest_memory.ts";

const RING_ENTRIES = 256;
const FIRST_ENTRY = 64;
/** The kind of extra info that tells of segmentation (xen/include/public/io/netif.h). */
export const EXTRA_GSO = 1;

const ETHERTYPE_IPV6 = 0x86dd;
const GSO_TCPV4 = 1;
const GSO_TCPV6 = 2;

/** The kind of segmentation that a frame of TCP wants. */
export function gsoType(frame: Uint8Array): number {
  return (((frame[12] ?? 0) << 8) | (frame[13] ?? 0)) === ETHERTYPE_IPV6 ? GSO_TCPV6 : GSO_TCPV4;
}

/** What a lying back end does at its next chance. */
export interface Mischief {
  /** Changes a receive response just before it is written. */
  receive?: (response: { id: number; offset: number; flags: number; status: number }) => void;
  /** Changes a transmit response just before it is written. */
  transmit?: (response: { id: number; status: number }) => void;
}

/** What a ring needs of the back end it belongs to. */
export interface RingOwner {
  readonly mischief: Mischief;
  /** The page that the front end has granted as `reference`. */
  page(reference: number, write: boolean): Uint8Array;
}

/** The back end's view of a ring. */
export class BackRing {
  private readonly view: DataView;
  requestsConsumed = 0;
  responsesProduced = 0;
  /** After a lie about the ring's indices, nothing more happens on it. */
  frozen = false;

  /**
   * @param slot bytes of an entry
   * @param entries of the ring
   */
  constructor(
    page: Uint8Array,
    private readonly slot: number,
    private readonly entries = RING_ENTRIES,
  ) {
    this.view = new DataView(page.buffer, page.byteOffset, PAGE_SIZE);
  }

  get requests(): number {
    const ready = (this.view.getUint32(0, true) - this.requestsConsumed) >>> 0;
    if (ready > this.entries) throw new Error("the front end's request index is impossible");
    return ready;
  }

  entry(index: number): { readonly view: DataView; readonly at: number } {
    return { view: this.view, at: FIRST_ENTRY + (index & (this.entries - 1)) * this.slot };
  }

  /** Asks to be notified of the next request; false when there is one already. */
  finalCheck(): boolean {
    if (this.requests > 0) return false;
    this.view.setUint32(4, (this.requestsConsumed + 1) >>> 0, true);
    return true;
  }

  /** Shows the responses; true when the front end wants to be notified. */
  push(): boolean {
    const before = this.view.getUint32(8, true);
    const after = this.responsesProduced >>> 0;
    this.view.setUint32(8, after, true);
    return (after - this.view.getUint32(12, true)) >>> 0 < (after - before) >>> 0;
  }

  /** Writes the index of responses to any value: a lie. */
  pushTo(index: number): void {
    this.view.setUint32(8, index >>> 0, true);
  }

  /** Writes what `random` gives over half of the page: a lie after which nothing more happens on it. */
  scribble(random: () => number): void {
    this.frozen = true;
    for (let at = 0; at < PAGE_SIZE; at += 4) if ((random() & 1) !== 0) this.view.setUint32(at, random(), true);
  }
}
