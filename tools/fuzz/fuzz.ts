// The fuzzer: runs a corpus, then new inputs made of it; an input that does what none did before joins it, one that ends otherwise
// than it should is a finding. One finding a place: the shortest input that led there.
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import path from "node:path";
import { runHostTool } from "../image/process.ts";
import { mutate, seededRandom } from "./mutate.ts";
import { Runner, type Answer, type Status } from "./runner.ts";

const BATCH = 64;
const INPUT_MAXIMUM = 8192;

/** An input that ended otherwise than it should. */
export interface Finding {
  readonly status: Status;
  /** The C function, which has the name of the one in TypeScript in it. */
  readonly function: string;
  readonly detail: bigint;
  readonly input: Buffer;
}

export interface FuzzOptions {
  readonly seconds: number;
  readonly seed: number;
  /** Ends at the first finding. */
  readonly first?: boolean;
  /** Told now and then. */
  readonly progress?: (state: Progress) => void;
}

export interface Progress {
  readonly runs: number;
  readonly corpus: number;
  readonly findings: number;
}

export interface FuzzResult {
  readonly runs: number;
  /** Inputs that did what none before them did, those of the given corpus first. */
  readonly corpus: readonly Buffer[];
  readonly findings: readonly Finding[];
}

/** The inputs in the files of a folder, which need not exist, by name. */
export async function readCorpus(folder: string): Promise<Buffer[]> {
  const names = await readdir(folder).catch(() => []);
  return Promise.all(names.sort().map((name) => readFile(path.join(folder, name))));
}

/** Writes inputs under names made of their contents; the paths. */
export async function writeInputs(folder: string, inputs: readonly Buffer[]): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  return Promise.all(
    inputs.map(async (input) => {
      const file = path.join(folder, createHash("sha256").update(input).digest("hex").slice(0, 16));
      await writeFile(file, input);
      return file;
    }),
  );
}

/** Runs the corpus and then, for so many seconds, what is made of it. The same seed and corpus give the same inputs. */
export async function fuzz(program: string, given: readonly Buffer[], options: FuzzOptions): Promise<FuzzResult> {
  await using runner = new Runner(program);
  const random = seededRandom(options.seed);
  const found = new Map<bigint, { input: Buffer; answer: Answer }>();
  const corpus: Buffer[] = [];
  let runs = 0;
  const take = async (inputs: readonly Buffer[]): Promise<void> => {
    const answers = await runner.run(inputs);
    runs += inputs.length;
    answers.forEach((answer, i) => {
      const input = inputs[i] ?? Buffer.alloc(0);
      if (answer.status === "ended") {
        if (answer.fresh > 0) corpus.push(input);
        return;
      }
      const known = found.get(answer.place);
      if (known === undefined || input.length < known.input.length) found.set(answer.place, { input, answer });
    });
  };
  for (let at = 0; at < given.length; at += BATCH) await take(given.slice(at, at + BATCH));
  if (corpus.length === 0) corpus.push(Buffer.alloc(1));
  const end = Date.now() + options.seconds * 1000;
  let told = Date.now();
  while (Date.now() < end && !(options.first === true && found.size > 0)) {
    await take(Array.from({ length: BATCH }, () => mutate(corpus, random, INPUT_MAXIMUM)));
    if (Date.now() - told < 2000) continue;
    told = Date.now();
    options.progress?.({ runs, corpus: corpus.length, findings: found.size });
  }
  const findings = await Promise.all(
    [...found.values()].map(async ({ input, answer }) => ({
      status: answer.status,
      function: await functionAt(program, answer.place),
      detail: answer.detail,
      input,
    })),
  );
  return { runs, corpus, findings };
}

/** The function of the module at `place`, whatever of the runtime has been put into it. */
async function functionAt(program: string, place: bigint): Promise<string> {
  const lines = (await runHostTool("addr2line", ["-f", "-i", "-e", program, place.toString(16)])).split("\n");
  const name = lines.find((line) => line.startsWith("w2c_app_")) ?? lines[0] ?? "?";
  return name
    .replace(/^w2c_app_/, "")
    .replaceAll("0x2F", "/")
    .replaceAll("0x23", "#");
}
