// `npm run bench -- fork`: measures fork() and everything it is set beside, shows tables, draws charts, keeps the raw numbers.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildImage } from "../../image/build.ts";
import { displayPath, repositoryPath } from "../../image/paths.ts";
import { describeError, KaryonError } from "../../support/errors.ts";
import { logger } from "../../support/log.ts";
import type { Results } from "../figures.ts";
import { BENCH_FOLDER } from "../images.ts";
import { thisMachine } from "../report/report.ts";
import { drawCharts } from "./charts.ts";
import { measureInstructions } from "./instructions.ts";
import { measureMemory } from "./memory.ts";
import { FULL, QUICK, type Plan } from "./plan.ts";
import { forkFigures, type ForkResults } from "./results.ts";
import { forkTables } from "./tables.ts";
import { measureTimes } from "./times.ts";

/** Where the raw numbers go. */
const RAW_FILE = join(BENCH_FOLDER, "fork.json");

const NOT_YET = new KaryonError("BENCH_FAILED", "not measured");

/** Options of measureFork. */
export interface ForkOptions {
  /** Few repetitions. */
  readonly quick: boolean;
  /** The folder the charts go to. */
  readonly charts: string;
}

/** Measures the figures of part "fork". */
export async function measureFork({ quick, charts }: ForkOptions): Promise<Results> {
  const plan = quick ? QUICK : FULL;
  const image = await buildImage(repositoryPath("test/apps/forkbench"), { progress: (stage) => logger.start(stage) });
  // One after the other: a lab that counts instructions takes a core of the host, which would show in the times.
  let results: ForkResults = { times: NOT_YET, costs: NOT_YET, memory: NOT_YET };
  const add = async (found: Partial<ForkResults>): Promise<void> => {
    results = { ...results, ...found };
    process.stdout.write(`${forkTables({ times: NOT_YET, costs: NOT_YET, memory: NOT_YET, ...found })}\n\n`);
    await keep(plan, results);
  };
  await add({ times: await part(() => measureTimes(plan, image)) });
  await add({ memory: await part(() => measureMemory(plan, image)) });
  await add({ costs: await part(() => measureInstructions(plan, image)) });
  for (const file of await drawCharts(results, charts)) logger.success(`chart: ${displayPath(file)}`);
  logger.success(`every sample: ${displayPath(RAW_FILE)}`);
  return forkFigures(results);
}

/** Writes what is known into RAW_FILE: a run that is broken off has not been for nothing. */
async function keep(plan: Plan, results: ForkResults): Promise<void> {
  await mkdir(BENCH_FOLDER, { recursive: true });
  const raw = { date: new Date().toISOString(), machine: thisMachine(), plan, ...told(results) };
  await writeFile(RAW_FILE, `${JSON.stringify(raw, null, 1)}\n`);
}

async function part<T>(measure: () => Promise<T>): Promise<T | Error> {
  try {
    return await measure();
  } catch (error) {
    logger.error(describeError(error));
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** The results for JSON, errors as their messages. */
function told(results: ForkResults): object {
  return Object.fromEntries(
    Object.entries(results).map(([name, result]: [string, unknown]) => [
      name,
      result instanceof Error ? { error: result.message } : result,
    ]),
  );
}
