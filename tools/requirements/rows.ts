// The rows of a standard's table of requirements, as rfc9293.tsv has them (RFC 9293, Appendix B): id, level, feature, what is
// required, separated by tabulators. An id may have several rows.
import { KaryonError } from "../support/errors.ts";

const LEVELS = ["MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY"] as const;

/** How binding a row is. */
export type Level = (typeof LEVELS)[number];

/** One row of the table. */
export interface Row {
  /** The requirement's name in the RFC's text, such as MUST-57. */
  readonly id: string;
  readonly level: Level;
  /** The part of TCP that it is about. */
  readonly feature: string;
  readonly text: string;
}

/** The rows in their order; @throws KaryonError REQUIREMENTS for a line that is none. */
export function parseRows(text: string): readonly Row[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [id, level, feature, label] = line.split("\t");
      if (id === undefined || feature === undefined || label === undefined || !isLevel(level)) {
        throw new KaryonError("REQUIREMENTS", `not a requirement: "${line}"`, "id, level, feature, text; tabs between");
      }
      // The RFC's table marks what depends on the row above by stars, and notes by circumflexes.
      const plain = label.replace(/^[*\s]+/, "").replace(/\^\d/, "");
      return { id, level, feature, text: plain };
    });
}

function isLevel(level: string | undefined): level is Level {
  return (LEVELS as readonly (string | undefined)[]).includes(level);
}
