// The figures of several runs as one set: of each figure the newest that was measured, with its date and its commit.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { existsSync } from "node:fs";
import { DEFINITIONS } from "../parts.ts";
import { readReport, type Report, type ReportFigure } from "../report/report.ts";

/** A figure and the run that it comes from. */
export type DatedFigure = ReportFigure & { readonly date: string; readonly commit: string };

/** Machine and versions are those of the newest run. */
export interface Collection extends Omit<Report, "figures"> {
  readonly figures: readonly DatedFigure[];
}

/** Puts runs together. At least one is needed. */
export function collect(reports: readonly Report[]): Collection {
  const sorted = reports.toSorted((a, b) => (a.date < b.date ? -1 : 1));
  const found = new Map<string, DatedFigure>();
  for (const report of sorted) {
    for (const figure of report.figures) {
      if (figure.value !== undefined) found.set(figure.name, dated(figure, report));
    }
  }
  const figures = DEFINITIONS.flatMap(({ name }) => found.get(name) ?? []);
  const { date, machine, versions } = sorted.at(-1) as Report;
  return { date, machine, versions, figures };
}

// A collection is a report too: what it holds keeps the date of its own run.
function dated(figure: ReportFigure, { date, versions }: Report): DatedFigure {
  const own = { date: figure["date"], commit: figure["commit"] };
  return {
    ...figure,
    date: typeof own.date === "string" ? own.date : date,
    commit: typeof own.commit === "string" ? own.commit : (versions["karyon"] ?? "unknown"),
  };
}

/** The reports in a folder; none when there is no such folder. @throws KaryonError BENCH_REPORT */
export async function reportsIn(folder: string): Promise<Report[]> {
  if (!existsSync(folder)) return [];
  const names = (await readdir(folder)).filter((name) => name.endsWith(".json")).sort();
  return Promise.all(names.map((name) => readReport(join(folder, name))));
}
