// docs/posix.md as it should be now.
import { format, resolveConfig } from "prettier";
import { repositoryPath } from "../image/paths.ts";
import { readUses } from "./apps.ts";
import { readEvidence } from "./evidence.ts";
import { readHeaders } from "./surface.ts";
import { documentText } from "./table.ts";

/** The page that this folder makes. */
export const DOCUMENT = repositoryPath("docs", "posix.md");

/** The page, formatted. */
export async function currentDocument(): Promise<string> {
  const text = documentText({ headers: await readHeaders(), evidence: await readEvidence(), uses: await readUses() });
  return format(text, { ...(await resolveConfig(DOCUMENT)), filepath: DOCUMENT });
}
