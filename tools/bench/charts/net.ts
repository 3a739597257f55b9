// The charts of the network: instructions for what is sent, and what comes through where frames are lost.
import type { TopLevelSpec } from "vega-lite";
import { SIDES, SIDE_TITLES } from "../comparison.ts";
import { BULK_FIGURES } from "../net/bulk.ts";
import { EXCHANGE_TITLES } from "../net/exchange.ts";
import { LOSS_TITLES } from "../net/loss.ts";
import { dotsChart } from "./dots.ts";
import { base, SIDE_COLOURS, WIDTH } from "./draw.ts";
import { sideRows, type Figures } from "./values.ts";

const HEIGHT_OF_ONE = 44;

/** Instructions a megabyte and a small message; undefined when nothing was measured. */
export function netChart(figures: Figures): TopLevelSpec | undefined {
  const bulk = BULK_FIGURES.filter(({ aside }) => aside !== true).map(({ name, title }) => ({
    name,
    title: title.replace(/: .*/, ", a megabyte"),
  }));
  const rows = [...bulk, ...EXCHANGE_TITLES].flatMap(({ name, title }) => sideRows(figures.get(name), { what: title }));
  if (rows.length === 0) return undefined;
  return dotsChart("The network: bulk and small messages", "instructions, Xen's included", rows);
}

/** A dot for each transfer, a tick for the median of each side; undefined when nothing was measured. */
export function lossChart(figures: Figures): TopLevelSpec | undefined {
  const values = LOSS_TITLES.flatMap(({ name, title }) =>
    SIDES.flatMap((side) =>
      (figures.get(name)?.sides?.[side] ?? []).map((seconds) => ({
        what: title,
        who: SIDE_TITLES[side],
        goodput: 1 / seconds,
      })),
    ),
  );
  if (values.length === 0) return undefined;
  const y = { field: "what", type: "nominal", sort: null, title: null } as const;
  const yOffset = { field: "who", type: "nominal", sort: null } as const;
  const color = {
    field: "who",
    type: "nominal",
    sort: null,
    title: null,
    scale: { domain: SIDES.map((side) => SIDE_TITLES[side]), range: SIDE_COLOURS },
  } as const;
  const x = {
    field: "goodput",
    type: "quantitative",
    scale: { zero: true },
    title: "MB/s on the counting machine's clock: 1 % of the frames lost, 20 ms there and back",
  } as const;
  return {
    ...base("Goodput of bulk TCP with loss, CUBIC; a dot is a transfer of 16 MB"),
    data: { values },
    width: WIDTH,
    height: LOSS_TITLES.length * HEIGHT_OF_ONE,
    layer: [
      { mark: { type: "point", filled: true, size: 50, opacity: 0.5 }, encoding: { x, y, yOffset, color } },
      {
        mark: { type: "tick", thickness: 3, size: 18 },
        encoding: { x: { ...x, aggregate: "median" }, y, yOffset, color },
      },
    ],
  };
}
