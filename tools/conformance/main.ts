// npm run conformance: raw frames against Karyon and Linux, and docs/conformance.md of what came of them.
import { writeFile } from "node:fs/promises";
import { format, resolveConfig } from "prettier";
import { SIDES, SIDE_TITLES, type Side } from "../bench/comparison.ts";
import { displayPath, repositoryPath } from "../image/paths.ts";
import { createProgram, runProgram } from "../support/cli.ts";
import { KaryonError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import type { Case } from "./case.ts";
import { allCases } from "./cases/all.ts";
import { documentText, type Outcome, type Outcomes } from "./report.ts";
import { openBench } from "./run.ts";

const DOCUMENT = repositoryPath("docs", "conformance.md");

interface Options {
  readonly case?: string;
}

// Ends by way of exit handlers, which take the lab along.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(130));

const program = createProgram("conformance", "Holds a guest's TCP/IP stack against the RFCs by raw frames.")
  .argument("[side]", `${SIDES.join(" or ")}; both when it is left out, which makes docs/conformance.md anew`)
  .option("--case <text>", "only cases whose names contain this")
  .action(async (side: string | undefined, options: Options) => {
    const cases = allCases().filter(({ name }) => options.case === undefined || name.includes(options.case));
    if (cases.length === 0) throw new KaryonError("NO_CASES", `no case's name contains "${options.case ?? ""}"`);
    if (side !== undefined) {
      const outcomes = await runAll(chosen(side), cases);
      process.exitCode = [...outcomes.values()].some((outcome) => outcome !== undefined) ? 1 : 0;
      return;
    }
    const outcomes = { karyon: await runAll("karyon", cases), linux: await runAll("linux", cases) };
    if (options.case !== undefined) return;
    const text = documentText(outcomes);
    await writeFile(DOCUMENT, await format(text, { ...(await resolveConfig(DOCUMENT)), filepath: DOCUMENT }));
    logger.success(displayPath(DOCUMENT));
  });
await runProgram(program);

function chosen(side: string): Side {
  const found = SIDES.find((known) => known === side);
  if (found === undefined) throw new KaryonError("BAD_SIDE", `there is no "${side}"`, `choose ${SIDES.join(" or ")}`);
  return found;
}

async function runAll(side: Side, cases: readonly Case[]): Promise<Outcomes> {
  await using bench = await openBench(side);
  const outcomes = new Map<string, Outcome>();
  for (const one of cases) {
    const outcome = await bench.run(one).then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
    );
    outcomes.set(one.name, outcome);
    if (outcome === undefined) logger.success(one.name);
    else logger.fail(`${one.name}\n  ${outcome.message}`);
  }
  const failed = [...outcomes.values()].filter((outcome) => outcome !== undefined).length;
  logger.info(`${SIDE_TITLES[side]}: ${outcomes.size - failed} as expected, ${failed} not`);
  return outcomes;
}
