// The table of `npm run bench`: figure, value, target and verdict, and the command that shows it; at most 80 columns.
import Table from "cli-table3";
import {
  commandOf,
  valueText,
  verdict,
  type Definition,
  type Measurement,
  type Results,
  type Unit,
} from "../figures.ts";

const WIDTH = 80;
const COLUMNS = [19, 16, 11, 14, 14];

/** The table's text, and below it what limits a figure that misses its target, or why one could not be measured. */
export function tableText(definitions: readonly Definition[], results: Results, colour: boolean): string {
  const style = colour ? { head: ["bold"], border: ["grey"] } : { head: [], border: [] };
  const table = new Table({
    head: ["figure", "measured", "target", "", "bench --"],
    colWidths: COLUMNS,
    wordWrap: true,
    style,
  });
  for (const definition of definitions) table.push(row(definition, results));
  const below = definitions.flatMap((definition) => notes(definition, results)).flatMap(wrapped);
  return [table.toString(), ...below].join("\n");
}

function row(definition: Definition, results: Results): string[] {
  const { name, title, unit, target } = definition;
  const result = results.get(name);
  const said = verdict(definition, result);
  const measured =
    result === undefined || result instanceof Error
      ? "–"
      : [valueText(result.value, unit), rangeText(result, unit), result.made].filter(Boolean).join("\n");
  return [
    title,
    measured,
    target === undefined ? "–" : `≤ ${valueText(target, unit)}`,
    said === "no target" ? "–" : said,
    commandOf(definition).replace(/^npm run bench -- /, ""),
  ];
}

function rangeText({ range }: Measurement, unit: Unit): string | undefined {
  return range === undefined ? undefined : `${valueText(range[0], unit)} – ${valueText(range[1], unit)}`;
}

function notes(definition: Definition, results: Results): string[] {
  const result = results.get(definition.name);
  if (result === undefined) return [];
  if (result instanceof Error) return [`${definition.title}: ${result.message}`];
  return result.limit === undefined ? [] : [`${definition.title}: ${result.limit}`];
}

/** `line` in lines of at most WIDTH characters, all but the first indented. */
function wrapped(line: string): string[] {
  const lines: string[] = [];
  let current = "";
  for (const word of line.split(/\s+/)) {
    const longer = current === "" ? word : `${current} ${word}`;
    if (longer.length <= WIDTH || current.trim() === "") current = longer;
    else {
      lines.push(current);
      current = `  ${word}`;
    }
  }
  return [...lines, current];
}
