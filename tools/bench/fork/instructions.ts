// Instructions that one fork() costs: on the parent's CPU, for the parent and for Xen on its behalf, and elsewhere, where
// forkd works, prepares the next child, and the child itself runs. Beside it a Linux process's fork, _exit and wait.
import type { Image } from "../../image/build.ts";
import { startProgress } from "../../debian/progress.ts";
import { difference, each, GUEST_SETTINGS, total, type CountedCpu, type Instructions } from "../../lab/count/count.ts";
import { startForkd } from "../../lab/forkd.ts";
import { Lab } from "../../lab/lab.ts";
import { describeError } from "../../support/errors.ts";
import { logger } from "../../support/log.ts";
import { ForkGuest } from "./guest.ts";
import { LINUX_HEAPS, LinuxForks } from "./linux.ts";
import { copiesFit, pauseOf, type Plan } from "./plan.ts";
import { WAYS, type Way } from "./ways.ts";

// A Linux fork costs so much and varies so little that the numbers can be fixed.
const LINUX_FEW = 20;
const LINUX_MANY = 120;
const SETTLE_S = 2;
/** MiB of a guest by its heap: the least round size that has room for it. */
const GUEST_MEMORY: Readonly<Record<number, number>> = { 1: 16, 64: 128 };

/** What one fork costs, in instructions. */
export interface Cost {
  readonly who: Way | "linux";
  /** MiB. */
  readonly heap: number;
  /** On the parent's CPU, for the parent and for Xen on its behalf: fork() alone (not for Linux), … */
  readonly fork?: number;
  /** … and with the child's _exit and the parent's wait, which for Linux includes the child's life. */
  readonly whole?: number;
  /** Of fork (of whole for Linux), Xen's. */
  readonly xen?: number;
  /** On the other CPU for one fork, _exit and wait: dom0, Xen on its behalf, the child's whole life. */
  readonly elsewhere?: number;
  readonly missing?: string;
}

type Counts = Readonly<Record<CountedCpu, Instructions>>;

// The guests' CPU is taken from the domains that forkd makes: what it executes is the parent's.
const POOL = "parents";
const OWN_POOL = `xl cpupool-cpu-remove Pool-0 1 && xl cpupool-create 'name="${POOL}"' 'cpus=["1"]'`;

/** Counts for every way and heap. */
export async function measureInstructions(plan: Plan, image: Image): Promise<Cost[]> {
  const costs: Cost[] = [];
  const progress = startProgress("instructions");
  for (const heap of LINUX_HEAPS) {
    for (const who of [...WAYS, "linux"] as const) {
      progress.update(`${who}, ${heap} MiB of heap`);
      costs.push(await attempt(who, heap, () => (who === "linux" ? linux(heap) : karyon(plan, image, who, heap))));
    }
  }
  progress.done();
  return costs;
}

async function attempt(who: Cost["who"], heap: number, count: () => Promise<Partial<Cost>>): Promise<Cost> {
  try {
    return { who, heap, ...(await count()) };
  } catch (error) {
    logger.error(describeError(error));
    return { who, heap, missing: error instanceof Error ? error.message : String(error) };
  }
}

// A lab of its own for each, so that none sees what another left behind.
async function linux(heap: number): Promise<Partial<Cost>> {
  await using lab = await Lab.start({ accelerator: "icount" });
  const guest = await LinuxForks.boot(lab, GUEST_SETTINGS);
  const run = (count: number): Promise<Counts> => lab.countBoth(async () => void (await guest.time(heap, count)));
  await run(1);
  const one = eachOf(await run(LINUX_FEW), await run(LINUX_MANY), LINUX_MANY - LINUX_FEW);
  return { whole: total(one.guest), xen: one.guest.xen, elsewhere: total(one.dom0) };
}

async function karyon(plan: Plan, image: Image, way: Way, heap: number): Promise<Partial<Cost>> {
  const memory = GUEST_MEMORY[heap] ?? 2 * heap;
  await using lab = await Lab.start({ accelerator: "icount" });
  await lab.run(OWN_POOL);
  await startForkd(lab, { args: ["--way", way] });
  const guest = await ForkGuest.boot(lab, image, { memory, extra: [...GUEST_SETTINGS, `pool = "${POOL}"`] });
  const pause = pauseOf(way, memory);
  await guest.command(`heap ${heap}`, heap);
  const run = async (what: string, count: number): Promise<Counts> => {
    // Xen still clears the memory of domains that have ended, when it has nothing else to do.
    await lab.run(`sleep ${SETTLE_S}`);
    return lab.countBoth(async () => void (await guest.command(`${what} ${count} ${pause}`, count)));
  };
  const [few, many] = plan.countedForks;
  const one = async (what: string): Promise<Counts> => eachOf(await run(what, few), await run(what, many), many - few);
  const free = Number(await lab.run("xl info free_memory"));
  await run("round", few); // what is done once only, and code not compiled yet
  const rest = await one("rest");
  const round = eachOf(rest, await one("round"), 1);
  const whole = { whole: total(round.guest), elsewhere: total(round.dom0) };
  if (way === "copy" && !copiesFit(memory, few + many, free)) return whole;
  await run("keep", 1);
  const keep = eachOf(rest, await one("keep"), 1);
  return { ...whole, fork: total(keep.guest), xen: keep.guest.xen };
}

/** What each of `count` costs by which `more` exceeds `less`. */
function eachOf(less: Counts, more: Counts, count: number): Counts {
  const cpu = (name: CountedCpu): Instructions => each(difference(less[name], more[name]), count);
  return { dom0: cpu("dom0"), guest: cpu("guest") };
}
