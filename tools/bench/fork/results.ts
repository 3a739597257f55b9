// The figures with targets (../figures.ts), from everything measured. Where a part of a figure is missing there is no figure.
import { KaryonError } from "../../support/errors.ts";
import { countText, type Measurement, type Results } from "../figures.ts";
import { quotient } from "../comparison.ts";
import type { Cost } from "./instructions.ts";
import type { Memory } from "./memory.ts";
import { spread } from "../spread.ts";
import { timeText } from "./samples.ts";
import { callCount, firstInstruction } from "./stages.ts";
import type { ForkTimes, Repeated, Times } from "./times.ts";
import { WAY_TITLES, type Way } from "./ways.ts";

/** Everything measured; a part that failed as a whole by its error. */
export interface ForkResults {
  readonly times: Times | Error;
  readonly costs: readonly Cost[] | Error;
  readonly memory: Memory | Error;
}

/** The figures of part "fork". */
export function forkFigures(results: ForkResults): Results {
  const figures = new Map<string, Measurement | Error>();
  const add = (name: string, figure: () => Measurement): void => {
    try {
      figures.set(name, figure());
    } catch (error) {
      figures.set(name, error instanceof Error ? error : new Error(String(error)));
    }
  };
  for (const memory of [8, 32, 128]) {
    for (const way of ["pool", "copy"] as const) {
      add(`fork-${way}-${memory}`, () => ofCreate(there(results.times), way, memory));
    }
  }
  add("fork-flat", () => flat(there(results.times)));
  add("fork-calls", () => calls(there(results.times)));
  for (const heap of [1, 64]) add(`fork-instructions-${heap}`, () => instructions(there(results.costs), heap));
  add("fork-memory", () => {
    const { own } = idle(there(results.memory));
    return { value: own / 1024, made: `${own.toFixed(0)} KiB` };
  });
  add("fork-dom0", () => {
    const { dom0, children } = idle(there(results.memory));
    return { value: (dom0 * 1024) / 1000, made: `mean of ${children}` };
  });
  add("fork-density", () => {
    const { created, children, parents, ended } = there(results.memory).density;
    if (children === 0) throw missing("no child fits");
    return { value: created / children, made: `${created} of ${children}`, raw: { parents, ended } };
  });
  return figures;
}

function there<T>(part: T | Error): T {
  if (part instanceof Error) throw part;
  return part;
}

function missing(what: string): KaryonError {
  return new KaryonError("BENCH_FAILED", what);
}

/** The forks of a way with the fewest children; an error when there are none, or not all went well. */
function forksOf({ forks }: Times, way: Way, memory: number): ForkTimes {
  const cells = forks.filter((cell) => cell.way === way && cell.memory === memory && !cell.network);
  const cell = cells.toSorted((a, b) => a.existing - b.existing)[0];
  if (cell === undefined) throw missing(`${WAY_TITLES[way]}, ${memory} MiB: not measured`);
  if (cell.missing !== undefined) throw missing(`${WAY_TITLES[way]}, ${memory} MiB: ${cell.missing}`);
  if (cell.samples.length <= cell.otherWay) {
    throw missing(`${WAY_TITLES[way]}, ${memory} MiB: ${cell.otherWay} forks were made in another way`);
  }
  return cell;
}

function othersOf({ others }: Times, what: Repeated["what"], memory: number): number[] {
  const found = others.find((other) => other.what === what && other.memory === memory);
  if (found === undefined || found.times.length === 0) throw missing(`${what}, ${memory} MiB: not measured`);
  if (found.missing !== undefined) throw missing(`${what}, ${memory} MiB: ${found.missing}`);
  return found.times;
}

function ofCreate(times: Times, way: Way, memory: number): Measurement {
  const { samples, otherWay } = forksOf(times, way, memory);
  const fork = spread(samples.map(firstInstruction));
  const create = spread(othersOf(times, "create", memory));
  return { ...quotient(fork, create, timeText), raw: { fork, create, otherWay } };
}

function flat(times: Times): Measurement {
  const [small, large] = [8, 128].map((memory) => spread(forksOf(times, "pool", memory).samples.map(firstInstruction)));
  if (small === undefined || large === undefined) throw missing("not measured");
  return { ...quotient(large, small, timeText), raw: { small, large } };
}

function calls({ forks }: Times): Measurement {
  const counts = forks
    .filter(({ way, network }) => way === "pool" && !network)
    .flatMap(({ samples }) => samples.map(callCount))
    .filter((count) => count !== undefined);
  if (counts.length === 0) throw missing("no fork told of its hypercalls");
  const { median, least, most } = spread(counts);
  return { value: median, range: [least, most], raw: { forks: counts.length } };
}

function instructions(costs: readonly Cost[], heap: number): Measurement {
  const of = (who: Cost["who"]): Cost => {
    const cost = costs.find((each) => each.who === who && each.heap === heap);
    if (cost === undefined) throw missing(`${who}, ${heap} MiB of heap: not measured`);
    if (cost.missing !== undefined) throw missing(`${who}, ${heap} MiB of heap: ${cost.missing}`);
    return cost;
  };
  const [ours, linux] = [of("pool"), of("linux")];
  if (ours.fork === undefined || linux.whole === undefined) throw missing("not measured");
  return {
    value: ours.fork / linux.whole,
    made: `${countText(ours.fork)} of ${countText(linux.whole)}`,
    raw: { ours, linux },
  };
}

function idle({ idle: all }: Memory): Memory["idle"][number] {
  const found = all.find(({ way }) => way === "pool");
  if (found === undefined) throw missing("not measured");
  return found;
}
