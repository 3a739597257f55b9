// `npm run bench -- --compare <json>`: the figures of this run beside those of an earlier one.
import { valueText, type Definition, type Results } from "../figures.ts";
import type { Report } from "./report.ts";

/** A change of less says nothing, where the repetitions tell nothing better. */
const NOISE = 0.02;

/** A figure then and now. Of every figure less is better. */
export interface Change {
  readonly definition: Definition;
  readonly before: number;
  readonly now: number;
  readonly judgement: "worse" | "better" | "same";
}

/** The figures that both runs measured. */
export function changes(
  earlier: Pick<Report, "figures">,
  definitions: readonly Definition[],
  results: Results,
): Change[] {
  return definitions.flatMap((definition) => {
    const then = earlier.figures.find(({ name }) => name === definition.name);
    const result = results.get(definition.name);
    if (then?.value === undefined || result === undefined || result instanceof Error) return [];
    const before = then.range ?? [then.value * (1 - NOISE), then.value * (1 + NOISE)];
    const now = result.range ?? [result.value * (1 - NOISE), result.value * (1 + NOISE)];
    const judgement = now[0] > before[1] ? "worse" : now[1] < before[0] ? "better" : "same";
    return [{ definition, before: then.value, now: result.value, judgement }];
  });
}

/** The changes as lines of at most 80 characters, those for the worse first. */
export function changesText(list: readonly Change[], date: string): string {
  const order = ["worse", "better", "same"];
  const sorted = list.toSorted((a, b) => order.indexOf(a.judgement) - order.indexOf(b.judgement));
  const lines = sorted.map(({ definition: { name, unit }, before, now, judgement }) => {
    const percent = `${now >= before ? "+" : ""}${(100 * (now / before - 1)).toFixed(1)} %`;
    const [then, since] = [valueText(before, unit), valueText(now, unit)];
    return `${judgement.padEnd(8)}${name.padEnd(26)}${then.padStart(14)}${since.padStart(14)}${percent.padStart(12)}`;
  });
  return [`Beside the run of ${date}:`, ...lines].join("\n");
}
