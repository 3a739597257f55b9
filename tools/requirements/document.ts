// Reads the sources and tests of the repository, and makes docs/rfc9293.md of what they say.
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import { repositoryPath } from "../image/paths.ts";
import { EXCEPTIONS } from "./exceptions.ts";
import { sourceMentions, testMentions, together, type Mentions } from "./mentions.ts";
import { parseRows } from "./rows.ts";
import { documentText, type Evidence } from "./table.ts";

const ROWS = fileURLToPath(new URL("rfc9293.tsv", import.meta.url));

/** The document that this folder makes. */
export const DOCUMENT = repositoryPath("docs", "rfc9293.md");

/** All that is said of the requirements now. */
export async function readEvidence(): Promise<Evidence> {
  return {
    rows: parseRows(await readFile(ROWS, "utf8")),
    sources: await mentionsIn("libos", sourceMentions),
    tests: together([
      await mentionsIn("test", testMentions),
      await mentionsIn("tools/conformance/cases", testMentions),
    ]),
    exceptions: EXCEPTIONS,
  };
}

/** The document as it should be, formatted. */
export async function currentDocument(evidence: Evidence): Promise<string> {
  return format(documentText(evidence), { ...(await resolveConfig(DOCUMENT)), filepath: DOCUMENT });
}

/** Writes it. */
export async function writeDocument(evidence: Evidence): Promise<void> {
  await writeFile(DOCUMENT, await currentDocument(evidence));
}

async function mentionsIn(folder: string, scan: (file: string, text: string) => Mentions): Promise<Mentions> {
  const files = (await readdir(repositoryPath(folder), { recursive: true })).filter((file) => file.endsWith(".ts"));
  const scanned = files.sort().map(async (file) => {
    const path = join(folder, file);
    return scan(path, await readFile(repositoryPath(path), "utf8"));
  });
  return together(await Promise.all(scanned));
}
