// The values of a report as the rows of a chart.
import { SIDES, SIDE_TITLES } from "../comparison.ts";
import type { ReportFigure } from "../report/report.ts";
import { spread } from "../spread.ts";

/** Figures by name. */
export type Figures = ReadonlyMap<string, ReportFigure>;

/** A side's value, and how far its repetitions reach. */
export interface Row {
  readonly who: string;
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly [place: string]: string | number;
}

/** The rows of a comparison, one a side, each with `place` added; none when it was not measured. `scale` multiplies. */
export function sideRows(
  figure: ReportFigure | undefined,
  place: Readonly<Record<string, string | number>>,
  scale = 1,
): Row[] {
  const { sides } = figure ?? {};
  if (sides === undefined) return [];
  return SIDES.map((side) => {
    const { median, least, most } = spread(sides[side]);
    return { ...place, who: SIDE_TITLES[side], median: median * scale, least: least * scale, most: most * scale };
  });
}
