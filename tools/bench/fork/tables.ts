// The tables of `npm run bench -- fork`, at most 80 columns wide: medians with least and most.
import Table from "cli-table3";
import { countText } from "../figures.ts";
import type { Cost } from "./instructions.ts";
import type { Memory } from "./memory.ts";
import type { ForkResults } from "./results.ts";
import { spread } from "../spread.ts";
import { spreadText, timeText } from "./samples.ts";
import { firstInstruction, networkReady, STEPS, stepTimes, type Step } from "./stages.ts";
import type { ForkTimes, Times } from "./times.ts";
import { WAYS, WAY_TITLES, type Way } from "./ways.ts";

const NONE = "–";

/** All tables as one text. */
export function forkTables({ times, costs, memory }: ForkResults): string {
  const parts = [
    ...(times instanceof Error ? [] : [forkTable(times), otherTable(times), networkTable(times), stageTable(times)]),
    ...(costs instanceof Error ? [] : [costTable(costs)]),
    ...(memory instanceof Error ? [] : [memoryTable(memory)]),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

// No lines between rows.
const COMPACT = { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" };

function table(title: string, head: readonly string[], widths: readonly number[], rows: readonly string[][]): string {
  const style = { head: [], border: [] };
  const made = new Table({ head: [...head], colWidths: [...widths], wordWrap: true, style, chars: COMPACT });
  made.push(...rows);
  return `${title}\n${made.toString()}`;
}

function forkTable({ forks }: Times): string {
  const cells = forks.filter(({ network }) => !network);
  const rows = [...new Map(cells.map((cell) => [`${cell.memory} ${cell.existing}`, cell])).values()].map(
    ({ memory, existing }) => [
      `${memory} MiB\n+ ${existing}`,
      ...WAYS.map((way) =>
        forkCell(cells.find((cell) => cell.way === way && cell.memory === memory && cell.existing === existing)),
      ),
    ],
  );
  const head = ["", ...WAYS.map((way) => WAY_TITLES[way])];
  return table(
    "fork(), from the call: return in the parent; first instruction of the child\n(by memory, and children that are there already; median and range)",
    head,
    [9, 22, 22, 22],
    rows,
  );
}

function forkCell(cell: ForkTimes | undefined): string {
  if (cell === undefined) return NONE;
  if (cell.samples.length === 0) return cell.missing === undefined ? NONE : briefly(cell.missing);
  const parent = spreadText(spread(cell.samples.map((sample) => sample.parent)));
  const child = spreadText(spread(cell.samples.map(firstInstruction)));
  const failed = cell.missing === undefined ? [] : [`then: ${briefly(cell.missing)}`];
  const other = cell.otherWay === 0 ? [] : [`${cell.otherWay} otherwise`];
  return [parent, child, ...failed, ...other].join("\n");
}

function briefly(reason: string): string {
  const [line = ""] = reason.split("\n");
  return line.startsWith("does not fit") ? "does not fit" : `failed: ${line.slice(0, 30)}`;
}

function otherTable({ others }: Times): string {
  const titles = {
    create: "xl create to the app's first output",
    "save-restore": "xl save -c, xl restore to first output",
    linux: "Linux process: fork, _exit, wait",
  } as const;
  const rows = others.flatMap(({ what, memory, times, missing }) =>
    what === "create-network"
      ? []
      : [
          [
            titles[what],
            what === "linux" ? `${memory} MiB heap` : `${memory} MiB`,
            times.length === 0 ? (missing ?? NONE) : spreadText(spread(times)),
          ],
        ],
  );
  return table("Beside it, in the same lab", ["", "memory", "median (range)"], [40, 14, 22], rows);
}

function networkTable({ forks, others }: Times): string {
  const rows = forks
    .filter(({ network, samples }) => network && samples.length > 0)
    .map(({ way, samples }) => {
      const ready = samples.map(networkReady).filter((time) => time !== undefined);
      return [
        `fork(): ${WAY_TITLES[way]}`,
        spreadText(spread(samples.map(firstInstruction))),
        ready.length === 0 ? NONE : spreadText(spread(ready)),
      ];
    });
  const created = others.find(({ what }) => what === "create-network");
  if (created !== undefined && created.times.length > 0) {
    rows.push(["xl create", NONE, spreadText(spread(created.times))]);
  }
  const head = ["8 MiB, network device", "first instruction", "network"];
  return table("To a network that is ready", head, [30, 23, 23], rows);
}

/** The mean share of each step, by way; 0 forks when none told. */
export function stepShares({ forks }: Times, way: Way, memory: number): Readonly<Record<Step, number>> | undefined {
  const told = forks
    .filter((cell) => cell.way === way && cell.memory === memory && !cell.network)
    .flatMap(({ samples }) => samples.map(stepTimes))
    .filter((steps) => steps !== undefined);
  if (told.length === 0) return undefined;
  return Object.fromEntries(STEPS.map((step) => [step, spread(told.map((steps) => steps[step])).median])) as Record<
    Step,
    number
  >;
}

/** MiB of the guests whose stages are shown. */
export const STAGES_MEMORY = 32;

function stageTable(times: Times): string {
  const shares = WAYS.map((way) => stepShares(times, way, STAGES_MEMORY));
  if (shares.every((steps) => steps === undefined)) return "";
  const rows = STEPS.map((step) => [
    step,
    ...shares.map((steps) => {
      if (steps === undefined) return NONE;
      const all = Object.values(steps).reduce((sum, time) => sum + time, 0);
      return `${timeText(steps[step])}  ${((100 * steps[step]) / all).toFixed(0)} %`;
    }),
  ]);
  const title = `Steps from the call to the child's return, ${STAGES_MEMORY} MiB: median, share`;
  return table(title, ["", ...WAYS.map((way) => WAY_TITLES[way])], [26, 16, 16, 16], rows);
}

function costTable(costs: readonly Cost[]): string {
  const text = (count: number | undefined): string => (count === undefined ? NONE : countText(count));
  const rows = costs.map(({ who, heap, fork, whole, elsewhere, missing }) => [
    who === "linux" ? "Linux process" : `fork(): ${WAY_TITLES[who]}`,
    `${heap} MiB`,
    missing === undefined ? text(fork) : "failed",
    text(whole),
    text(elsewhere),
  ]);
  const head = ["instructions", "heap", "fork(), parent's CPU", "with _exit and wait", "elsewhere: dom0, child"];
  return table("Instructions for one fork", head, [24, 9, 13, 13, 15], rows);
}

function memoryTable({ idle, density }: Memory): string {
  const kib = (value: number): string => `${value.toFixed(0)} KiB`;
  const rows = [
    ["memory of its own", ...idle.map(({ own }) => kib(own))],
    ["Xen's free memory lost", ...idle.map(({ xen }) => kib(xen))],
    ["dom0's available memory lost", ...idle.map(({ dom0 }) => kib(dom0))],
    ["… in forkd", ...idle.map(({ forkd }) => kib(forkd))],
    ["… in xenstored and xenconsoled", ...idle.map((each) => kib(each.xenstored + each.xenconsoled))],
  ];
  const title = `An idle child of a ${density.memory} MiB guest, mean of ${idle[0]?.children ?? 0}`;
  const head = ["", ...idle.map(({ way }) => WAY_TITLES[way])];
  const { created, children, parents, ended, free } = density;
  const fit =
    `In ${free} MiB fit ${created} guests by xl create, or ${parents} parents with ${children} children\n` +
    `(${ended}).`;
  return `${table(title, head, [36, ...idle.map(() => 20)], rows)}\n${fit}`;
}
