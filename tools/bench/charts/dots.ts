// Both sides as dots on one line a thing, on a scale of powers of ten: how far apart they are.
import type { TopLevelSpec } from "vega-lite";
import { SIDES, SIDE_TITLES } from "../comparison.ts";
import { base, SIDE_COLOURS, WIDTH } from "./draw.ts";
import type { Row } from "./values.ts";

const WHO = SIDES.map((side) => SIDE_TITLES[side]);
const HEIGHT_OF_ONE = 26;

/** A dot for the median of each side. `rows` have the thing's name in `what`. */
export function dotsChart(title: string, xTitle: string, rows: readonly Row[], who = WHO): TopLevelSpec {
  const things = [...new Set(rows.map(({ what }) => what))];
  const y = { field: "what", type: "nominal", sort: things, title: null, axis: { labelLimit: 420 } } as const;
  const scale = { type: "log" } as const;
  return {
    ...base(title),
    data: { values: [...rows] },
    width: WIDTH,
    height: things.length * HEIGHT_OF_ONE,
    layer: [
      {
        mark: { type: "rule", color: "#bbb" },
        encoding: {
          y,
          x: { field: "median", type: "quantitative", aggregate: "min", scale, title: xTitle, axis: { format: "~s" } },
          x2: { field: "median", aggregate: "max" },
        },
      },
      {
        mark: { type: "point", filled: true, size: 110, opacity: 1 },
        encoding: {
          y,
          x: { field: "median", type: "quantitative", scale, title: xTitle },
          color: {
            field: "who",
            type: "nominal",
            title: null,
            scale: { domain: who, range: SIDE_COLOURS },
          },
          shape: { field: "who", type: "nominal", title: null, scale: { domain: who } },
        },
      },
    ],
  };
}
