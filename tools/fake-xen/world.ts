// Virtual time and everything that happens in it. Domains run one after the other, in no time, until each waits in
// Xen; then the earliest event happens. The same seed gives the same run, to the nanosecond.

/** What World needs of a domain. */
export interface Runnable {
  /** True when the domain has something to do now. */
  readonly runnable: boolean;
  /** Runs until the domain waits or has ended. */
  run(): void;
}

interface TimedEvent {
  readonly at: number;
  readonly order: number;
  readonly action: () => void;
}

/** Thrown when a run exceeds its limit of virtual time or events. */
export class WorldStalled extends Error {
  override readonly name = "WorldStalled";
}

/** A seeded generator of numbers in [0, 1) (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

/** The clock, the queue of events to come, and the domains. */
export class World {
  /** ns since the host booted. */
  now = 1_000_000_000;
  private readonly heap: TimedEvent[] = [];
  private readonly domains = new Set<Runnable>();
  private order = 0;

  add(domain: Runnable): void {
    this.domains.add(domain);
  }

  /** Has `action` happen `delay` ns from now. */
  after(delay: number, action: () => void): void {
    this.at(this.now + Math.max(0, Math.round(delay)), action);
  }

  /** Has `action` happen at `at`, or now if that has passed. */
  at(at: number, action: () => void): void {
    const event = { at, order: this.order++, action };
    let hole = this.heap.push(event) - 1;
    while (hole > 0) {
      const parent = this.heap[(hole - 1) >> 1];
      if (parent === undefined || !earlier(event, parent)) break;
      this.heap[hole] = parent;
      hole = (hole - 1) >> 1;
    }
    this.heap[hole] = event;
  }

  private take(): TimedEvent | undefined {
    const first = this.heap[0];
    const last = this.heap.pop();
    if (first === undefined || last === undefined || this.heap.length === 0) return first;
    let hole = 0;
    for (;;) {
      const left = this.heap[2 * hole + 1];
      const right = this.heap[2 * hole + 2];
      const child = left !== undefined && right !== undefined && earlier(right, left) ? right : left;
      if (child === undefined || !earlier(child, last)) break;
      this.heap[hole] = child;
      hole = 2 * hole + (child === left ? 1 : 2);
    }
    this.heap[hole] = last;
    return first;
  }

  private runDomains(): boolean {
    let ran = false;
    for (const domain of [...this.domains]) {
      if (!domain.runnable) continue;
      domain.run();
      ran = true;
    }
    return ran;
  }

  /**
   * Goes on until `done` holds.
   * @param limit the most virtual time it may take, in ns
   * @throws WorldStalled when it takes longer, or nothing is left to happen
   */
  runUntil(done: () => boolean, limit = 60e9): void {
    const end = this.now + limit;
    for (let steps = 0; ; steps++) {
      if (done()) return;
      if (steps > 20_000_000) throw new WorldStalled("too many steps");
      if (this.runDomains()) continue;
      const event = this.take();
      if (event === undefined) throw new WorldStalled("nothing is left to happen");
      if (event.at > end) {
        this.at(event.at, event.action);
        throw new WorldStalled(`not done after ${limit / 1e9} s of virtual time`);
      }
      this.now = Math.max(this.now, event.at);
      event.action();
    }
  }

  /** Lets `duration` ns pass. */
  pass(duration: number): void {
    let over = false;
    this.after(duration, () => (over = true));
    this.runUntil(() => over, duration + 1e9);
  }
}

function earlier(left: TimedEvent, right: TimedEvent): boolean {
  return left.at < right.at || (left.at === right.at && left.order < right.order);
}
