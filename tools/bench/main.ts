// npm run bench [parts…]: measures what the project promises and sets each figure beside its target.
import { Argument, InvalidArgumentError, Option } from "commander";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { displayPath } from "../image/paths.ts";
import { createProgram, runProgram } from "../support/cli.ts";
import { describeError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import type { Measurement, Results } from "./figures.ts";
import { drawCharts } from "./charts/charts.ts";
import { writeDocuments } from "./document/document.ts";
import { BENCH_FOLDER } from "./images.ts";
import { DEFINITIONS, PART_NAMES, PARTS, type PartName } from "./parts.ts";
import { profileApp } from "./profile/profile.ts";
import { changes, changesText } from "./report/compare.ts";
import { readReport, report, thisMachine } from "./report/report.ts";
import { versions } from "./report/versions.ts";
import { tableText } from "./report/table.ts";

/** Every run's report is kept. */
const RESULTS_FOLDER = join(BENCH_FOLDER, "results");

const RESULTS_SHOWN = displayPath(RESULTS_FOLDER);

interface BenchOptions {
  readonly json?: string;
  readonly compare?: string;
  readonly charts: string;
  readonly quick: boolean;
  readonly withTests: boolean;
}

// Ends by way of exit handlers, which take labs and commands along.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));

const program = createProgram("bench", "Measures what Karyon promises; each figure stands beside its target.")
  .enablePositionalOptions()
  .addArgument(
    new Argument("[parts...]", "what to measure; everything but fork, soak and tests by default").choices(PART_NAMES),
  )
  .addOption(new Option("--json <file>", `where the figures go as JSON (default: ${RESULTS_SHOWN}/<date>.json)`))
  .option("--compare <json>", "an earlier run's report: shows what got worse")
  .addOption(new Option("--charts <folder>", "where the charts go").default(BENCH_FOLDER, displayPath(BENCH_FOLDER)))
  .option("--quick", "fork: few repetitions; soak: 20 000 requests, 2 000 connections", false)
  .option("--with-tests", "measure npm test too, which takes minutes", false)
  .addHelpText("after", helpText())
  .action(bench);
program
  .command("profile")
  .description("show on which functions an app, libOS and kernel spend their instructions")
  .argument("<app>", "the app's folder, or a manifest in it")
  .addOption(new Option("--requests <number>", "HTTP requests that are sampled").default(500).argParser(count))
  .option("--path <path>", "what they ask for", "/")
  .addOption(new Option("--clients <number>", "clients that ask at the same time").default(1).argParser(count))
  .option("--no-keep-alive", "a connection for each request")
  .option("--ipv6", "over IPv6", false)
  .option("--boot", "the way to the first answer in their place; without a network, the whole run", false)
  .addOption(new Option("--top <number>", "functions in the table").default(30).argParser(count))
  .option("--json <file>", "where all functions go as JSON")
  .action(profileApp);

program
  .command("document")
  .description("make docs/benchmarks.md, its charts and README's table of the reports of runs")
  .argument("[reports...]", `JSON files (default: all of ${RESULTS_SHOWN})`)
  .action((reports: string[]) => writeDocuments(reports, RESULTS_FOLDER));

function count(text: string): number {
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("expected a number from 1 to 9999999");
}

function helpText(): string {
  const lines = DEFINITIONS.map(({ part, title }) => `  ${part.padEnd(14)}${title}`);
  return ["", "Parts and what they measure:", ...lines].join("\n");
}

async function bench(named: readonly PartName[], options: BenchOptions): Promise<void> {
  const wanted = new Set(named.length > 0 ? named : PART_NAMES.filter((name) => PARTS[name].long !== true));
  if (options.withTests) wanted.add("tests");
  // Before anything is measured: a wrong name is not told of an hour later.
  const earlier = options.compare === undefined ? undefined : await readReport(resolve(options.compare));
  const results = new Map<string, Measurement | Error>();
  for (const part of PART_NAMES.filter((name) => wanted.has(name))) {
    for (const [name, result] of await measurePart(part, options)) results.set(name, result);
  }
  const shown = PART_NAMES.filter((name) => named.length === 0 || wanted.has(name)).flatMap(
    (name) => PARTS[name].figures,
  );
  process.stdout.write(`${tableText(shown, results, process.stdout.isTTY)}\n`);
  if (earlier !== undefined) process.stdout.write(`\n${changesText(changes(earlier, shown, results), earlier.date)}\n`);
  const date = new Date();
  const file = resolve(options.json ?? join(RESULTS_FOLDER, `${date.toISOString().replaceAll(":", "-")}.json`));
  await mkdir(dirname(file), { recursive: true });
  const about = { date: date.toISOString(), machine: thisMachine(), versions: await versions() };
  const told = report(shown, results, about);
  await writeFile(file, `${JSON.stringify(told, null, 2)}\n`);
  const figures = new Map(told.figures.map((figure) => [figure.name, figure]));
  for (const chart of await drawCharts(figures, resolve(options.charts)))
    logger.success(`chart: ${displayPath(chart)}`);
  logger.success(`the figures as JSON: ${displayPath(file)}`);
  // A figure that misses its target is a result; one that cannot be measured is an error.
  if ([...results.values()].some((result) => result instanceof Error)) process.exitCode = 1;
}

async function measurePart(name: PartName, { quick, charts }: BenchOptions): Promise<Results> {
  const { figures, measure } = PARTS[name];
  try {
    return await measure({ quick, charts: resolve(charts) });
  } catch (error) {
    logger.error(describeError(error));
    const reason = error instanceof Error ? error : new Error(String(error));
    return new Map(figures.map((figure) => [figure.name, reason]));
  }
}

await runProgram(program);
