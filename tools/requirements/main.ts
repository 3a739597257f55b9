// npm run requirements: docs/rfc9293.md, made anew.
import { createProgram, runProgram } from "../support/cli.ts";
import { logger } from "../support/log.ts";
import { displayPath } from "../image/paths.ts";
import { DOCUMENT, readEvidence, writeDocument } from "./document.ts";
import { openRows } from "./table.ts";

const program = createProgram("requirements", "Makes docs/rfc9293.md of what sources and tests say they meet.").action(
  async () => {
    const evidence = await readEvidence();
    await writeDocument(evidence);
    for (const { id, level, text } of openRows(evidence)) {
      const missing = [
        ...(evidence.sources.has(id) ? [] : ["a source"]),
        ...(evidence.tests.has(id) ? [] : ["a test"]),
      ];
      logger.warn(`${id} (${level}: ${text}): ${missing.join(" and ")} is missing`);
    }
    logger.success(displayPath(DOCUMENT));
  },
);
await runProgram(program);
