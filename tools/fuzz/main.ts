// npm run fuzz -- <target>: looks for inputs that the network does not stand. Inputs that lead further are kept in
// build/fuzz/<target>/corpus and used again by the next run; findings in build/fuzz/<target>/findings.
import { Argument, InvalidArgumentError, Option } from "commander";
import path from "node:path";
import { displayPath } from "../image/paths.ts";
import { createProgram, runProgram } from "../support/cli.ts";
import { KaryonError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import { buildTarget } from "./build.ts";
import { fuzz, readCorpus, writeInputs } from "./fuzz.ts";
import { TARGETS, TARGET_NAMES, targetCorpus, targetFolder, targetSource, type TargetName } from "./targets.ts";

interface Options {
  readonly seconds: number;
  readonly seed?: number;
}

function count(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0) throw new InvalidArgumentError("It is a whole number.");
  return value;
}

const help = ["", "Targets:", ...TARGET_NAMES.map((name) => `  ${name}: ${TARGETS[name]}`)].join("\n");

const program = createProgram(
  "fuzz",
  "Runs the network's code on inputs that nobody should send, guided by the branches they take.",
)
  .addArgument(new Argument("<target>", "what to fuzz").choices(TARGET_NAMES))
  .addOption(new Option("--seconds <number>", "for how long").default(60).argParser(count))
  .addOption(new Option("--seed <number>", "of the random changes; another one each time by default").argParser(count))
  .addHelpText("after", help)
  .action(run);

async function run(name: TargetName, { seconds, seed = Date.now() % 2 ** 32 }: Options): Promise<void> {
  const folder = targetFolder(name);
  logger.start(`building ${name}`);
  const target = await buildTarget(targetSource(name), folder);
  const corpusFolder = path.join(folder, "corpus");
  const given = [...(await readCorpus(targetCorpus(name))), ...(await readCorpus(corpusFolder))];
  logger.start(`${given.length} inputs to begin with, seed ${seed}`);
  const result = await fuzz(target, given, {
    seconds,
    seed,
    progress: (state) =>
      logger.info(`${state.runs} runs, ${state.corpus} inputs lead somewhere else, ${state.findings} findings`),
  });
  await writeInputs(corpusFolder, [...result.corpus]);
  logger.success(`${result.runs} runs, ${result.corpus.length} inputs kept in ${displayPath(corpusFolder)}`);
  for (const finding of result.findings) {
    const [file = ""] = await writeInputs(path.join(folder, "findings"), [finding.input]);
    logger.warn(`${finding.status} ${finding.detail.toString(16)} in ${finding.function}: ${displayPath(file)}`);
  }
  if (result.findings.length > 0) throw new KaryonError("FUZZ_FINDINGS", `${result.findings.length} findings`);
}

await runProgram(program);
