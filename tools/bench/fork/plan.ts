// How much is measured: the whole, or with --quick as little as shows every figure once.
import type { Way } from "./ways.ts";

/** What a run of the bench measures. */
export interface Plan {
  /** Everything timed is done once a round, so that what disturbs the machine for a while disturbs all alike. */
  readonly rounds: number;
  /** MiB of the guests that fork. */
  readonly memories: readonly number[];
  /** Children that are there already. */
  readonly existing: readonly number[];
  /** Timed forks a round, for each of the above. */
  readonly forks: number;
  /** Timed forks of a guest with a network device. */
  readonly networkForks: number;
  /** Forks of the Linux peer a round. */
  readonly linuxForks: number;
  /** Forks whose instructions are counted: the difference of two runs. */
  readonly countedForks: readonly [few: number, many: number];
  /** Idle children whose memory is measured. */
  readonly idleChildren: number;
  /** The most children that are made to see how many fit. */
  readonly mostChildren: number;
}

export const FULL: Plan = {
  rounds: 2,
  memories: [8, 32, 128],
  existing: [1, 10, 50],
  forks: 5,
  networkForks: 3,
  linuxForks: 50,
  countedForks: [5, 25],
  idleChildren: 40,
  mostChildren: 400,
};

export const QUICK: Plan = {
  ...FULL,
  rounds: 1,
  existing: [1, 10],
  forks: 3,
  linuxForks: 20,
  countedForks: [2, 6],
  idleChildren: 10,
  mostChildren: 60,
};

/** ms from one fork to the next: time for forkd to come to rest, and to prepare the next child. */
export function pauseOf(way: Way, memory: number): number {
  if (way === "share") return 100; // nothing is prepared
  return way === "pool" ? 500 + 5 * memory : 1000 + 30 * memory;
}

/** Whether so many children of a domain fit into `free` MiB when each has all memory of its own. */
export function copiesFit(memory: number, existing: number, free: number): boolean {
  // The parent, the children that are there, one that comes and one prepared; 1 MiB for each besides its memory, and a reserve.
  return (memory + 1) * (existing + 3) + 40 <= free;
}
