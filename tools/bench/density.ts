// `npm run bench -- density`: how many idle web servers a host has room for, each with the least memory with which it serves.
import { Lab } from "../lab/lab.ts";
import { startProgress, type Progress } from "../debian/progress.ts";
import { KaryonError } from "../support/errors.ts";
import { SIDES, type Side } from "./comparison.ts";
import { SMALL_WEB } from "./contests.ts";
import type { Definition, Results } from "./figures.ts";

/** MiB (npm run bench -- memory). */
const MEMORY: Readonly<Record<Side, number>> = { karyon: 2, linux: 88 };
/** Their own network: they are more than 10.0.2.0/24 has room for. */
const HOST = "10.9.255.254/16";
const CREATE_TIMEOUT_MS = 30_000;
/** For the last ones to boot, and for each to answer on a host that is full of them, emulated and busy. */
const BOOT_TIMEOUT_MS = 400_000;
const ANSWER_TIMEOUT_MS = 10_000;
/** Guests that are created between two looks at dom0's memory. */
const BATCH = 16;
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
    const progress = startProgress(`${SMALL_WEB.titles[side]}: as many as fit`);
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
  return `${SMALL_WEB.titles[side]}: ${guests} guests, all answer; ${each}; ended by: ${ended}`;
}

async function density(side: Side, progress: Progress): Promise<Density> {
  await using lab = await Lab.start();
  await lab.run(`ip addr add ${HOST} dev xenbr0`);
  const template = await placeTemplate(lab, side);
  const before = await memory(lab);
  let guests = 0;
  let ended: string | undefined;
  while (ended === undefined) {
    const batch = await createBatch(lab, template, guests + 1);
    guests += batch.created;
    progress.update(`${guests}`);
    const scarce = (await memory(lab)).dom0 < DOM0_RESERVE;
    ended = batch.error ?? (scarce ? "dom0's memory is used up" : undefined);
  }
  if (guests === 0) throw new KaryonError("BENCH_FAILED", `${SMALL_WEB.titles[side]}: not one guest fits: ${ended}`);
  await allAnswer(lab, guests);
  const after = await memory(lab);
  return { guests, ended, xen: (before.xen - after.xen) / guests, dom0: (before.dom0 - after.dom0) / guests };
}

/** A configuration in dom0 that has NUMBER and ADDRESS where guests differ. */
async function placeTemplate(lab: Lab, side: Side): Promise<string> {
  const { cfg, addressLine } = await SMALL_WEB.config(side);
  const extra = [`name = "${side}-NUMBER"`, `memory = ${MEMORY[side]}`, addressLine("ADDRESS/16")];
  return (await lab.place(cfg, extra)).path;
}

/** Creates BATCH guests from number `first` on, or as many as fit; what xl said when it created no more. */
async function createBatch(
  lab: Lab,
  template: string,
  first: number,
): Promise<{ readonly created: number; readonly error?: string }> {
  const make = `sed "s/NUMBER/$n/; s/ADDRESS/10.9.$((n / 256)).$((n % 256))/g" ${template} > /tmp/one.cfg`;
  const create = "xl create -q /tmp/one.cfg 2>/tmp/said || { cat /tmp/said >&2; exit 1; }; echo $n";
  const command = `for n in $(seq ${first} ${first + BATCH - 1}); do ${make}; ${create}; done`;
  const { status, stdout, stderr } = await lab.sh(command, { timeoutMs: CREATE_TIMEOUT_MS * BATCH });
  const created = stdout.split("\n").filter((line) => line !== "").length;
  if (status === 0) return { created };
  return { created, error: stderr.split("\n").find((line) => line.includes("error:")) ?? stderr.trim() };
}

/** kB that Xen and dom0 have left. */
async function memory(lab: Lab): Promise<{ readonly xen: number; readonly dom0: number }> {
  const said = await lab.run("xl info free_memory; awk '/^MemAvailable/ { print $2 }' /proc/meminfo");
  const [xen = NaN, dom0 = NaN] = said.split("\n").map(Number);
  return { xen: xen * 1024, dom0 };
}

/** Waits until each has answered. @throws KaryonError LAB_TIMEOUT */
async function allAnswer(lab: Lab, guests: number): Promise<void> {
  const ask = 'until curl -s -f -o /dev/null --max-time 2 "http://10.9.$((n / 256)).$((n % 256))/"; do sleep 0.1; done';
  await lab.run(`for n in $(seq ${guests}); do ${ask}; done`, {
    timeoutMs: BOOT_TIMEOUT_MS + guests * ANSWER_TIMEOUT_MS,
  });
}
