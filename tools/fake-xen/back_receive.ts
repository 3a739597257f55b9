// The receive ring, seen from the back: puts frames into the slots that the guest has offered.
import { BackRing, EXTRA_GSO, gsoType, type RingOwner } from "./back_ring.ts";
import { PAGE_SIZE } from "./guest_memory.ts";
import type { Frame } from "./hub.ts";

const RX_SLOT = 8;
const RX_FLAGS = { DATA_VALIDATED: 1, CSUM_BLANK: 2, MORE: 4, EXTRA: 8 } as const;
const EXTRA_FLAG_MORE = 1;

/** The receive ring of one connection. */
export class ReceiveRing extends BackRing {
  constructor(
    private readonly owner: RingOwner,
    page: Uint8Array,
  ) {
    super(page, RX_SLOT);
  }

  /** Gives frames off `queue` for as long as there are slots; true when the front end wants to hear of them. */
  serve(queue: Frame[]): boolean {
    for (let frame = queue[0]; frame !== undefined; frame = queue[0]) {
      const extra = frame.gsoSize !== 0 && frame.bytes.length > 1514 ? 1 : 0;
      const slots = Math.ceil(frame.bytes.length / PAGE_SIZE) + extra;
      if (this.requests < slots) {
        if (this.finalCheck() || this.requests < slots) this.awaitRequests();
        break;
      }
      queue.shift();
      this.giveFrame(frame, extra === 1);
    }
    return this.push();
  }

  /** Wants to be told when one more request is posted. */
  private awaitRequests(): void {
    const { view } = this.entry(0);
    view.setUint32(4, (view.getUint32(0, true) + 1) >>> 0, true);
  }

  private giveFrame(frame: Frame, withExtra: boolean): void {
    const { bytes } = frame;
    let flags = frame.checksumBlank ? RX_FLAGS.CSUM_BLANK | RX_FLAGS.DATA_VALIDATED : RX_FLAGS.DATA_VALIDATED;
    for (let offset = 0; offset < bytes.length; offset += PAGE_SIZE) {
      const part = bytes.subarray(offset, offset + PAGE_SIZE);
      const { view, at } = this.entry(this.requestsConsumed++);
      const id = view.getUint16(at, true);
      this.owner.page(view.getUint32(at + 4, true), true).set(part);
      if (offset + PAGE_SIZE < bytes.length) flags |= RX_FLAGS.MORE;
      if (offset === 0 && withExtra) flags |= RX_FLAGS.EXTRA;
      this.respond({ id, offset: 0, flags, status: part.length });
      if (offset === 0 && withExtra) this.giveSegmentation(frame);
      flags = 0;
    }
  }

  private respond(response: { id: number; offset: number; flags: number; status: number }): void {
    this.owner.mischief.receive?.(response);
    const { view, at } = this.entry(this.responsesProduced++);
    view.setUint16(at, response.id, true);
    view.setUint16(at + 2, response.offset, true);
    view.setUint16(at + 4, response.flags, true);
    view.setInt16(at + 6, response.status, true);
  }

  private giveSegmentation({ bytes, gsoSize }: Frame): void {
    this.requestsConsumed += 1;
    const { view, at } = this.entry(this.responsesProduced++);
    view.setBigUint64(at, 0n, true);
    view.setUint8(at, EXTRA_GSO);
    view.setUint16(at + 2, gsoSize, true);
    view.setUint8(at + 4, gsoType(bytes));
  }

  /** A lie: a frame whose extra info does not end. */
  giveEndlessExtraInfo(): void {
    const { view, at } = this.entry(this.requestsConsumed);
    const id = view.getUint16(at, true);
    this.respond({ id, offset: 0, flags: RX_FLAGS.EXTRA, status: 100 });
    for (let i = 0; i < 10; i++) {
      const extra = this.entry(this.responsesProduced++);
      extra.view.setUint16(extra.at, EXTRA_GSO | (EXTRA_FLAG_MORE << 8), true);
    }
  }
}
