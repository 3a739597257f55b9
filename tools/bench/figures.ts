// What a figure is: its definition, what was measured, whether that meets its target, and how values are written.
import type { Repetitions } from "./comparison.ts";

/** kB is 1000 bytes; MiB as xl's `memory=` counts; ratio is ours divided by what it is compared with; s is seconds. */
export type Unit = "kB" | "MiB" | "ratio" | "s" | "ms" | "calls" | "instructions";

/** A figure to be measured. Of every figure less is better. */
export interface Definition {
  readonly name: string;
  readonly title: string;
  /** The part of the bench that measures it: `npm run bench -- <part>`. */
  readonly part: string;
  readonly unit: Unit;
  /** The most that is accepted; none when the figure is only for information. */
  readonly target?: number;
  /** Says how to read another figure, and is not to be compared with others. */
  readonly aside?: true;
}

/** What a part found out about one figure. */
export interface Measurement {
  readonly value: number;
  /** The least and the most that its repetitions came to. */
  readonly range?: readonly [least: number, most: number];
  /** What the value is made of, for the table: "1.70 M of 2.99 G". */
  readonly made?: string;
  /** What keeps it from being better, when that is known. */
  readonly limit?: string;
  /** Of a comparison: the values of each side, one a repetition. */
  readonly sides?: Repetitions;
  /** Raw numbers for the JSON file. */
  readonly raw?: Readonly<Record<string, unknown>>;
}

/** By the figures' names; a part that fails gives its reason for each of its figures. */
export type Results = ReadonlyMap<string, Measurement | Error>;

export type Verdict = "met" | "missed" | "failed" | "not measured" | "no target";

/** Whether a result meets its target. */
export function verdict({ target }: Definition, result: Measurement | Error | undefined): Verdict {
  if (result === undefined) return "not measured";
  if (result instanceof Error) return "failed";
  if (target === undefined) return "no target";
  return result.value <= target ? "met" : "missed";
}

/** A value with its unit, for people. */
export function valueText(value: number, unit: Unit): string {
  if (unit === "ratio") return value >= 1 || value <= 0 ? value.toFixed(2) : `1/${rounded(1 / value)}`;
  return unit === "instructions" ? countText(value) : `${rounded(value)} ${unit}`;
}

/** An instruction count for people: "1.70 M". */
export function countText(count: number): string {
  const scale = ([1e9, 1e6, 1e3] as const).find((size) => count >= size) ?? 1;
  const suffix = { 1e9: " G", 1e6: " M", 1e3: " k", 1: "" }[scale];
  return scale === 1 ? String(Math.round(count)) : `${(count / scale).toPrecision(3)}${suffix}`;
}

/** The command that shows a figure. */
export function commandOf({ part }: Definition): string {
  return `npm run bench -- ${part}`;
}

// Three digits are what these figures are good for.
function rounded(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
