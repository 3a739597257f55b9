// A report: the JSON file of `npm run bench`, with the same figures as the table and the raw numbers behind them. Charts and
// docs/benchmarks.md are made of reports.
import { readFile } from "node:fs/promises";
import { cpus, loadavg } from "node:os";
import { z } from "zod";
import { displayPath } from "../../image/paths.ts";
import { KaryonError } from "../../support/errors.ts";
import { verdict, type Definition, type Results } from "../figures.ts";

const machineSchema = z.object({
  processor: z.string(),
  cores: z.number(),
  /** Load average of the minute before the report. */
  load: z.number(),
});

// Besides, a figure has its definition and its verdict, for whoever reads the file.
const figureSchema = z.looseObject({
  name: z.string(),
  value: z.number().optional(),
  range: z.tuple([z.number(), z.number()]).readonly().optional(),
  made: z.string().optional(),
  limit: z.string().optional(),
  sides: z.object({ karyon: z.array(z.number()).readonly(), linux: z.array(z.number()).readonly() }).optional(),
  raw: z.record(z.string(), z.unknown()).readonly().optional(),
  /** Why there is no value. */
  error: z.string().optional(),
});

const reportSchema = z.object({
  date: z.string(),
  machine: machineSchema,
  /** Of everything that a figure depends on. */
  versions: z.record(z.string(), z.string()),
  figures: z.array(figureSchema).readonly(),
});

/** What the times in a report depend on. */
export type Machine = z.output<typeof machineSchema>;
/** A figure of a report; without a value when it was not measured. */
export type ReportFigure = z.output<typeof figureSchema>;
export type Report = z.output<typeof reportSchema>;

/** The report of a run as a value for JSON.stringify; targets are the most that is accepted, in the figure's unit. */
export function report(definitions: readonly Definition[], results: Results, about: Omit<Report, "figures">): Report {
  return {
    ...about,
    figures: definitions.map((definition) => {
      const result = results.get(definition.name);
      const measured = result instanceof Error ? { error: result.message } : result;
      return { ...definition, ...measured, verdict: verdict(definition, result) };
    }),
  };
}

/** Reads a report. @throws KaryonError BENCH_REPORT when it is none */
export async function readReport(path: string): Promise<Report> {
  try {
    return reportSchema.parse(JSON.parse(await readFile(path, "utf8")));
  } catch (error) {
    const mend = "name a JSON file that npm run bench has written";
    throw new KaryonError("BENCH_REPORT", `${displayPath(path)} is no report of the bench`, mend, { cause: error });
  }
}

/** This machine, now. */
export function thisMachine(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    load: loadavg()[0] ?? 0,
  };
}
