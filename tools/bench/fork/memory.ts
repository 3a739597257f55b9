// Memory of an idle child – its own, and what dom0 spends on it – and how many fit in the lab, beside guests that
// `xl create` makes of the same image.
import type { Image } from "../../image/build.ts";
import { startProgress, type Progress } from "../../debian/progress.ts";
import { startForkd, type Forkd } from "../../lab/forkd.ts";
import { Lab } from "../../lab/lab.ts";
import { KaryonError } from "../../support/errors.ts";
import { hostMemory, type HostMemory } from "./dom0_memory.ts";
import { ForkGuest, guestLines, newName } from "./guest.ts";
import type { Plan } from "./plan.ts";
import type { Way } from "./ways.ts";

/** MiB of the guest that forks. */
const MEMORY = 16;
const WARM_UP_CHILDREN = 8;
const SETTLE_MS = 3000;
/** Most children of one process. */
const FAMILY = 64;
const BATCH = 16;
/** Most children whose memory is all their own: with their parent and the next of them they must fit in the lab. */
const COPIES = 24;
/** kB that dom0 needs to go on. */
const DOM0_RESERVE = 64 * 1024;
const CREATE_TIMEOUT_MS = 120_000;

/** What is found out about memory; kB are 1024 bytes. */
export interface Memory {
  /** By the way children are made. */
  readonly idle: readonly IdleChild[];
  readonly density: Density;
}

/** The mean of a number of children that do nothing. */
export interface IdleChild {
  readonly way: Way;
  readonly children: number;
  /** kB that Xen accounts to it. */
  readonly own: number;
  /** kB by which Xen's free memory has become less: its own, Xen's records of it, what the parent had to double. */
  readonly xen: number;
  /** kB by which dom0's available memory has become less, … */
  readonly dom0: number;
  /** … and of these what the daemons take. */
  readonly forkd: number;
  readonly xenstored: number;
  readonly xenconsoled: number;
}

/** How many domains there were when no more could be. */
export interface Density {
  readonly memory: number;
  readonly free: number;
  readonly created: number;
  readonly parents: number;
  readonly children: number;
  /** What ended the count of children. */
  readonly ended: string;
}

/** Measures all of it. */
export async function measureMemory(plan: Plan, image: Image): Promise<Memory> {
  const progress = startProgress("memory");
  const idle: IdleChild[] = [];
  for (const way of ["pool", "copy"] as const) {
    progress.update(`idle children, ${way}`);
    const children = way === "copy" ? Math.min(plan.idleChildren, COPIES) : plan.idleChildren;
    idle.push(await idleChild(image, way, children));
  }
  const density = await measureDensity(plan, image, progress);
  progress.done();
  return { idle, density };
}

async function idleChild(image: Image, way: Way, children: number): Promise<IdleChild> {
  await using lab = await Lab.start();
  const forkd = await startForkd(lab, { args: ["--way", way, "--children", "2000"] });
  const guest = await ForkGuest.boot(lab, image, { memory: MEMORY });
  await guest.command(`keep ${WARM_UP_CHILDREN} 200`, WARM_UP_CHILDREN);
  const before = await settled(lab, forkd);
  await guest.command(`keep ${children} 200`, children);
  const after = await settled(lab, forkd);
  const each = (figure: (memory: HostMemory) => number): number => (figure(after) - figure(before)) / children;
  return {
    ...{ way, children, own: ownMemory(before, after, guest.name) },
    xen: -1024 * each(({ xenFree }) => xenFree),
    dom0: -each(({ dom0Available }) => dom0Available),
    forkd: each((memory) => memory.forkd),
    xenstored: each((memory) => memory.xenstored),
    xenconsoled: each((memory) => memory.xenconsoled),
  };
}

async function settled(lab: Lab, forkd: Forkd): Promise<HostMemory> {
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return hostMemory(lab, forkd.pid);
}

/** kB of one of the family's domains that have come between two looks. */
function ownMemory(before: HostMemory, after: HostMemory, family: string): number {
  const come = [...after.domains].filter(([name]) => name.startsWith(`${family}-`) && !before.domains.has(name));
  if (come.length === 0) throw new KaryonError("BENCH_FAILED", `xentop shows no children of ${family}`);
  return come.reduce((sum, [, kilobytes]) => sum + kilobytes, 0) / come.length;
}

async function measureDensity(plan: Plan, image: Image, progress: Progress): Promise<Density> {
  const { created, free } = await createUntilFull(image, progress);
  await using lab = await Lab.start();
  const forkd = await startForkd(lab, { args: ["--way", "pool", "--children", "10000", "--keep-free", "0M"] });
  let [parents, children] = [0, 0];
  const result = (ended: string): Density => ({ memory: MEMORY, free, created, parents, children, ended });
  for (;;) {
    let guest: ForkGuest;
    try {
      guest = await ForkGuest.boot(lab, image, { memory: MEMORY });
    } catch (error) {
      if (error instanceof KaryonError && error.code === "LAB_COMMAND") return result("no memory for another parent");
      throw error;
    }
    parents += 1;
    for (let made = 0; made < FAMILY; made += BATCH) {
      const { done } = await guest.tryCommand(`keep ${BATCH} 0`);
      children += done;
      progress.update(`${children} children of ${parents} parents`);
      if (done < BATCH) return result("the host's memory is used up");
      const { dom0Available } = await hostMemory(lab, forkd.pid);
      if (dom0Available < DOM0_RESERVE) return result("dom0's memory is used up");
      if (children >= plan.mostChildren) return result("not counted further");
    }
  }
}

async function createUntilFull(image: Image, progress: Progress): Promise<Pick<Density, "created" | "free">> {
  await using lab = await Lab.start();
  const free = Number(await lab.run("xl info free_memory"));
  for (let created = 0; ; created++) {
    progress.update(`${created} guests by xl create`);
    try {
      const extra = guestLines(newName(), { memory: MEMORY });
      await lab.create(image.cfg, { extra, timeoutMs: CREATE_TIMEOUT_MS });
    } catch (error) {
      if (error instanceof KaryonError && error.code === "LAB_COMMAND") return { created, free };
      throw error;
    }
  }
}
