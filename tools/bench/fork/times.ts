// Times of fork() and of what it is compared with, by the clock, in one emulated lab: only ratios mean anything.
import type { Image } from "../../image/build.ts";
import { startProgress, type Progress } from "../../debian/progress.ts";
import { startForkd } from "../../lab/forkd.ts";
import { Lab } from "../../lab/lab.ts";
import { describeError } from "../../support/errors.ts";
import { logger } from "../../support/log.ts";
import { ForkGuest } from "./guest.ts";
import { LinuxForks, LINUX_HEAPS } from "./linux.ts";
import { copiesFit, pauseOf, type Plan } from "./plan.ts";
import type { ForkSample } from "./samples.ts";
import { timeCreate, timeSaveRestore } from "./startup.ts";
import { WAYS, wayOf, type Way } from "./ways.ts";

const WARM_UP_FORKS = 10;
const NETWORK_MEMORY = 8;
/** Preparing a child takes this much longer when it has a network device. */
const NETWORK_PAUSE_MS = 1500;

/** Forks under the same circumstances. */
export interface ForkTimes {
  readonly way: Way;
  readonly memory: number;
  readonly existing: number;
  readonly network: boolean;
  readonly samples: ForkSample[];
  /** Forks that forkd made in another way than it was told to; they are not among the samples. */
  otherWay: number;
  /** Why there are no samples, or fewer than planned. */
  missing?: string;
}

/** Repetitions of one thing, in ns. */
export interface Repeated {
  readonly what: "create" | "save-restore" | "create-network" | "linux";
  /** MiB of the guest; of the heap for Linux. */
  readonly memory: number;
  readonly times: number[];
  missing?: string;
}

/** Everything timed. */
export interface Times {
  readonly forks: readonly ForkTimes[];
  readonly others: readonly Repeated[];
  /** MiB of the lab that guests could have. */
  readonly free: number;
}

/** Runs all rounds of `plan`. */
export async function measureTimes(plan: Plan, image: Image): Promise<Times> {
  await using lab = await Lab.start({ spread: true });
  const free = Number(await lab.run("xl info free_memory"));
  const run = new Rounds(plan, lab, image, free);
  for (let round = 1; round <= plan.rounds; round++) {
    const progress = startProgress(`times, round ${round} of ${plan.rounds}`);
    await run.round(progress);
    progress.done();
  }
  return { forks: run.forks, others: run.others, free };
}

class Rounds {
  readonly forks: ForkTimes[];
  readonly others: Repeated[];

  constructor(
    private readonly plan: Plan,
    private readonly lab: Lab,
    private readonly image: Image,
    free: number,
  ) {
    const forks = (way: Way, memory: number, existing: number, network: boolean): ForkTimes => ({
      ...{ way, memory, existing, network, samples: [], otherWay: 0 },
      ...(way === "copy" && !copiesFit(memory, existing, free)
        ? { missing: `does not fit in ${free} MiB of free memory` }
        : {}),
    });
    this.forks = WAYS.flatMap((way) => [
      ...plan.memories.flatMap((memory) => plan.existing.map((existing) => forks(way, memory, existing, false))),
      forks(way, NETWORK_MEMORY, 0, true),
    ]);
    const repeated = (what: Repeated["what"], memory: number): Repeated => ({ what, memory, times: [] });
    this.others = [
      ...plan.memories.map((memory) => repeated("create", memory)),
      ...plan.memories.map((memory) => repeated("save-restore", memory)),
      repeated("create-network", NETWORK_MEMORY),
      ...LINUX_HEAPS.map((heap) => repeated("linux", heap)),
    ];
  }

  async round(progress: Progress): Promise<void> {
    progress.update("xl create, xl save and restore");
    for (const other of this.others.filter(({ what }) => what !== "linux")) {
      await this.#attempt([other], async () => void other.times.push(await this.#startup(other)));
    }
    progress.update("forks of a Linux process");
    await this.#linux();
    for (const way of WAYS) {
      for (const memory of this.plan.memories) {
        const cells = this.forks.filter((cell) => cell.way === way && cell.memory === memory && !cell.network);
        progress.update(`${way}, ${memory} MiB`);
        await this.#attempt(cells, () => this.#family(way, memory, cells));
      }
      progress.update(`${way}, with a network device`);
      for (const cell of this.forks.filter((each) => each.way === way && each.network)) {
        await this.#attempt([cell], () => this.#networkFamily(cell));
      }
    }
  }

  /** Does `work` unless it has failed before; when it fails, what it was to measure is missing. */
  async #attempt(results: readonly { missing?: string }[], work: () => Promise<void>): Promise<void> {
    if (results.every(({ missing }) => missing !== undefined)) return;
    try {
      await work();
    } catch (error) {
      logger.error(describeError(error));
      for (const result of results) result.missing ??= error instanceof Error ? error.message : String(error);
    }
  }

  async #startup({ what, memory }: Repeated): Promise<number> {
    if (what !== "save-restore") return timeCreate(this.lab, this.image, memory, what === "create-network");
    const guest = await ForkGuest.boot(this.lab, this.image, { memory });
    try {
      return await timeSaveRestore(this.lab, this.image, guest, memory);
    } finally {
      await guest.end();
    }
  }

  async #linux(): Promise<void> {
    const wanted = this.others.filter(({ what }) => what === "linux");
    await this.#attempt(wanted, async () => {
      const linux = await LinuxForks.boot(this.lab);
      for (const result of wanted) result.times.push(await linux.time(result.memory, this.plan.linuxForks));
      await linux.end();
    });
  }

  /** One guest whose family grows while its forks are timed. */
  async #family(way: Way, memory: number, cells: readonly ForkTimes[]): Promise<void> {
    await this.#withGuest(way, memory, false, async (guest) => {
      const pause = pauseOf(way, memory);
      let existing = 0;
      for (const cell of cells) {
        if (cell.missing !== undefined) continue;
        await guest.forks(cell.existing - existing, pause, "stay");
        existing = cell.existing;
        take(cell, await guest.forks(this.plan.forks, pause, "exit"));
      }
    });
  }

  async #networkFamily(cell: ForkTimes): Promise<void> {
    await this.#withGuest(cell.way, cell.memory, true, async (guest) => {
      take(
        cell,
        await guest.forks(this.plan.networkForks, pauseOf(cell.way, cell.memory) + NETWORK_PAUSE_MS, "stay", true),
      );
    });
  }

  async #withGuest(
    way: Way,
    memory: number,
    network: boolean,
    work: (guest: ForkGuest) => Promise<void>,
  ): Promise<void> {
    await using forkd = await startForkd(this.lab, {
      args: ["--way", way],
    });
    const guest = await ForkGuest.boot(this.lab, this.image, { memory, network });
    try {
      // A daemon that has just begun runs code that is not compiled yet.
      await guest.forks(WARM_UP_FORKS, pauseOf(way, memory), "exit");
      await work(guest);
    } catch (error) {
      logger.debug(forkd.output.text);
      throw error;
    } finally {
      await guest.end();
      await forkd.end();
    }
  }
}

/** Adds samples that were made in the way they should be. */
function take(cell: ForkTimes, samples: readonly ForkSample[]): void {
  const right = samples.filter(({ stages }) => (wayOf(stages?.parent[24]) ?? cell.way) === cell.way);
  cell.samples.push(...right);
  cell.otherWay += samples.length - right.length;
}
