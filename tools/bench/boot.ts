// `npm run bench -- boot`: from a domain's first instruction to its first HTTP answer, alone and ten at once, by the instructions
// that the guests' CPU executes. Absolute times under emulation mean nothing; these counts do not depend on the machine or its load.
import { readFile } from "node:fs/promises";
import { readSymbolTable } from "../image/symbols.ts";
import { total } from "../lab/count/count.ts";
import type { Mark } from "../lab/count/marks.ts";
import { section } from "../support/elf.ts";
import { KaryonError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import { compared, SIDES, type Side } from "./comparison.ts";
import { WEB, webImage } from "./contests.ts";
import { countText, type Definition, type Measurement, type Results } from "./figures.ts";
import { COUNTING, createServers } from "./servers.ts";
import { spread } from "./spread.ts";

/** Guests that are booted at once, of the least memory with which the peer serves, in a host that has room for them. */
const MANY = { count: 10, memory: 96, lab: { ...COUNTING, memory: 2048 } };
/** Of each, boots: alone, … */
const ROUNDS = 3;
/** … and at once. */
const ROUNDS_OF_MANY = 2;

export const BOOT_FIGURES: readonly Definition[] = [
  {
    name: "boot",
    title: "boot to the first HTTP answer: instructions, ours of Linux's",
    part: "boot",
    unit: "ratio",
    target: 1 / 500,
  },
  {
    name: "boot-many",
    title: `${MANY.count} guests at once, until all have answered: instructions, ours of Linux's`,
    part: "boot",
    unit: "ratio",
  },
];

/** The stages of a boot, in instructions since its beginning; one value a boot. */
export type Stages = Readonly<Record<string, readonly number[]>>;

const ANSWER = "first answer";

/** Measures both servers, in turns. */
export async function measureBoot(): Promise<Results> {
  const results = new Map<string, Measurement | Error>();
  const marks: Readonly<Record<Side, readonly Mark[]>> = { karyon: await karyonMarks(), linux: LINUX_MARKS };
  const stages: Record<Side, Record<string, number[]>> = { karyon: {}, linux: {} };
  for (let round = 1; round <= ROUNDS; round++) {
    for (const side of SIDES) {
      logger.start(`${WEB.titles[side]}: boot ${round} of ${ROUNDS}`);
      for (const [stage, count] of await bootStages(side, marks[side])) (stages[side][stage] ??= []).push(count);
    }
  }
  for (const side of SIDES) process.stdout.write(`${stagesText(WEB.titles[side], stages[side])}\n`);
  const answers = (side: Side): readonly number[] => stages[side][ANSWER] ?? [];
  results.set("boot", { ...compared({ karyon: answers("karyon"), linux: answers("linux") }), raw: { stages } });
  results.set("boot-many", await manyAtOnce());
  return results;
}

/** The places that tell how far a boot is. A Linux kernel does not lie at the same addresses every time; its processes lie below. */
const LINUX_MARKS: readonly Mark[] = [{ name: "first process", from: 0n, to: 1n << 47n }];

async function karyonMarks(): Promise<Mark[]> {
  const { symbols } = await webImage();
  const functions = readSymbolTable(section(await readFile(symbols), ".symbols").content);
  // The compiler may have put a part of a function elsewhere, under the same name.
  const mark = (name: string, symbol: string): Mark[] => {
    const found = functions.filter((each) => each.name === symbol);
    if (found.length === 0) throw new KaryonError("BENCH_FAILED", `httpd's image has no function ${symbol}`);
    return found.map(({ address }) => ({ name, from: BigInt(address), to: BigInt(address) + 1n }));
  };
  return [...mark("main", "app_start"), ...mark("first packet", "libos/net/netfront/netfront/transmit")];
}

async function bootStages(side: Side, marks: readonly Mark[]): Promise<[stage: string, instructions: number][]> {
  await using servers = await createServers(side);
  let whole = 0;
  const reached = await servers.lab.countTo(marks, async () => {
    whole = total(await servers.lab.countInstructions(() => servers.begin()));
  });
  const stages = new Map<string, number>();
  marks.forEach(({ name }, i) => stages.set(name, Math.min(stages.get(name) ?? Infinity, reached[i] ?? Infinity)));
  return [...stages, [ANSWER, whole]];
}

async function manyAtOnce(): Promise<Measurement> {
  const counts: Record<Side, number[]> = { karyon: [], linux: [] };
  for (let round = 1; round <= ROUNDS_OF_MANY; round++) {
    for (const side of SIDES) {
      logger.start(`${WEB.titles[side]}: ${MANY.count} at once, ${round} of ${ROUNDS_OF_MANY}`);
      await using servers = await createServers(side, MANY);
      counts[side].push(total(await servers.lab.countInstructions(() => servers.begin())));
    }
  }
  return compared(counts);
}

function stagesText(title: string, stages: Stages): string {
  const parts = Object.entries(stages).map(([stage, counts]) => {
    const { median, least, most } = spread(counts);
    return `  ${stage.padEnd(16)}${countText(median).padStart(8)}  (${countText(least)} – ${countText(most)})`;
  });
  return [`${title}: instructions from its first one to`, ...parts].join("\n");
}
