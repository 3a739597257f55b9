// Texts with places for figures: {{table http}} and the like in the template of docs/benchmarks.md.
import { KaryonError } from "../../support/errors.ts";
import { valueText, verdict, type Definition } from "../figures.ts";
import { DEFINITIONS } from "../parts.ts";
import type { Collection, DatedFigure } from "./collect.ts";

/**
 * Fills a template:
 *   {{table <part>}}      all figures of a part
 *   {{value <figure>}}    a figure's value
 *   {{made <figure>}}     what it is made of: "1.50 M of 2.99 G"
 *   {{chart <name> | <text for who does not see it>}}   a chart, when it was drawn
 *   {{date}} {{machine}} {{versions}}
 *
 * @param charts the names of those that were drawn
 * @throws KaryonError BENCH_TEMPLATE for a place of no such kind
 */
export function fill(template: string, collection: Collection, charts: ReadonlySet<string>): string {
  return template.replace(/\{\{(\w+) ?([^}]*)\}\}/g, (place, kind: string, what: string) => {
    const filled = places(collection, charts)[kind]?.(what.trim());
    if (filled !== undefined) return filled;
    throw new KaryonError("BENCH_TEMPLATE", `${place}: no such place`, "mend tools/bench/document/template.md");
  });
}

type Places = Readonly<Record<string, (what: string) => string | undefined>>;

function places({ date, machine, versions, figures }: Collection, charts: ReadonlySet<string>): Places {
  const figure = (name: string): DatedFigure | undefined => figures.find((each) => each.name === name);
  const known = (name: string, text: (definition: Definition) => string): string | undefined => {
    const definition = DEFINITIONS.find((each) => each.name === name);
    return definition === undefined ? undefined : text(definition);
  };
  return {
    table: (part) => partTable(part, figures),
    value: (name) => known(name, ({ unit }) => figureText(figure(name)?.value, unit)),
    made: (name) => known(name, () => figure(name)?.made ?? "not measured"),
    chart: (words) => {
      const [name = "", text = ""] = words.split("|").map((word) => word.trim());
      return charts.has(name) ? `![${text}](images/bench-${name}.svg)` : "";
    },
    date: () => date.slice(0, 10),
    machine: () => `${machine.processor}, ${machine.cores} cores`,
    versions: () =>
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", "),
  };
}

function figureText(value: number | undefined, unit: Definition["unit"]): string {
  return value === undefined ? "not measured" : valueText(value, unit);
}

/** All figures of a part as a table in Markdown; undefined when there is no such part. */
function partTable(part: string, figures: readonly DatedFigure[]): string | undefined {
  const definitions = DEFINITIONS.filter((definition) => definition.part === part);
  if (definitions.length === 0) return undefined;
  const rows = definitions.map((definition) => {
    const figure = figures.find(({ name }) => name === definition.name);
    return row(definition, figure);
  });
  const head = ["figure", "measured", "range", "made of", "target", "", "run of"];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function row(definition: Definition, figure: DatedFigure | undefined): string[] {
  const { title, unit, target } = definition;
  const asked = target === undefined ? "" : `≤ ${valueText(target, unit)}`;
  if (figure?.value === undefined) return [title, "not measured", "", "", asked, "", ""];
  const { value, range, made, date, commit } = figure;
  const said = verdict(definition, { value });
  const reach = range === undefined ? "" : `${valueText(range[0], unit)} – ${valueText(range[1], unit)}`;
  const judged = said === "no target" ? "" : said === "missed" ? "**missed**" : said;
  return [title, valueText(value, unit), reach, made ?? "", asked, judged, `${date.slice(0, 10)}, ${commit}`];
}
