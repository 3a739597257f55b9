// The JSON file of `npm run bench`: the same figures as the table, with the raw numbers behind them.
import { cpus, loadavg } from "node:os";
import { commandOf, verdict, type Definition, type Results } from "../figures.ts";

/** What the times in a report depend on. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  /** Load average of the minute before the report. */
  readonly load: number;
  readonly node: string;
}

/** The report as a value for JSON.stringify; `target` is the most that is accepted, in `unit`. */
export function report(definitions: readonly Definition[], results: Results, date: Date, machine: Machine): object {
  return {
    date: date.toISOString(),
    machine,
    figures: definitions.map((definition) => {
      const result = results.get(definition.name);
      const measured = result instanceof Error ? { error: result.message } : result;
      return { ...definition, ...measured, verdict: verdict(definition, result), command: commandOf(definition) };
    }),
  };
}

/** This machine, now. */
export function thisMachine(): Machine {
  const processors = cpus();
  return {
    processor: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    load: loadavg()[0] ?? 0,
    node: process.version,
  };
}
