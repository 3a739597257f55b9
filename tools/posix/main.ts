// npm run posix: docs/posix.md, made anew.
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createProgram, runProgram } from "../support/cli.ts";
import { KaryonError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import { displayPath, repositoryPath } from "../image/paths.ts";
import { currentDocument, DOCUMENT } from "./document.ts";
import { collectEvidence, EVIDENCE, evidenceText, type Evidence } from "./evidence.ts";

const TESTS = ["unit/posix/", "fake/"];

/** Runs the tests, with a log of all calls. */
async function runTests(): Promise<Evidence> {
  const folder = await mkdtemp(join(tmpdir(), "karyon-calls-"));
  try {
    const status = await new Promise<number>((done, fail) => {
      const args = ["--import", "tsx", repositoryPath("test", "run.ts"), ...TESTS];
      const child = spawn(process.execPath, args, {
        cwd: repositoryPath(),
        env: { ...process.env, KARYON_CALLS: folder },
        stdio: "inherit",
      });
      child.once("error", fail).once("exit", (code) => done(code ?? 1));
    });
    if (status !== 0)
      throw new KaryonError("POSIX_TESTS", "tests fail, so they show nothing", `npm test -- ${TESTS.join(" ")}`);
    return await collectEvidence(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function makeDocument({ tests }: { readonly tests: boolean }): Promise<void> {
  if (tests) await writeFile(EVIDENCE, evidenceText(await runTests()));
  await writeFile(DOCUMENT, await currentDocument());
  logger.success(displayPath(DOCUMENT));
}

const program = createProgram("posix", "Makes docs/posix.md of the API's sources and of what its tests see.")
  .option("--no-tests", "of what they have seen the last time")
  .action(makeDocument);
await runProgram(program);
