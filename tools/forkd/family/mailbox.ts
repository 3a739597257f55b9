// A member's mailbox, seen from forkd: two rings of messages in the member's memory (kernel/fork/mailbox.ts has the guest's side
// and the layout). forkd keeps its own indices to itself once it has begun, and checks the member's: a lie is an error, and hurts who lies.
import { KaryonError } from "../../support/errors.ts";
import { PAGE_SIZE } from "../xen/foreign_memory.ts";

/** A header page and the two rings. */
export const MAILBOX_PAGES = 9;
const RING_BYTES = 16384;
const HEADER = 16;
/** The longest payload. */
export const MOST_PAYLOAD = 4096;
/** The room that is enough for any message. */
const LARGEST = HEADER + MOST_PAYLOAD;
// Indices in the header page, as words.
const [OUT_PRODUCER, OUT_CONSUMER, IN_PRODUCER, IN_CONSUMER] = [0, 1, 2, 3];

/** The last message of its series. */
export const MESSAGE_LAST = 1;

/** The types of messages, as the guest has them. */
export const MESSAGE = {
  claim: 1,
  refuse: 2,
  release: 4,
  hand: 5,
  sole: 6,
  state: 7,
  frame: 8,
  moved: 9,
  listening: 10,
  lead: 11,
  addresses: 12,
  doorbell: 13,
  flowPage: 14,
  reset: 15,
  ready: 16,
  offer: 17,
  taken: 18,
} as const;

/** A message; `pid` is who it is for, of one that is put in who it is from; 0 is forkd. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly pid: number;
  readonly payload: Uint8Array;
}

/** A mapped mailbox. */
export class Mailbox {
  readonly #indices: Int32Array;
  readonly #out: Uint8Array;
  readonly #in: Uint8Array;
  #consumed: number;
  #produced: number;

  /**
   * @param bytes MAILBOX_PAGES pages
   * @param release lets go of them
   */
  constructor(
    bytes: Uint8Array,
    private readonly release: () => void = () => undefined,
  ) {
    this.#indices = new Int32Array(bytes.buffer, bytes.byteOffset, 4);
    this.#out = bytes.subarray(PAGE_SIZE, PAGE_SIZE + RING_BYTES);
    this.#in = bytes.subarray(PAGE_SIZE + RING_BYTES, PAGE_SIZE + 2 * RING_BYTES);
    this.#consumed = this.#load(OUT_CONSUMER);
    this.#produced = this.#load(IN_PRODUCER);
  }

  /** Makes both rings empty, of a domain that does not run or does not use them yet: what is in them is not its own. */
  empty(): void {
    this.#indices.fill(0);
    this.#consumed = 0;
    this.#produced = 0;
  }

  /**
   * The next message that the member has sent, which stays there until taken(); undefined when there is none.
   *
   * @throws KaryonError FORK_MAILBOX
   */
  next(): Message | undefined {
    const used = (this.#load(OUT_PRODUCER) - this.#consumed) >>> 0;
    if (used === 0) return undefined;
    if (used > RING_BYTES || used < HEADER) throw lie(`${used} bytes in its ring of ${RING_BYTES}`);
    const header = this.#copyOut(0, HEADER);
    const view = new DataView(header.buffer);
    const length = view.getUint32(0, true);
    if (length > MOST_PAYLOAD || sizeOf(length) > used) throw lie(`a message of ${length} bytes`);
    const [type, flags, pid] = [view.getUint16(4, true), view.getUint16(6, true), view.getInt32(8, true)];
    return { type, flags, pid, payload: this.#copyOut(HEADER, length) };
  }

  /** The message that next() has given is done with; true when the member may wait for room, and has to be told. */
  taken({ payload }: Message): boolean {
    const before = this.#consumed;
    this.#consumed = (before + sizeOf(payload.length)) >>> 0;
    this.#store(OUT_CONSUMER, this.#consumed);
    const used = (this.#load(OUT_PRODUCER) - before) >>> 0;
    return RING_BYTES - used < LARGEST;
  }

  /**
   * Whether a message has room.
   *
   * @throws KaryonError FORK_MAILBOX
   */
  hasRoom({ payload }: Pick<Message, "payload">): boolean {
    const used = (this.#produced - this.#load(IN_CONSUMER)) >>> 0;
    if (used > RING_BYTES) throw lie(`it has read more than it was sent`);
    return RING_BYTES - used >= sizeOf(payload.length);
  }

  /** Puts in a message that has room. */
  put({ type, flags, pid, payload }: Message): void {
    const header = new DataView(new ArrayBuffer(HEADER));
    header.setUint32(0, payload.length, true);
    header.setUint16(4, type, true);
    header.setUint16(6, flags, true);
    header.setInt32(8, pid, true);
    this.#copyIn(0, new Uint8Array(header.buffer));
    this.#copyIn(HEADER, payload);
    this.#produced = (this.#produced + sizeOf(payload.length)) >>> 0;
    this.#store(IN_PRODUCER, this.#produced);
  }

  /** Lets go of the memory. Nothing else may be called afterwards. */
  close(): void {
    this.release();
  }

  #copyOut(offset: number, length: number): Uint8Array {
    const at = (this.#consumed + offset) % RING_BYTES;
    const copy = new Uint8Array(length);
    copy.set(this.#out.subarray(at, at + length));
    const first = RING_BYTES - at;
    if (length > first) copy.set(this.#out.subarray(0, length - first), first);
    return copy;
  }

  #copyIn(offset: number, bytes: Uint8Array): void {
    const at = (this.#produced + offset) % RING_BYTES;
    const first = RING_BYTES - at;
    this.#in.set(bytes.subarray(0, first), at);
    if (bytes.length > first) this.#in.set(bytes.subarray(first), 0);
  }

  // Sequentially consistent, as the guest's are: of one who finds no room and one who makes some, one sees the other.
  #load(index: number): number {
    return Atomics.load(this.#indices, index) >>> 0;
  }

  #store(index: number, value: number): void {
    Atomics.store(this.#indices, index, value | 0);
  }
}

function sizeOf(length: number): number {
  return (HEADER + length + 7) & ~7;
}

function lie(what: string): KaryonError {
  return new KaryonError("FORK_MAILBOX", `the mailbox is not in order: ${what}`);
}
