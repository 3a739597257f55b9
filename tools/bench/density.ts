// `npm run bench -- density`: how many idle web servers a host has room for, each with the least memory with which it serves.
import { Lab } from "../lab/lab.ts";
import { startProgress, type Progress } from "../debian/progress.ts";
import { KaryonError } from "../support/errors.ts";
import { SIDES, type Side } from "./comparison.ts";
import { WEB } from "./contests.ts";
import type { Definition, Results } from "./figures.ts";

/** MiB (npm run bench -- memory). */
const MEMORY: Readonly<Record<Side, number>> = { karyon: 2, linux: 96 };
/** Their own network: they are more than 10.0.2.0/24 has room for. */
const HOST = "10.9.255.254/16";
const CREATE_TIMEOUT_MS = 120_000;
const ANSWER_TIMEOUT_MS = 400_000;
/** kB that dom0 needs to go on. */
const DOM0_RESERVE = 64 * 1024;

export const DENSITY_FIGURES: readonly Definition[] = [
  { name: "density", title: "idle web servers that fit into a host, Linux's of ours", part: "density", unit: "ratio" },
];

/** How many there were, and what they took; kB are 1024 bytes. */
interface Density {
  readonly guests: number;
  /** What ended the count. */
  readonly ended: string;
  /** kB of each: Xen's memory, and dom0's. */
  readonly xen: number;
  readonly dom0: number;
}

/** Measures both. */
export async function measureDensity(): Promise<Results> {
  const found: Partial<Record<Side, Density>> = {};
  for (const side of SIDES) {
    const progress = startProgress(`${WEB.titles[side]}: as many as fit`);
    found[side] = await density(side, progress);
    progress.done();
    process.stdout.write(`${densityText(side, found[side])}\n`);
  }
  const [ours, theirs] = SIDES.map((side) => found[side]?.guests ?? NaN);
  const value = (theirs ?? NaN) / (ours ?? NaN);
  return new Map([["density", { value, made: `${theirs} of ${ours} guests`, raw: { ...found } }]]);
}

function densityText(side: Side, { guests, ended, xen, dom0 }: Density): string {
  const each = `${xen.toFixed(0)} KiB of Xen's memory and ${dom0.toFixed(0)} KiB of dom0's each`;
  return `${WEB.titles[side]}: ${guests} guests, all answer; ${each}; ended by: ${ended}`;
}

async function density(side: Side, progress: Progress): Promise<Density> {
  const { cfg, addressLine } = await WEB.config(side);
  await using lab = await Lab.start();
  await lab.run(`ip addr add ${HOST} dev xenbr0`);
  const before = await memory(lab);
  const addresses: string[] = [];
  const result = async (ended: string): Promise<Density> => {
    await allAnswer(lab, addresses);
    const after = await memory(lab);
    const guests = addresses.length;
    if (guests === 0) throw new KaryonError("BENCH_FAILED", `${WEB.titles[side]}: not one guest fits: ${ended}`);
    return { guests, ended, xen: (before.xen - after.xen) / guests, dom0: (before.dom0 - after.dom0) / guests };
  };
  for (let number = 1; ; number++) {
    const address = `10.9.${number >> 8}.${number & 255}`;
    const extra = [`name = "${side}-${number}"`, `memory = ${MEMORY[side]}`, addressLine(`${address}/16`)];
    try {
      await lab.create(cfg, { extra, timeoutMs: CREATE_TIMEOUT_MS });
    } catch (error) {
      if (!(error instanceof KaryonError) || error.code !== "LAB_COMMAND") throw error;
      return await result(error.message.split("\n").find((line) => line.includes("error:")) ?? error.message);
    }
    addresses.push(address);
    progress.update(`${number}`);
    if ((await memory(lab)).dom0 < DOM0_RESERVE) return await result("dom0's memory is used up");
  }
}

/** kB that Xen and dom0 have left. */
async function memory(lab: Lab): Promise<{ readonly xen: number; readonly dom0: number }> {
  const said = await lab.run("xl info free_memory; awk '/^MemAvailable/ { print $2 }' /proc/meminfo");
  const [xen = NaN, dom0 = NaN] = said.split("\n").map(Number);
  return { xen: xen * 1024, dom0 };
}

/** Waits until each has answered. @throws KaryonError LAB_TIMEOUT */
async function allAnswer(lab: Lab, addresses: readonly string[]): Promise<void> {
  const ask = 'until curl -s -f -o /dev/null --max-time 2 "http://$address/"; do sleep 0.1; done';
  await lab.run(`while read -r address; do ${ask}; done`, {
    input: addresses.map((address) => `${address}\n`).join(""),
    timeoutMs: ANSWER_TIMEOUT_MS,
  });
}
