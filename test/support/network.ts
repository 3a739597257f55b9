// A simulated network in virtual time: stations on one segment, and frames between them that wait in a queue of bounded
// length for a link of bounded speed, are lost, duplicated, damaged, delayed and thereby reordered, all from one seed. Nothing here knows what is in a frame but the Ethernet addresses.
import { writePcap, type CapturedFrame } from "./pcap.ts";
import { Random } from "./random.ts";

/** A host on the network. All times are ns of virtual time. */
export interface Station {
  /** The last byte of its Ethernet address. */
  readonly host: number;
  /** A frame arrives; the station may transmit at once through Network.send. */
  receive(frame: Uint8Array, now: bigint): void;
  /** Runs what is due: after frames have arrived, and when deadline() has come. */
  run(now: bigint): void;
  /** When run() has next something to do. */
  deadline(now: bigint): bigint;
}

/** What the network does to frames. */
export interface Conditions {
  /** Probabilities, 0 … 1. */
  readonly loss?: number;
  readonly duplicate?: number;
  readonly corrupt?: number;
  /** Bounds of the one-way delay in µs. A span larger than the distance of two frames reorders them. */
  readonly delay?: readonly [number, number];
  /** Probability that a frame is late by `late` µs, so that others overtake it. */
  readonly reorder?: number;
  readonly late?: number;
  /** Bits per second towards each station; nothing = no limit. */
  readonly bandwidth?: number;
  /** Bytes that wait for the link at most; what comes then is dropped. Nothing = no limit. */
  readonly queue?: number;
  /** Bytes that wait for the link before `congested` is asked about what comes next. Nothing = never. */
  readonly threshold?: number;
}

interface Flight {
  readonly time: bigint;
  readonly order: number;
  readonly to: Station;
  readonly frame: Uint8Array;
}

const STEPS_MAXIMUM = 3_000_000;
const CAPTURE_MAXIMUM = 200_000;

export class Network {
  now = 1_000_000_000n;
  sent = 0;
  lost = 0;
  /** Frames that found the queue full. */
  dropped = 0;
  /** Called for every frame before the dice are thrown; false drops it. */
  filter: (frame: Uint8Array, from: Station) => boolean = () => true;
  /**
   * What the router before a busy link does with a frame: marks it in place and lets it pass, or has it dropped (false).
   */
  congested: (frame: Uint8Array) => boolean = () => false;
  conditions: Conditions;
  readonly #random: Random;
  readonly #stations: Station[] = [];
  readonly #captured: CapturedFrame[] = [];
  /** When the link to each station has sent what waits for it. */
  readonly #linkFree = new Map<Station, bigint>();
  #heap: Flight[] = [];
  #order = 0;

  constructor(seed: number, conditions: Conditions = {}) {
    this.#random = new Random(seed);
    this.conditions = conditions;
  }

  attach(station: Station): void {
    this.#stations.push(station);
  }

  /** A station transmits a frame; the bytes are copied by the caller. */
  send(from: Station, frame: Uint8Array): void {
    this.sent += 1;
    if (this.#captured.length < CAPTURE_MAXIMUM) this.#captured.push({ time: this.now, data: frame });
    if (!this.filter(frame, from)) return;
    for (const to of this.#stations) {
      const group = ((frame[0] ?? 0) & 1) === 1;
      if (to !== from && (group || frame[5] === to.host)) this.#carry(to, frame);
    }
  }

  #carry(to: Station, frame: Uint8Array): void {
    const { loss = 0, duplicate = 0, corrupt = 0 } = this.conditions;
    if (this.#random.fraction() < loss) {
      this.lost += 1;
      return;
    }
    if (this.#random.fraction() < duplicate) this.#schedule(to, frame);
    if (this.#random.fraction() < corrupt) {
      const damaged = frame.slice();
      const at = this.#random.between(14, frame.length - 1);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << this.#random.between(0, 7));
      this.#schedule(to, damaged);
      return;
    }
    this.#schedule(to, frame);
  }

  #schedule(to: Station, frame: Uint8Array): void {
    const leaves = this.#leaves(to, frame);
    if (leaves === null) return;
    const { reorder = 0, late = 0, delay: [low, high] = [100, 100] } = this.conditions;
    const delay = this.#random.between(low, high) + (reorder !== 0 && this.#random.fraction() < reorder ? late : 0);
    const time = leaves + BigInt(delay) * 1000n;
    this.#push({ time, order: this.#order++, to, frame });
  }

  /** When a frame has left the link to `to`, or null when there is no room for it in the queue. */
  #leaves(to: Station, frame: Uint8Array): bigint | null {
    const { bandwidth, queue = Infinity, threshold = Infinity } = this.conditions;
    if (bandwidth === undefined) return this.now;
    const free = this.#linkFree.get(to) ?? 0n;
    const begins = free > this.now ? free : this.now;
    const waiting = (Number(begins - this.now) * bandwidth) / 8e9;
    if (waiting > queue || (waiting > threshold && !this.congested(frame))) {
      this.dropped += 1;
      return null;
    }
    const leaves = begins + BigInt(Math.round((frame.length * 8e9) / bandwidth));
    this.#linkFree.set(to, leaves);
    return leaves;
  }

  /**
   * Lets time pass until `done` holds, calling `step` after each event; fails at virtual time `limit` after now.
   * On failure the capture lies in build/<name>.pcap.
   */
  run(name: string, limitMilliseconds: number, done: () => boolean, step: () => void = () => undefined): void {
    const end = this.now + BigInt(Math.round(limitMilliseconds * 1e6));
    try {
      step();
      for (let steps = 0; !done(); steps++) {
        if (steps === STEPS_MAXIMUM) throw new Error(`${name}: ${STEPS_MAXIMUM} events and no end`);
        const next = this.#nextEvent();
        if (next > end) throw new Error(`${name}: not done after ${limitMilliseconds} ms`);
        if (next > this.now) this.now = next;
        this.#deliver();
        for (const station of this.#stations) station.run(this.now);
        step();
      }
    } catch (error) {
      throw this.failure(name, error);
    }
  }

  /** Lets `milliseconds` pass. */
  pass(milliseconds: number): void {
    const end = this.now + BigInt(Math.round(milliseconds * 1e6));
    for (let next = this.#nextEvent(); next <= end; next = this.#nextEvent()) {
      if (next > this.now) this.now = next;
      this.#deliver();
      for (const station of this.#stations) station.run(this.now);
    }
    this.now = end;
    for (const station of this.#stations) station.run(this.now);
  }

  /** Saves the capture and names it in the error. */
  failure(name: string, error: unknown): Error {
    const file = writePcap(name, this.#captured);
    const message = error instanceof Error ? error.message : String(error);
    return new Error(`${message} (capture in ${file})`, { cause: error });
  }

  #nextEvent(): bigint {
    let next = this.#heap[0]?.time ?? 2n ** 63n;
    for (const station of this.#stations) {
      const deadline = station.deadline(this.now);
      if (deadline < next) next = deadline;
    }
    return next;
  }

  #deliver(): void {
    for (let first = this.#heap[0]; first !== undefined && first.time <= this.now; first = this.#heap[0]) {
      this.#pop();
      first.to.receive(first.frame, this.now);
    }
  }

  #before(left: Flight, right: Flight): boolean {
    return left.time < right.time || (left.time === right.time && left.order < right.order);
  }

  #push(flight: Flight): void {
    const heap = this.#heap;
    let at = heap.push(flight) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Flight;
      if (!this.#before(flight, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = flight;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.#before(heap[child + 1] as Flight, heap[child] as Flight)) child += 1;
      if (!this.#before(heap[child] as Flight, last)) break;
      heap[at] = heap[child] as Flight;
      at = child;
    }
    heap[at] = last;
  }
}
