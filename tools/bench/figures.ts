// What is measured, and the target of each figure: the one list that the table, the JSON file and --help follow.
import { CALL_FIGURES } from "./calls/probes.ts";
import { HTTP_LOADS } from "./http/loads.ts";
import { LOOPS } from "./loops/figures.ts";

/** The parts that can be run by name, in the order they run. */
export const PARTS = ["size", "memory", "boot", "http", "calls", "loops", "build", "fork", "tests"] as const;
export type Part = (typeof PARTS)[number];

/** kB is 1000 bytes; MiB as xl's `memory=` counts; ratio is ours divided by what it is compared with; s is seconds. */
export type Unit = "kB" | "MiB" | "ratio" | "s" | "calls";

/** A figure to be measured. */
export interface Definition {
  readonly name: string;
  readonly title: string;
  readonly part: Part;
  readonly unit: Unit;
  /** The most that is accepted; none when the figure is only for information. */
  readonly target?: number;
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
  /** Raw numbers for the JSON file. */
  readonly raw?: Readonly<Record<string, unknown>>;
}

/** By the figures' names; a part that fails gives its reason for each of its figures. */
export type Results = ReadonlyMap<string, Measurement | Error>;

export type Verdict = "met" | "missed" | "failed" | "not measured" | "no target";

const FORK_MEMORIES = [8, 32, 128];
const FORK_DEFINITIONS: readonly Definition[] = [
  ...FORK_MEMORIES.map((memory): Definition => ({
    name: `fork-pool-${memory}`,
    title: `fork, prepared child, ${memory} MiB: first instruction, of xl create`,
    part: "fork",
    unit: "ratio",
    target: 1 / 300,
  })),
  {
    name: "fork-flat",
    title: "fork, prepared child: 128 MiB of 8 MiB",
    part: "fork",
    unit: "ratio",
    target: 1.5,
  },
  {
    name: "fork-calls",
    title: "fork, prepared child: hypercalls of forkd",
    part: "fork",
    unit: "calls",
    target: 5,
  },
  ...FORK_MEMORIES.map((memory): Definition => ({
    name: `fork-copy-${memory}`,
    title: `fork by copying, ${memory} MiB: first instruction, of xl create`,
    part: "fork",
    unit: "ratio",
    target: 1 / 20,
  })),
  {
    name: "fork-instructions-1",
    title: "fork, 1 MiB of heap: instructions on its CPU, of Linux's",
    part: "fork",
    unit: "ratio",
    target: 1 / 10,
  },
  {
    name: "fork-instructions-64",
    title: "fork, 64 MiB of heap: instructions on its CPU, of Linux's",
    part: "fork",
    unit: "ratio",
    target: 1 / 200,
  },
  { name: "fork-memory", title: "idle child of 16 MiB: memory of its own", part: "fork", unit: "MiB", target: 1 },
  { name: "fork-dom0", title: "idle child of 16 MiB: memory of dom0", part: "fork", unit: "kB", target: 270 },
  { name: "fork-density", title: "guests by xl create that fit, of children that fit", part: "fork", unit: "ratio" },
];

/** All figures, in the order in which they are shown. */
export const DEFINITIONS: readonly Definition[] = [
  { name: "size-hello", title: "image of hello, stripped", part: "size", unit: "kB", target: 120 },
  { name: "size-httpd", title: "image of httpd, stripped", part: "size", unit: "kB", target: 300 },
  { name: "memory-hello", title: "least memory that runs hello", part: "memory", unit: "MiB", target: 2 },
  { name: "memory-httpd", title: "least memory that runs httpd", part: "memory", unit: "MiB", target: 4 },
  {
    name: "boot",
    title: "boot to the first HTTP answer: instructions, ours of Linux's",
    part: "boot",
    unit: "ratio",
    target: 1 / 500,
  },
  ...HTTP_LOADS.map(({ name, title, target }): Definition => ({
    name,
    title: `HTTP, ${title}: instructions, ours of Linux's`,
    part: "http",
    unit: "ratio",
    ...(target === undefined ? {} : { target }),
  })),
  ...CALL_FIGURES.map(({ name, title, target }): Definition => ({
    name,
    title: `${title}: instructions, ours of Linux's`,
    part: "calls",
    unit: "ratio",
    ...(target === undefined ? {} : { target }),
  })),
  ...LOOPS.map(({ name, title }): Definition => ({
    name: `loop-${name}`,
    title: `${title}: instructions, AssemblyScript's of C's`,
    part: "loops",
    unit: "ratio",
  })),
  { name: "build", title: "image build of a changed app, warm", part: "build", unit: "s", target: 5 },
  ...FORK_DEFINITIONS,
  { name: "tests", title: "npm test", part: "tests", unit: "s", target: 600 },
];

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
  return `${rounded(value)} ${unit}`;
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
