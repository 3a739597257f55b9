// `npm run bench -- document`: docs/benchmarks.md, its charts and README's table, made of the reports of runs.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { displayPath, repositoryPath } from "../../image/paths.ts";
import { KaryonError } from "../../support/errors.ts";
import { logger } from "../../support/log.ts";
import { drawCharts } from "../charts/charts.ts";
import { readReport } from "../report/report.ts";
import { collect, reportsIn, type Collection } from "./collect.ts";
import { fill } from "./fill.ts";
import { fillReadme } from "./readme.ts";

const TEMPLATE = fileURLToPath(new URL("template.md", import.meta.url));
const DOCS = repositoryPath("docs");
/** What docs/benchmarks.md was last made of: a run of one part renews that part. */
export const FIGURES_FILE = join(DOCS, "benchmarks.json");
export const DOCUMENT = join(DOCS, "benchmarks.md");
const README = repositoryPath("README.md");
const CHARTS = join(DOCS, "images");

/**
 * Makes the documents anew.
 *
 * @param named reports; all in `folder` when there are none
 * @throws KaryonError BENCH_REPORT, BENCH_TEMPLATE
 */
export async function writeDocuments(named: readonly string[], folder: string): Promise<void> {
  const reports =
    named.length > 0 ? await Promise.all(named.map((path) => readReport(resolve(path)))) : await reportsIn(folder);
  const before = await readReport(FIGURES_FILE).catch(() => undefined);
  const all = before === undefined ? reports : [before, ...reports];
  if (all.length === 0) {
    throw new KaryonError("BENCH_REPORT", "there is no report to tell of", "run npm run bench first");
  }
  const collection = collect(all);
  await mkdir(CHARTS, { recursive: true });
  const charts = await drawCharts(new Map(collection.figures.map((figure) => [figure.name, figure])), CHARTS);
  await writeFile(FIGURES_FILE, await formatted(JSON.stringify(collection), FIGURES_FILE));
  const names = new Set(charts.map((path) => basename(path, ".svg").replace(/^bench-/, "")));
  await writeFile(DOCUMENT, await documentText(collection, names));
  await writeFile(README, await readmeText(collection));
  for (const path of [DOCUMENT, FIGURES_FILE, README, ...charts]) logger.success(displayPath(path));
}

/** docs/benchmarks.md. */
export async function documentText(collection: Collection, charts: ReadonlySet<string>): Promise<string> {
  return formatted(fill(await readFile(TEMPLATE, "utf8"), collection, charts), DOCUMENT);
}

/** README.md. */
export async function readmeText(collection: Collection): Promise<string> {
  return formatted(fillReadme(await readFile(README, "utf8"), collection), README);
}

async function formatted(text: string, path: string): Promise<string> {
  return format(text, { ...(await resolveConfig(path)), filepath: path });
}
