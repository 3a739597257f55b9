// How many workers there ought to be, decided from the scoreboard alone. The rules are those of Apache's prefork: idle workers are
// kept between two bounds, and what begins slowly doubles while it is not enough. A restart goes step by step: an old worker is let
// go when a new one has taken its place, so that at every moment somebody accepts.
import { forkOptions } from "./options";
import { Scoreboard, Worker } from "./scoreboard";

/** Most workers that are started at one look at the idle ones. */
const LARGEST_BURST: i32 = 8;
/** Workers beyond --max-workers while a restart replaces them. */
export const RESTART_ROOM: i32 = 4;
/** Milliseconds before another is started after one that died at once; doubles with each. */
const LEAST_DELAY: u64 = 250;
const MOST_DELAY: u64 = 30_000;
/** Who dies within so many milliseconds of its start died at once. */
const EARLY: u64 = 2000;

/** Decides how many are started and who is let go. */
@final
export class Policy {
  private burst: i32 = 1;
  private failures: i32 = 0;
  private startsFrom: u64 = 0;
  /** Workers that there were when a restart began. */
  private before: i32 = 0;

  constructor(private readonly board: Scoreboard) {}

  /** Begins to replace all workers that there are. */
  restart(): void {
    this.before = this.board.count(true) + this.board.count(false);
    this.board.generation++;
    this.startsFrom = 0;
    this.failures = 0;
  }

  /** How many there are to be at least. */
  private least(): i32 {
    return this.board.count(false) > 0 ? max(forkOptions.workers, this.before) : forkOptions.workers;
  }

  /** Workers to start now. `looks`: whether it is time to look at how many are idle. */
  toStart(now: u64, looks: bool): i32 {
    if (now < this.startsFrom) return 0;
    const board = this.board;
    const room = forkOptions.maxWorkers - board.count(true);
    const places = forkOptions.maxWorkers + RESTART_ROOM - board.workers.length;
    let wanted = this.least() - board.count(true);
    if (looks) {
      const missing = forkOptions.minSpare - board.idle();
      if (missing > 0) {
        wanted = max(wanted, min(missing, this.burst));
        this.burst = min(this.burst * 2, LARGEST_BURST);
      } else {
        this.burst = 1;
      }
    }
    return max(0, min(wanted, min(room, places)));
  }

  /** The worker to let go now, null for none. `looks` as above: an idle one too many goes only then. */
  toDismiss(looks: bool): Worker | null {
    const board = this.board;
    const old = board.count(false);
    if (old > 0) {
      // No place for a new one, and nobody is on the way out: then one goes before another has come.
      const full = board.workers.length >= forkOptions.maxWorkers + RESTART_ROOM;
      const crowded = full && old > 1 && old + board.count(true) == board.workers.length;
      return board.ready() + old > this.least() || crowded ? this.choose(false) : null;
    }
    if (!looks || board.idle() <= forkOptions.maxSpare || board.count(true) <= forkOptions.workers) return null;
    return this.choose(true);
  }

  /** A worker of the generation of now, or an earlier one; an idle one rather than a busy one. */
  private choose(current: bool): Worker | null {
    let found: Worker | null = null;
    for (let i = 0; i < this.board.workers.length; i++) {
      const worker = this.board.workers[i];
      if (!worker.stays || (worker.generation == this.board.generation) != current) continue;
      if (!worker.busy) return worker;
      found = worker;
    }
    return current ? null : found;
  }

  /** A worker has ended. `well`: as it was told to, or at its own time. */
  ended(worker: Worker, well: bool, now: u64): void {
    if (well || now - worker.born >= EARLY) this.failures = 0;
    else this.failed(now);
  }

  /** A start has failed, or come to nothing: the next one waits, longer each time. */
  failed(now: u64): void {
    this.startsFrom = now + min(LEAST_DELAY << (<u64>min(this.failures, 16)), MOST_DELAY);
    this.failures++;
  }

  /** Milliseconds that the next start waits, 0 when it need not. */
  delay(now: u64): u64 {
    return this.startsFrom > now ? this.startsFrom - now : 0;
  }
}
