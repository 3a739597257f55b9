// The tester's end of one connection. Sequence numbers are relative, 0 being the SYN's: the tester's own to an initial number
// after which 512 bytes cross zero, the subject's to the number of its SYN.
import assert from "node:assert/strict";
import { PROTOCOL_TCP, type Ipv4Packet } from "./packets/ipv4.ts";
import { encodeSegment, type Segment } from "./packets/tcp.ts";
import { TESTER_ADDRESS, type Arrival, type Tester } from "./tester.ts";

const INITIAL = 0xfffffe00;
const WINDOW = 65535;
const FLAG_ORDER = "FSRPAUEC";

/** What a case says of a segment that it sends. */
export interface Sent {
  /** The next one when it is left out; then what is sent counts. */
  readonly sequence?: number;
  /** Everything that has arrived, when it is left out. */
  readonly ack?: number;
  readonly text?: string | Buffer;
  readonly window?: number;
  readonly urgent?: number;
  readonly options?: readonly number[];
  readonly packet?: Partial<Ipv4Packet>;
  /** Changes the frame before it goes. */
  readonly wrong?: (frame: Buffer) => void;
}

/** What a case expects of a segment; what is left out may be anything. */
export interface Expected {
  readonly flags?: string;
  readonly sequence?: number;
  readonly ack?: number;
  readonly text?: string;
  readonly length?: number;
  readonly window?: number;
}

/** A segment that has come, with relative numbers. */
export interface Received extends Arrival {
  readonly flags: string;
  readonly sequence: number;
  readonly ack: number;
  readonly text: Buffer;
}

/** One end. */
export class Connection {
  #next = 0;
  #arrived = 0;
  #theirInitial: number | undefined;

  constructor(
    readonly tester: Tester,
    readonly ownPort: number,
    readonly theirPort: number,
  ) {}

  /** The sequence number of what is sent next. */
  get next(): number {
    return this.#next;
  }

  /** The segment as bytes, before it is put into a packet. */
  segment(flags: string, sent: Sent = {}): Buffer {
    const text = Buffer.from(sent.text ?? "");
    const sequence = sent.sequence ?? this.#next;
    if (sent.sequence === undefined) this.#next += text.length + Number(/[SF]/.test(flags));
    const acknowledgment = flags.includes("A") ? (this.#theirInitial ?? 0) + (sent.ack ?? this.#arrived) : 0;
    const segment: Segment = {
      sourcePort: this.ownPort,
      destinationPort: this.theirPort,
      sequence: INITIAL + sequence,
      acknowledgment,
      flags,
      window: sent.window ?? WINDOW,
      urgent: sent.urgent ?? 0,
      options: Buffer.from(sent.options ?? []),
      text,
    };
    const { source = TESTER_ADDRESS, destination = this.tester.subjectAddress } = sent.packet ?? {};
    return encodeSegment(segment, source, destination);
  }

  /** Sends a segment. */
  async send(flags: string, sent: Sent = {}): Promise<void> {
    const payload = this.segment(flags, sent);
    await this.tester.send({ protocol: PROTOCOL_TCP, payload, ...sent.packet }, sent.wrong);
  }

  /** The next segment, which has to be as expected. */
  async expect(expected: Expected, milliseconds?: number): Promise<Received> {
    const received = await this.receive(milliseconds);
    this.#compare(received, expected);
    return received;
  }

  /** The first segment that is as expected, passing over others. */
  async await(expected: Expected, milliseconds?: number): Promise<Received> {
    for (;;) {
      const received = await this.receive(milliseconds);
      if (matches(received, expected)) return received;
    }
  }

  /** The next segment, whatever it is. */
  async receive(milliseconds?: number): Promise<Received> {
    const arrivals = this.tester.arrivals(this.ownPort);
    const arrival = await this.tester.until("a segment", () => arrivals.shift(), milliseconds);
    const { segment } = arrival;
    if (segment.flags.includes("S")) this.#theirInitial = segment.sequence;
    const received: Received = {
      ...arrival,
      flags: segment.flags,
      sequence: (segment.sequence - (this.#theirInitial ?? 0)) >>> 0,
      ack: (segment.acknowledgment - INITIAL) >>> 0,
      text: segment.text,
    };
    const end = received.sequence + segment.text.length + Number(/[SF]/.test(segment.flags));
    if (received.sequence <= this.#arrived && end > this.#arrived) this.#arrived = end;
    return received;
  }

  /** Everything that was sent has been handled, and nothing has come of it. */
  async silence(): Promise<void> {
    await this.tester.fence();
    if (this.tester.arrivals(this.ownPort).length === 0) return;
    assert.fail(`an answer where there should be none: ${describe(await this.receive())}`);
  }

  /** Text until there were `length` bytes, acknowledging each segment. */
  async receiveText(length: number): Promise<Buffer> {
    const start = this.#arrived;
    const bytes = Buffer.alloc(length);
    while (this.#arrived < start + length) {
      const { sequence, text } = await this.receive();
      if (sequence >= start) text.copy(bytes, sequence - start);
      await this.send("A");
    }
    return bytes;
  }

  #compare(received: Received, expected: Expected): void {
    const { flags, text, length, ...numbers } = expected;
    const seen = describe(received);
    if (flags !== undefined) assert.equal(sorted(received.flags), sorted(flags), `flags of ${seen}`);
    if (text !== undefined) assert.equal(received.text.toString("latin1"), text, `text of ${seen}`);
    if (length !== undefined) assert.equal(received.text.length, length, `length of ${seen}`);
    if (numbers.sequence !== undefined) assert.equal(received.sequence, numbers.sequence, `sequence number of ${seen}`);
    if (numbers.ack !== undefined) assert.equal(received.ack, numbers.ack, `acknowledgment of ${seen}`);
    if (numbers.window !== undefined) assert.equal(received.segment.window, numbers.window, `window of ${seen}`);
  }
}

function matches(received: Received, expected: Expected): boolean {
  return (
    (expected.flags === undefined || sorted(received.flags) === sorted(expected.flags)) &&
    (expected.sequence === undefined || received.sequence === expected.sequence) &&
    (expected.ack === undefined || received.ack === expected.ack) &&
    (expected.text === undefined || received.text.toString("latin1") === expected.text) &&
    (expected.length === undefined || received.text.length === expected.length) &&
    (expected.window === undefined || received.segment.window === expected.window)
  );
}

function describe({ flags, sequence, ack, text, segment }: Received): string {
  return `${flags} sequence ${sequence} acknowledgment ${ack} text ${text.length} window ${segment.window}`;
}

/** Flags without P, which says when text ends and is looked at where that matters. */
function sorted(flags: string): string {
  return [...FLAG_ORDER].filter((flag) => flag !== "P" && flags.includes(flag)).join("");
}
