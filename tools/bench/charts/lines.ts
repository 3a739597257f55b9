// Both sides as lines: how something grows with something else.
import type { TopLevelSpec } from "vega-lite";
import { SIDES, SIDE_TITLES } from "../comparison.ts";
import { base, SIDE_COLOURS, SIDE_COLOURS_PALE, WIDTH } from "./draw.ts";
import type { Row } from "./values.ts";

/** What a chart of lines is about. */
export interface Lines {
  readonly title: string;
  /** The field of the rows that goes to the right, and its name. */
  readonly x: string;
  readonly xTitle: string;
  readonly yTitle: string;
  /** The field, of two values, by which lines of one side are told apart. */
  readonly kind?: string;
  readonly logarithmic?: boolean;
}

/** A line through the medians, and a rule over the range of each. */
export function linesChart(
  { title, x, xTitle, yTitle, kind, logarithmic = false }: Lines,
  rows: readonly Row[],
): TopLevelSpec {
  const nameOf = (who: string, of?: string | number): string => (of === undefined ? who : `${who}, ${of}`);
  const kinds = kind === undefined ? [undefined] : [...new Set(rows.map((row) => row[kind]))];
  const domain = SIDES.flatMap((side) => kinds.map((each) => nameOf(SIDE_TITLES[side], each)));
  const palette = SIDES.flatMap((_, i) => kinds.map((_, k) => [SIDE_COLOURS, SIDE_COLOURS_PALE][k]?.[i] ?? "black"));
  const values = rows.map((row) => ({ ...row, line: nameOf(row.who, kind === undefined ? undefined : row[kind]) }));
  const scale = logarithmic ? ({ type: "log" } as const) : ({ zero: true } as const);
  const legend = { labelLimit: 300, symbolOpacity: 1 } as const;
  const color = { field: "line", type: "nominal", title: null, scale: { domain, range: palette }, legend } as const;
  const across = { field: x, type: "ordinal", sort: null, title: xTitle, axis: { labelAngle: 0 } } as const;
  return {
    ...base(title),
    data: { values },
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
        },
      },
      {
        mark: { type: "line", point: { size: 70, filled: true } },
        encoding: { x: across, y: { field: "median", type: "quantitative", scale }, color },
      },
    ],
  };
}
