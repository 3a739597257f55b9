// Drawing: Vega-Lite makes SVG of a description. What all charts share stands here, so that they look like one family.
import type { TopLevelSpec } from "vega-lite";

const SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json";
/** Told apart by lightness too, for who sees no colours. */
export const COLOURS = ["#4c78a8", "#72b7b2", "#54a24b", "#e45756", "#f2a75c"];
/** Karyon's and its peer's. */
export const SIDE_COLOURS = ["#4c78a8", "#e45756"];
export const SIDE_COLOURS_PALE = ["#9ecae9", "#ff9d98"];
export const WIDTH = 460;

/** What every chart begins with. */
export function base(title: string): Pick<TopLevelSpec, "$schema" | "title" | "background" | "padding"> {
  return { $schema: SCHEMA, title: { text: title, anchor: "start" }, background: "white", padding: 8 };
}

/** The chart as SVG text. */
export async function svg(chart: TopLevelSpec): Promise<string> {
  // Loaded when there is something to draw: they take half a second.
  const [{ View, parse }, { compile }] = await Promise.all([import("vega"), import("vega-lite")]);
  return new View(parse(compile(chart).spec), { renderer: "none" }).toSVG();
}
