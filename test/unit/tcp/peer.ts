// A peer made by hand: it answers ARP, and otherwise sends exactly the segments that a test writes. Sequence numbers
// are relative: ours to PEER_ISN, the stack's to its own initial number.
import { fillTcpChecksum, internetSum } from "../../support/segmentation.ts";
import { Stack, type StackOptions } from "./stack.ts";

export const PEER_ISN = 0xfffffe00; // wraps after 512 bytes: every test crosses zero
export const PEER_PORT = 40000;
const PEER_HOST = 9;

/** A segment as tests read and write it. */
export interface Segment {
  /** Of S, A, F, R, P, U, E (ECE), C (CWR). */
  readonly flags: string;
  /** Relative to the sender's initial sequence number, which is 0. */
  readonly sequence: number;
  readonly ack: number;
  readonly window: number;
  readonly text: string;
  readonly options: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** The service field and the time to live of the packet. */
  readonly service: number;
  readonly hops: number;
}

export interface Outgoing extends Partial<Segment> {
  readonly urgent?: number;
  readonly host?: number;
  readonly badChecksum?: boolean;
  readonly rawHeaderWords?: number;
}

const FLAGS = "FSRPAUEC";

export function mssOption(mss: number): number[] {
  return [2, 4, mss >> 8, mss & 255];
}

export function timestampOption(value: number, echo: number): number[] {
  const word = (n: number): number[] => [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
  return [1, 1, 8, 10, ...word(value), ...word(echo)];
}

export class Peer {
  stackIsn = 0;
  port = PEER_PORT;

  private constructor(
    readonly stack: Stack,
    readonly host: number,
  ) {}

  static async create(options: StackOptions = {}, host = PEER_HOST): Promise<Peer> {
    return Peer.of(await Stack.create(1, options), host);
  }

  /** The peer of a stack that has not run yet. */
  static of(stack: Stack, host = PEER_HOST): Peer {
    const peer = new Peer(stack, host);
    stack.time(1_000_000_000n);
    peer.announce(host);
    stack.transmitted.length = 0;
    return peer;
  }

  /** The same peer, whose segments go to another stack from now on: one that knows its address already. */
  turnTo(stack: Stack): Peer {
    const peer = new Peer(stack, this.host);
    peer.stackIsn = this.stackIsn;
    peer.port = this.port;
    stack.time(this.stack.now);
    return peer;
  }

  /** An ARP request from `host`, from which the stack learns the address. */
  announce(host: number): void {
    const frame = new Uint8Array(60);
    frame.set([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0x16, 0x3e, 0, 0, host, 8, 6]);
    frame.set([0, 1, 8, 0, 6, 4, 0, 1, 0, 0x16, 0x3e, 0, 0, host, 10, 0, 0, host, 0, 0, 0, 0, 0, 0, 10, 0, 0, 1], 14);
    this.deliver(frame);
  }

  deliver(frame: Uint8Array): void {
    this.stack.receive(frame, this.stack.now);
    this.#run(this.stack.now);
  }

  /** Runs what is due, and answers when the stack asks for our Ethernet address again. */
  #run(now: bigint): void {
    this.stack.run(now);
    if (this.stack.transmitted.some((frame) => frame[12] === 8 && frame[13] === 6 && frame[21] === 1)) {
      this.stack.transmitted.splice(0, Infinity, ...this.stack.transmitted.filter((frame) => frame[13] !== 6));
      this.announce(this.host);
    }
  }

  /** Sends a segment; what the stack sends at once is returned. */
  send(out: Outgoing): Segment[] {
    this.deliver(this.frame(out));
    return this.received();
  }

  /** Sends segments as one batch: the stack answers after the last. */
  sendBatch(batch: readonly Outgoing[]): Segment[] {
    for (const out of batch) this.stack.receive(this.frame(out), this.stack.now);
    this.#run(this.stack.now);
    return this.received();
  }

  frame(out: Outgoing): Uint8Array {
    const options = out.options ?? new Uint8Array(0);
    const padded = Math.ceil(options.length / 4) * 4;
    const text = new TextEncoder().encode(out.text ?? "");
    const total = 20 + 20 + padded + text.length;
    const frame = new Uint8Array(14 + total);
    const view = new DataView(frame.buffer);
    const host = out.host ?? this.host;
    frame.set([0, 0x16, 0x3e, 0, 0, 1, 0, 0x16, 0x3e, 0, 0, host, 8, 0]);
    frame.set(
      [0x45, out.service ?? 0, total >> 8, total & 255, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, host, 10, 0, 0, 1],
      14,
    );
    view.setUint16(24, ~internetSum(frame, 14, 34) & 0xffff);
    const flags = [...(out.flags ?? "A")].reduce((bits, flag) => bits | (1 << FLAGS.indexOf(flag)), 0);
    view.setUint16(34, out.sourcePort ?? this.port);
    view.setUint16(36, out.destinationPort ?? 80);
    view.setUint32(38, (PEER_ISN + (out.sequence ?? 0)) >>> 0);
    view.setUint32(42, flags & 16 ? (this.stackIsn + (out.ack ?? 0)) >>> 0 : 0);
    frame[46] = (out.rawHeaderWords ?? 5 + padded / 4) << 4;
    frame[47] = flags;
    view.setUint16(48, out.window ?? 65535);
    view.setUint16(52, out.urgent ?? 0);
    frame.set(options, 54);
    frame.set(text, 54 + padded);
    fillTcpChecksum(frame);
    if (out.badChecksum === true) view.setUint16(50, view.getUint16(50) ^ 1);
    return frame;
  }

  /** The TCP segments that the stack has sent since the last call. */
  received(): Segment[] {
    const segments: Segment[] = [];
    for (const frame of this.stack.transmitted.splice(0)) {
      if (frame[12] !== 8 || frame[13] !== 0 || frame[23] !== 6) continue;
      segments.push(this.#parse(frame));
    }
    return segments;
  }

  #parse(frame: Uint8Array): Segment {
    const view = new DataView(frame.buffer, frame.byteOffset);
    const header = (view.getUint8(46) >> 4) * 4;
    const bits = view.getUint8(47);
    const flags = [...FLAGS].filter((_flag, index) => (bits >> index) & 1).join("");
    if (flags.includes("S")) this.stackIsn = view.getUint32(38);
    return {
      flags,
      sequence: (view.getUint32(38) - this.stackIsn) >>> 0,
      ack: flags.includes("A") ? (view.getUint32(42) - PEER_ISN) >>> 0 : 0,
      window: view.getUint16(48),
      text: new TextDecoder().decode(frame.subarray(34 + header)),
      options: frame.slice(54, 34 + header),
      sourcePort: view.getUint16(34),
      destinationPort: view.getUint16(36),
      service: view.getUint8(15),
      hops: view.getUint8(22),
    };
  }

  /** Lets `milliseconds` pass; what the stack sends meanwhile is returned. */
  pass(milliseconds: number): Segment[] {
    const end = this.stack.now + BigInt(Math.round(milliseconds * 1e6));
    for (let next = this.stack.deadline(this.stack.now); next <= end; next = this.stack.deadline(this.stack.now)) {
      this.#run(next);
    }
    this.#run(end);
    return this.received();
  }

  /** Opens a connection to the stack's `listener` without options; returns the child, in ESTABLISHED. */
  open(listener: number, out: Outgoing = {}): number {
    this.send({ flags: "S", ...out });
    this.send({ sequence: 1, ack: 1, ...out, flags: "A", options: new Uint8Array(0) });
    const child = this.stack.accept(listener);
    if (child === 0) throw new Error("no connection");
    return child;
  }
}

/** A compact form for comparisons: "SA 0 1", "A 1 6 hello". */
export function brief(segments: readonly Segment[]): string[] {
  return segments.map(({ flags, sequence, ack, text }) => {
    const order = [...FLAGS].filter((flag) => flags.includes(flag)).join("");
    return `${order} ${sequence} ${ack}${text === "" ? "" : ` ${text.length > 20 ? text.length : text}`}`;
  });
}

/** A peer with one open connection to a listening socket of the stack. */
export async function establishedPeer(): Promise<{ peer: Peer; listener: number; child: number }> {
  const peer = await Peer.create();
  const listener = peer.stack.listen(80);
  const child = peer.open(listener);
  return { peer, listener, child };
}

/** The state of one of the stack's sockets. */
export function stateOf(peer: Peer, socket: number): number {
  return peer.stack.field(socket, "state");
}
