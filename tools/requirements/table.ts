// docs/rfc9293.md: each requirement, the file that meets it, the test that shows it.
import { posix } from "node:path";
import type { Mention, Mentions } from "./mentions.ts";
import type { Row } from "./rows.ts";

const DOCS = "docs";
const TESTS_MAX = 3;

/** What the table is made of. */
export interface Evidence {
  readonly rows: readonly Row[];
  readonly sources: Mentions;
  readonly tests: Mentions;
  readonly exceptions: ReadonlyMap<string, string>;
}

/** What is known of a row. */
export type State = "met" | "on purpose not" | "open" | "not done";

/** Met is what a source names and a test shows; a MAY that nobody names is simply not done. */
export function stateOf({ id, level }: Row, { sources, tests, exceptions }: Evidence): State {
  if (exceptions.has(id)) return "on purpose not";
  if (sources.has(id) && tests.has(id)) return "met";
  return level === "MAY" ? "not done" : "open";
}

/** The rows that ought to be met and are not. */
export function openRows(evidence: Evidence): readonly Row[] {
  return evidence.rows.filter((row) => stateOf(row, evidence) === "open");
}

/** The document, not formatted yet. */
export function documentText(evidence: Evidence): string {
  const binding = evidence.rows.filter(({ level }) => level !== "MAY");
  const count = (state: State): number => binding.filter((row) => stateOf(row, evidence) === state).length;
  const features = [...new Set(evidence.rows.map(({ feature }) => feature))];
  return [
    "# RFC 9293, requirement by requirement",
    "",
    "Made by `npm run requirements` of comments in the sources and above the tests; a test holds this page to them.",
    "The rows are those of RFC 9293, Appendix B.",
    "",
    `Of ${binding.length} rows that say MUST or SHOULD, ${count("met")} are met and shown, ${count("on purpose not")} are ` +
      `left out on purpose and ${count("open")} are open.`,
    ...features.flatMap((feature) => section(feature, evidence)),
    "",
  ].join("\n");
}

function section(feature: string, evidence: Evidence): readonly string[] {
  return [
    "",
    `## ${feature}`,
    "",
    "| requirement | level | what | met by | shown by |",
    "| --- | --- | --- | --- | --- |",
    ...evidence.rows.filter((row) => row.feature === feature).map((row) => rowText(row, evidence)),
  ];
}

function rowText(row: Row, evidence: Evidence): string {
  const { id, level, text } = row;
  const state = stateOf(row, evidence);
  const sources = (evidence.sources.get(id) ?? []).map(sourceLink).join(", ");
  const tests = testLinks(evidence.tests.get(id) ?? []);
  const reason = evidence.exceptions.get(id);
  const cells: readonly string[] =
    reason !== undefined
      ? [`not met: ${reason}`, tests]
      : state === "met"
        ? [sources, tests]
        : [state === "open" ? `**open** ${sources}` : "–", tests === "" ? "–" : tests];
  return `| ${[id, level, escaped(text), ...cells].join(" | ")} |`;
}

function testLinks(tests: readonly Mention[]): string {
  const shown = tests.slice(0, TESTS_MAX).map(({ file, test = "" }) => link(escaped(test), file));
  const more = tests.length - shown.length;
  return [...shown, ...(more > 0 ? [`${more} more`] : [])].join("; ");
}

function sourceLink({ file }: Mention): string {
  return link(`\`${file.replace(/^libos\/net\//, "")}\``, file);
}

function link(text: string, file: string): string {
  return `[${text}](${posix.relative(DOCS, file)})`;
}

function escaped(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("_", "\\_");
}
