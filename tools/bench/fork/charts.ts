// Charts of `npm run bench -- fork` as SVG files, drawn by Vega-Lite.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TopLevelSpec } from "vega-lite";
import { base, COLOURS, svg, WIDTH } from "../charts/draw.ts";
import type { Cost } from "./instructions.ts";
import type { ForkResults } from "./results.ts";
import { spread } from "../spread.ts";
import { firstInstruction } from "./stages.ts";
import { STAGES_MEMORY, stepShares } from "./tables.ts";
import type { Times } from "./times.ts";
import { WAYS, WAY_TITLES } from "./ways.ts";

const MS = 1e6;

/** Draws what there is into `folder`; the files' paths. */
export async function drawCharts({ times, costs }: ForkResults, folder: string): Promise<string[]> {
  const charts: [string, TopLevelSpec][] = [];
  if (!(times instanceof Error)) {
    charts.push(["fork-times.svg", timesChart(times)], ["fork-children.svg", childrenChart(times)]);
    const stages = stagesChart(times);
    if (stages !== undefined) charts.push(["fork-stages.svg", stages]);
  }
  if (!(costs instanceof Error) && costs.length > 0) charts.push(["fork-instructions.svg", costsChart(costs)]);
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (const [name, chart] of charts) {
    const file = join(folder, name);
    await writeFile(file, await svg(chart));
    files.push(file);
  }
  return files;
}

/** Time by guest size, on a scale of powers of ten. Exported for its test. */
export function timesChart({ forks, others }: Times): TopLevelSpec {
  const names = [...WAYS.map((way) => `fork(), ${WAY_TITLES[way]}`), "xl create", "xl save -c, xl restore"];
  const row = (name: string, memory: number, times: readonly number[]): object[] => {
    if (times.length === 0) return [];
    const { median, least, most } = spread(times);
    return [{ name, memory: `${memory} MiB`, median: median / MS, least: least / MS, most: most / MS }];
  };
  const fewest = Math.min(...forks.filter(({ network }) => !network).map(({ existing }) => existing));
  const values = [
    ...forks
      .filter(({ network, existing }) => !network && existing === fewest)
      .flatMap(({ way, memory, samples }) => row(`fork(), ${WAY_TITLES[way]}`, memory, samples.map(firstInstruction))),
    ...others.flatMap(({ what, memory, times }) => {
      if (what === "create") return row("xl create", memory, times);
      return what === "save-restore" ? row("xl save -c, xl restore", memory, times) : [];
    }),
  ];
  const x = {
    field: "memory",
    type: "ordinal",
    sort: null,
    title: "memory of the guest",
    axis: { labelAngle: 0 },
  } as const;
  const color = {
    field: "name",
    type: "nominal",
    sort: names,
    title: null,
    scale: { domain: names, range: COLOURS },
  } as const;
  const scale = { type: "log" } as const;
  return {
    ...base("From the call to the first instruction (xl: to the first output); median and range"),
    data: { values },
    width: WIDTH,
    height: 300,
    layer: [
      {
        mark: { type: "rule", strokeWidth: 2, opacity: 0.5 },
        encoding: {
          x,
          y: { field: "least", type: "quantitative", scale, title: "ms" },
          y2: { field: "most" },
          color,
        },
      },
      {
        mark: { type: "line", point: { size: 70, filled: true } },
        encoding: { x, y: { field: "median", type: "quantitative", scale }, color },
      },
    ],
  };
}

/** Time by the number of children that are there, one picture for each guest size. Exported for its test. */
export function childrenChart({ forks }: Times): TopLevelSpec {
  const values = forks
    .filter(({ network, samples }) => !network && samples.length > 0)
    .map(({ way, memory, existing, samples }) => ({
      way: WAY_TITLES[way],
      memory: `${memory} MiB`,
      existing,
      time: spread(samples.map((sample) => sample.parent)).median / MS,
    }));
  const names = WAYS.map((way) => WAY_TITLES[way]);
  return {
    ...base("fork() in the parent, by children that are there; median"),
    data: { values },
    facet: { column: { field: "memory", type: "ordinal", sort: null, title: null } },
    spec: {
      width: 170,
      height: 220,
      mark: { type: "line", point: { size: 60, filled: true } },
      encoding: {
        x: { field: "existing", type: "ordinal", title: "children", axis: { labelAngle: 0 } },
        y: { field: "time", type: "quantitative", scale: { type: "log" }, title: "ms" },
        color: { field: "way", type: "nominal", sort: names, title: null, scale: { domain: names, range: COLOURS } },
      },
    },
  };
}

function stagesChart(times: Times): TopLevelSpec | undefined {
  const values = WAYS.flatMap((way) => {
    const steps = Object.entries(stepShares(times, way, STAGES_MEMORY) ?? {});
    return steps.map(([step, time], order) => ({ way: WAY_TITLES[way], step, order, time: time / MS }));
  });
  if (values.length === 0) return undefined;
  const names = values.slice(0, 11).map(({ step }) => step);
  return {
    ...base(`Steps of a fork, ${STAGES_MEMORY} MiB: share of the time from the call to the child's return`),
    data: { values },
    width: WIDTH,
    height: 150,
    mark: "bar",
    encoding: {
      y: { field: "way", type: "nominal", sort: null, title: null },
      x: { field: "time", type: "quantitative", stack: "normalize", title: "share", axis: { format: "%" } },
      color: {
        field: "step",
        type: "nominal",
        sort: names,
        title: null,
        scale: { scheme: "tableau20", domain: names },
      },
      order: { field: "order", type: "quantitative" },
    },
  };
}

function costsChart(costs: readonly Cost[]): TopLevelSpec {
  const values = costs.flatMap(({ who, heap, fork, whole }) => {
    const count = who === "linux" ? whole : fork;
    const name = who === "linux" ? "Linux: fork, _exit, wait" : `fork(), ${WAY_TITLES[who]}`;
    return count === undefined || count <= 0 ? [] : [{ name, heap: `${heap} MiB of heap`, count }];
  });
  const names = [...WAYS.map((way) => `fork(), ${WAY_TITLES[way]}`), "Linux: fork, _exit, wait"];
  return {
    ...base("Instructions on the parent's CPU"),
    data: { values },
    width: WIDTH,
    height: 200,
    mark: { type: "point", filled: true, size: 120, opacity: 1 },
    encoding: {
      y: { field: "name", type: "nominal", sort: names, title: null },
      x: { field: "count", type: "quantitative", scale: { type: "log" }, title: "instructions" },
      color: { field: "heap", type: "nominal", sort: null, title: null, scale: { range: COLOURS } },
    },
  };
}
