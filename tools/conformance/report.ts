// docs/conformance.md: what each case came to, on Karyon and on Linux, and how the two differ.
import type { Side } from "../bench/comparison.ts";

/** What a case came to: nothing when all was as expected. */
export type Outcome = Error | undefined;

/** Outcomes of one side by case, in order. */
export type Outcomes = ReadonlyMap<string, Outcome>;

/** The document, not formatted yet. */
export function documentText(outcomes: Readonly<Record<Side, Outcomes>>): string {
  const names = [...outcomes.karyon.keys()];
  const differing = names.filter((name) => passed(outcomes.karyon, name) !== passed(outcomes.linux, name));
  return [
    "# Conformance, seen from outside",
    "",
    "Made by `npm run conformance`: a tester on the bridge of the lab writes raw frames to a guest, and reads what comes of",
    "them. The guest's program does with sockets what the tester says. The same cases run against Karyon and against a Linux",
    "PV guest (Debian's cloud kernel); those that name a requirement of RFC 9293 are in [rfc9293.md](rfc9293.md) too.",
    "",
    `Of ${names.length} cases, Karyon does as expected in ${count(outcomes.karyon)} and Linux in ${count(outcomes.linux)}.`,
    "",
    "## Where the two differ",
    "",
    ...(differing.length === 0 ? ["Nowhere."] : differing.flatMap((name) => difference(name, outcomes))),
    "",
    "## All cases",
    "",
    "| case | Karyon | Linux |",
    "| --- | --- | --- |",
    ...names.map((name) => `| ${name} | ${mark(outcomes.karyon, name)} | ${mark(outcomes.linux, name)} |`),
    "",
  ].join("\n");
}

function passed(outcomes: Outcomes, name: string): boolean {
  return outcomes.has(name) && outcomes.get(name) === undefined;
}

function count(outcomes: Outcomes): number {
  return [...outcomes.keys()].filter((name) => passed(outcomes, name)).length;
}

function mark(outcomes: Outcomes, name: string): string {
  return passed(outcomes, name) ? "as expected" : "differs";
}

function difference(name: string, outcomes: Readonly<Record<Side, Outcomes>>): readonly string[] {
  const side = passed(outcomes.karyon, name) ? "linux" : "karyon";
  const error = outcomes[side].get(name);
  const said = error === undefined ? "was not run" : error.message.split("\n")[0];
  return [`- **${name}**: ${side === "linux" ? "Linux" : "Karyon"} – ${said}`];
}
