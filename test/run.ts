// `npm test`: format, lint and types first, then every test under test/ by node's test runner. Arguments narrow it down:
// npm test -- unit            everything under test/unit
// npm test -- lab/httpd       the test files whose path begins so
import { spawn } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { createProgram, runProgram } from "../tools/support/cli.ts";
import { KaryonError } from "../tools/support/errors.ts";
import { logger } from "../tools/support/log.ts";

const ROOT = resolve(import.meta.dirname, "..");
const TEST = join(ROOT, "test");

/** The order of the suites: the quick ones first, so that a mistake shows early. */
const SUITES = ["unit", "fake", "lab"] as const;

function runCommand(command: string, args: readonly string[]): Promise<number> {
  return new Promise((done, fail) => {
    const child = spawn(command, [...args], { cwd: ROOT, stdio: ["ignore", "inherit", "inherit"] });
    const forward = (signal: NodeJS.Signals): void => void child.kill(signal);
    process.once("SIGINT", forward).once("SIGTERM", forward);
    child.once("error", fail);
    child.once("exit", (code) => {
      process.off("SIGINT", forward).off("SIGTERM", forward);
      done(code ?? 1);
    });
  });
}

async function testFiles(filters: readonly string[]): Promise<string[]> {
  const all = (await readdir(TEST, { recursive: true })).filter((file) => file.endsWith(".test.ts")).sort();
  const ordered = SUITES.flatMap((suite) => all.filter((file) => file.startsWith(`${suite}/`)));
  return ordered.filter((file) => filters.length === 0 || filters.some((filter) => file.startsWith(filter)));
}

async function checkSources(): Promise<void> {
  logger.start("format, lint, types");
  if ((await runCommand("npm", ["run", "--silent", "lint"])) !== 0) {
    throw new KaryonError(
      "LINT_FAILED",
      "the sources do not pass format, lint or types",
      "npm run format mends the first",
    );
  }
}

async function runTests(filters: readonly string[], options: { readonly lint: boolean }): Promise<void> {
  const files = await testFiles(filters);
  if (files.length === 0) {
    throw new KaryonError("NO_TESTS", `no test file begins with ${filters.join(" or ")}`, "give a path under test/");
  }
  if (options.lint && filters.length === 0) await checkSources();
  logger.start(`${files.length} test files`);
  const paths = files.map((file) => relative(ROOT, join(TEST, file)));
  process.exitCode = await runCommand(process.execPath, [
    ...["--import", "tsx", "--test", "--test-concurrency=2", "--test-reporter=spec"],
    ...paths,
  ]);
}

const program = createProgram("test", "Runs format, lint, type checks and all tests.")
  .argument("[paths...]", "only test files whose path under test/ begins so")
  .option("--no-lint", "leave out format, lint and types")
  .action(runTests);
await runProgram(program);
