// The transmit ring, seen from the back: takes the guest's frames apart from their slots and gives the slots back.
import { BackRing, EXTRA_GSO, gsoType, type RingOwner } from "./back_ring.ts";
import { PAGE_SIZE } from "./guest_memory.ts";
import type { Frame } from "./hub.ts";

const TX_SLOT = 12;
const TX_FLAGS = { CSUM_BLANK: 1, DATA_VALIDATED: 2, MORE: 4, EXTRA: 8 } as const;
const RSP_OKAY = 0;
const RSP_NULL = 1;

/** What a frame that has been taken and not answered refers to: the guest's memory itself, and what it was when it was taken. */
export interface HeldSlot {
  readonly live: Uint8Array;
  readonly taken: Uint8Array;
}

/** The transmit ring of one connection. */
export class TransmitRing extends BackRing {
  /** Responses are kept back, as when frames wait for a slow interface. */
  holding = false;
  /** What the frames refer to whose responses are kept back. */
  readonly held: HeldSlot[] = [];
  private readonly kept: { id: number; status: number }[] = [];

  constructor(
    private readonly owner: RingOwner,
    page: Uint8Array,
  ) {
    super(page, TX_SLOT);
  }

  /** Takes all frames; true when the front end wants to hear of their responses. */
  serve(send: (frame: Frame) => void): boolean {
    do {
      while (this.requests > 0) send(this.takeFrame());
    } while (!this.finalCheck());
    return this.push();
  }

  /** Answers what was kept back; true when the front end wants to hear of it. */
  answerHeld(): boolean {
    this.holding = false;
    this.held.length = 0;
    for (const response of this.kept.splice(0)) this.respond(response);
    return this.push();
  }

  /** A lie: answers the last `count` requests again. */
  answerAgain(count: number): void {
    for (let i = 0; i < count; i++) {
      const { view, at } = this.entry(this.responsesProduced - count);
      this.respond({ id: view.getUint16(at, true), status: RSP_OKAY });
    }
  }

  private respond(response: { id: number; status: number }): void {
    this.owner.mischief.transmit?.(response);
    const { view, at } = this.entry(this.responsesProduced++);
    view.setUint16(at, response.id, true);
    view.setInt16(at + 2, response.status, true);
  }

  /** Takes one frame, in one or more slots. */
  private takeFrame(): Frame {
    const parts: Uint8Array[] = [];
    const answers: { id: number; status: number }[] = [];
    let first: { readonly flags: number; readonly size: number } | undefined;
    let gsoSize = 0;
    let kind = 0;
    let rest = 0;
    for (let more = true; more;) {
      if (this.requests === 0) throw new Error("a frame lacks its last slots");
      const { view, at } = this.entry(this.requestsConsumed++);
      const request = {
        ...{
          gref: view.getUint32(at, true),
          offset: view.getUint16(at + 4, true),
          flags: view.getUint16(at + 6, true),
        },
        ...{ id: view.getUint16(at + 8, true), size: view.getUint16(at + 10, true) },
      };
      answers.push({ id: request.id, status: RSP_OKAY });
      if (first !== undefined) rest += request.size;
      const isFirst = first === undefined;
      first ??= request;
      if (isFirst && (request.flags & TX_FLAGS.EXTRA) !== 0) {
        const extra = this.entry(this.requestsConsumed++);
        if (extra.view.getUint8(extra.at) !== EXTRA_GSO) throw new Error("unknown extra info");
        gsoSize = extra.view.getUint16(extra.at + 2, true);
        kind = extra.view.getUint8(extra.at + 4);
        answers.push({ id: 0, status: RSP_NULL });
      }
      const page = this.owner.page(request.gref, false);
      parts.push(page.slice(request.offset)); // its length is known when the frame is complete
      if (!isFirst && request.offset + request.size > PAGE_SIZE) throw new Error("a slot crosses its page");
      if (!isFirst) parts[parts.length - 1] = page.subarray(request.offset, request.offset + request.size);
      more = (request.flags & TX_FLAGS.MORE) !== 0;
    }
    if (first === undefined) throw new Error("a frame without slots");
    const head = parts[0] ?? new Uint8Array();
    const headSize = first.size - rest;
    if (headSize < 14 || headSize > head.length) throw new Error("impossible size of a frame's first slot");
    if (parts.length > 18) throw new Error("a frame in more than 18 slots");
    parts[0] = head.subarray(0, headSize);
    if (gsoSize !== 0 && kind !== gsoType(parts[0])) throw new Error("another kind of segmentation than the frame's");
    if (this.holding) {
      this.kept.push(...answers);
      for (const live of parts.slice(1)) this.held.push({ live, taken: live.slice() });
    } else {
      for (const answer of answers) this.respond(answer);
    }
    const checksumBlank = (first.flags & TX_FLAGS.CSUM_BLANK) !== 0;
    return { bytes: new Uint8Array(Buffer.concat(parts)), checksumBlank, gsoSize };
  }
}
