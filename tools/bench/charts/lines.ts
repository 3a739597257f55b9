// Both sides as lines: how something grows with something else.
import type { TopLevelSpec } from "vega-lite";
import { SIDES, SIDE_TITLES } from "../comparison.ts";
import { base, SIDE_COLOURS, WIDTH } from "./draw.ts";
import type { Row } from "./values.ts";

/** What a chart of lines is about. */
export interface Lines {
  readonly title: string;
  /** The field of the rows that goes to the right, and its name. */
  readonly x: string;
  readonly xTitle: string;
  readonly yTitle: string;
  /** The field by which lines of one side are told apart by their dashes. */
  readonly dash?: string;
  readonly logarithmic?: boolean;
}

const WHO = SIDES.map((side) => SIDE_TITLES[side]);

/** A line through the medians, and a rule over the range of each. */
export function linesChart(
  { title, x, xTitle, yTitle, dash, logarithmic = false }: Lines,
  rows: readonly Row[],
): TopLevelSpec {
  const scale = logarithmic ? ({ type: "log" } as const) : ({ zero: true } as const);
  const color = {
    field: "who",
    type: "nominal",
    title: null,
    scale: { domain: WHO, range: SIDE_COLOURS },
  } as const;
  const across = { field: x, type: "ordinal", sort: null, title: xTitle, axis: { labelAngle: 0 } } as const;
  const dashes =
    dash === undefined
      ? {}
      : ({
          strokeDash: {
            field: dash,
            type: "nominal",
            sort: null,
            title: null,
            legend: { symbolType: "stroke", symbolSize: 400 },
          },
        } as const);
  return {
    ...base(title),
    data: { values: [...rows] },
    width: WIDTH,
    height: 280,
    layer: [
      {
        mark: { type: "rule", strokeWidth: 2, opacity: 0.5 },
        encoding: {
          x: across,
          y: { field: "least", type: "quantitative", scale, title: yTitle, axis: { format: "~s" } },
          y2: { field: "most" },
          color,
          ...(dash === undefined ? {} : { detail: { field: dash } }),
        },
      },
      {
        mark: { type: "line", point: { size: 70, filled: true } },
        encoding: { x: across, y: { field: "median", type: "quantitative", scale }, color, ...dashes },
      },
    ],
  };
}
