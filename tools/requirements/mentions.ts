// Where requirements are named: in a comment of a source, at the line that meets them, and in the comment directly above a
// test, which then shows them. A comment names them as the RFC does: `// RFC 9293 MUST-57, MUST-63`.

const ID = /\b(?:MUST|SHLD|MAY|REC)-\d+\b/g;
const COMMENT = /\/\/.*|^\s*\/?\*.*/;
const TEST = /^\s*(?:test|conformance)\(/;
const NAME = /["'`](.*?)["'`]/;

/** A file or a test that names a requirement. */
export interface Mention {
  /** From the top of the repository. */
  readonly file: string;
  /** The first line that names it, or the test's; from 1. */
  readonly line: number;
  /** The test's name; for a source, nothing. */
  readonly test?: string;
}

/** Mentions by requirement. */
export type Mentions = ReadonlyMap<string, readonly Mention[]>;

/** The requirements that the comments of a source name, each once. */
export function sourceMentions(file: string, text: string): Mentions {
  const found = new Map<string, Mention[]>();
  for (const [index, line] of text.split("\n").entries()) {
    for (const id of idsIn(line)) {
      if (!found.has(id)) found.set(id, [{ file, line: index + 1 }]);
    }
  }
  return found;
}

/** The requirements that the comments directly above tests name. */
export function testMentions(file: string, text: string): Mentions {
  const found = new Map<string, Mention[]>();
  let above: string[] = [];
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    if (/^\s*\/\//.test(line)) {
      above.push(...idsIn(line));
      continue;
    }
    const name = TEST.test(line) ? NAME.exec(`${line}${lines[index + 1] ?? ""}`)?.[1] : undefined;
    if (name !== undefined) {
      for (const id of new Set(above)) {
        found.set(id, [...(found.get(id) ?? []), { file, line: index + 1, test: name }]);
      }
    }
    above = [];
  }
  return found;
}

/** All of them together, in order. */
export function together(all: readonly Mentions[]): Mentions {
  const joined = new Map<string, Mention[]>();
  for (const mentions of all) {
    for (const [id, places] of mentions) joined.set(id, [...(joined.get(id) ?? []), ...places]);
  }
  return joined;
}

function idsIn(line: string): readonly string[] {
  return [...(COMMENT.exec(line)?.[0] ?? "").matchAll(ID)].map(([id]) => id);
}
