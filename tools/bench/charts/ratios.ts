// Every comparison in one picture: how many times less Karyon takes, and what was asked for.
import type { TopLevelSpec } from "vega-lite";
import type { Definition } from "../figures.ts";
import { base, SIDE_COLOURS, WIDTH } from "./draw.ts";
import type { Figures } from "./values.ts";

const [OURS = "", THEIRS = ""] = SIDE_COLOURS;
const HEIGHT_OF_ONE = 20;

/** A dot for each ratio, its range, and a tick for its target; undefined when there is none. */
export function ratiosChart(definitions: readonly Definition[], figures: Figures): TopLevelSpec | undefined {
  const values = definitions.flatMap(({ name, title, unit, target, aside }) => {
    const { value, range, sides } = figures.get(name) ?? {};
    if (unit !== "ratio" || aside === true || value === undefined || value <= 0 || sides === undefined) return [];
    const [least, most] = range ?? [value, value];
    const ratio = { what: shortTitle(title), times: 1 / value, least: 1 / most, most: 1 / least };
    return [{ ...ratio, ...(target === undefined ? {} : { target: 1 / target }) }];
  });
  if (values.length === 0) return undefined;
  const y = {
    field: "what",
    type: "nominal",
    sort: values.map(({ what }) => what),
    title: null,
    axis: { labelLimit: 420 },
  } as const;
  const scale = { type: "log" } as const;
  const title = "times less than Linux (right of 1: Karyon takes less)";
  return {
    ...base("Karyon beside Linux, same Xen, same client; ticks: what was asked for"),
    data: { values },
    width: WIDTH,
    height: values.length * HEIGHT_OF_ONE,
    layer: [
      { mark: { type: "rule", color: "#999" }, encoding: { x: { datum: 1, type: "quantitative", scale } } },
      {
        mark: { type: "rule", color: OURS, strokeWidth: 3, opacity: 0.5 },
        encoding: { y, x: { field: "least", type: "quantitative", scale, title }, x2: { field: "most" } },
      },
      {
        mark: { type: "point", filled: true, size: 80, color: OURS, opacity: 1 },
        encoding: { y, x: { field: "times", type: "quantitative", scale } },
      },
      {
        transform: [{ filter: "isValid(datum.target)" }],
        mark: { type: "tick", color: THEIRS, thickness: 3, size: 14 },
        encoding: { y, x: { field: "target", type: "quantitative", scale } },
      },
    ],
  };
}

/** Without what all of them have in common. */
function shortTitle(title: string): string {
  return title
    .replace(/: (?:instructions(?: a megabyte)?|time a megabyte), ours of Linux's$/, "")
    .replace(/, ours of Linux's(?: with nginx)?$/, "");
}
