// The charts of a report, drawn from its figures alone: a run draws its own, and docs/benchmarks.md has those of the runs it tells of.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TopLevelSpec } from "vega-lite";
import { z } from "zod";
import { CALL_FIGURES } from "../calls/probes.ts";
import { SIDES, SIDE_TITLES } from "../comparison.ts";
import { HTTP_LOADS } from "../http/loads.ts";
import { LOOPS } from "../loops/loops.ts";
import { DEFINITIONS } from "../parts.ts";
import { spread } from "../spread.ts";
import { dotsChart } from "./dots.ts";
import { base, svg, WIDTH } from "./draw.ts";
import { linesChart } from "./lines.ts";
import { lossChart, netChart } from "./net.ts";
import { ratiosChart } from "./ratios.ts";
import { sideRows, type Figures, type Row } from "./values.ts";

/** Each chart by the name of its file; undefined when there is nothing to draw. */
const CHARTS: Readonly<Record<string, (figures: Figures) => TopLevelSpec | undefined>> = {
  ratios: (figures) => ratiosChart(DEFINITIONS, figures),
  size: sizeChart,
  boot: bootChart,
  calls: callsChart,
  loops: loopsChart,
  http: httpChart,
  latency: latencyChart,
  scale: scaleChart,
  net: netChart,
  loss: lossChart,
};

/** Draws what there is into `folder` as bench-<name>.svg; the files' paths. */
export async function drawCharts(figures: Figures, folder: string): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (const [name, make] of Object.entries(CHARTS)) {
    const chart = make(figures);
    if (chart === undefined) continue;
    const file = join(folder, `bench-${name}.svg`);
    await writeFile(file, `${await svg(chart)}\n`);
    files.push(file);
  }
  return files;
}

function unlessEmpty(rows: readonly Row[], chart: () => TopLevelSpec): TopLevelSpec | undefined {
  return rows.length === 0 ? undefined : chart();
}

function httpChart(figures: Figures): TopLevelSpec | undefined {
  const rows = HTTP_LOADS.filter(({ file }) => file === "index.html").flatMap(({ name, clients, keepAlive }) =>
    sideRows(figures.get(name), { clients, how: keepAlive ? "keep-alive" : "a connection each" }),
  );
  const axes = { x: "clients", xTitle: "clients at the same time", yTitle: "instructions a request", kind: "how" };
  return unlessEmpty(rows, () =>
    linesChart({ title: "HTTP, a page of 612 bytes: guest and Xen on its behalf", ...axes }, rows),
  );
}

function scaleChart(figures: Figures): TopLevelSpec | undefined {
  const rows = [1, 2, 4, 8].flatMap((guests) => sideRows(figures.get(`scale-${guests}`), { guests }));
  const axes = { x: "guests", xTitle: "guests that share a CPU, 4 clients each", yTitle: "instructions a request" };
  return unlessEmpty(rows, () => linesChart({ title: "HTTP, a page of 612 bytes, from many guests", ...axes }, rows));
}

function latencyChart(figures: Figures): TopLevelSpec | undefined {
  const rows = [1, 32].flatMap((clients) =>
    [50, 90, 99].flatMap((percentile) => {
      const place = { percentile: `${percentile} %`, clients: clients === 1 ? "1 client" : `${clients} clients` };
      return sideRows(figures.get(`latency-${clients}-${percentile}`), place, 1e-3);
    }),
  );
  const axes = { x: "percentile", xTitle: "of the answers came within", yTitle: "s on the counting machine's clock" };
  const about = { title: "How long a client waits for 612 bytes", ...axes, kind: "clients", logarithmic: true };
  return unlessEmpty(rows, () => linesChart(about, rows));
}

function callsChart(figures: Figures): TopLevelSpec | undefined {
  const rows = CALL_FIGURES.flatMap(({ name, title }) => sideRows(figures.get(name), { what: title }));
  return unlessEmpty(rows, () => dotsChart("System calls", "instructions, Xen's included", rows));
}

function loopsChart(figures: Figures): TopLevelSpec | undefined {
  const rows = LOOPS.flatMap(({ name, title }) => sideRows(figures.get(`loop-${name}`), { what: title }));
  const named = rows.map((row) => ({ ...row, who: row.who === SIDE_TITLES.linux ? "C" : "AssemblyScript" }));
  const title = "Hot loops: AssemblyScript by way of wasm, and C";
  return unlessEmpty(rows, () => dotsChart(title, "instructions of one pass", named, ["AssemblyScript", "C"]));
}

const stagesSchema = z.object({
  stages: z.object({
    karyon: z.record(z.string(), z.array(z.number())),
    linux: z.record(z.string(), z.array(z.number())),
  }),
});

function bootChart(figures: Figures): TopLevelSpec | undefined {
  const { success, data } = stagesSchema.safeParse(figures.get("boot")?.raw);
  if (!success) return undefined;
  const rows = SIDES.flatMap((side) =>
    Object.entries(data.stages[side]).map(([what, counts]): Row => {
      const { median, least, most } = spread(counts);
      return { who: SIDE_TITLES[side], what: `${SIDE_TITLES[side]}: ${what}`, median, least, most };
    }),
  );
  return dotsChart("Boot: instructions from a domain's first one to …", "instructions, Xen's included", rows);
}

const partsSchema = z.object({ parts: z.record(z.string(), z.number()) });

function sizeChart(figures: Figures): TopLevelSpec | undefined {
  const values = ["hello", "httpd"].flatMap((image) => {
    const { success, data } = partsSchema.safeParse(figures.get(`size-${image}`)?.raw);
    return success ? Object.entries(data.parts).map(([part, bytes]) => ({ image, part, kilobytes: bytes / 1000 })) : [];
  });
  if (values.length === 0) return undefined;
  return {
    ...base("What the images are made of"),
    data: { values },
    width: WIDTH,
    height: 110,
    mark: "bar",
    encoding: {
      y: { field: "image", type: "nominal", sort: null, title: null },
      x: { field: "kilobytes", type: "quantitative", stack: "zero", title: "kB" },
      color: {
        field: "part",
        type: "nominal",
        sort: null,
        title: null,
        scale: { scheme: "tableau10" },
        legend: { labelLimit: 300 },
      },
    },
  };
}
