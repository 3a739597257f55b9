// How long `npm run image` takes when one source of an app has changed and everything else is as it was.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { KaryonError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import type { Definition, Results } from "./figures.ts";
import { BENCH_FOLDER, copyHttpd } from "./images.ts";
import { timed } from "./process.ts";
import { spread } from "./spread.ts";

export const BUILD_FIGURES: readonly Definition[] = [
  { name: "build", title: "image build of a changed app, warm", part: "build", unit: "s", target: 5 },
];

const CHANGES = 3;
const MAIN = /export function main\(args: string\[\]\): i32 \{\n/;

/** Measures build: the middle of a few. */
export async function measureBuild(): Promise<Results> {
  const folder = await copyHttpd("changed");
  const index = join(folder, "index.ts");
  const original = await readFile(index, "utf8");
  logger.start("filling the cache");
  await build(folder);
  const seconds: number[] = [];
  for (let change = 1; change <= CHANGES; change++) {
    await writeFile(index, changed(original));
    logger.start(`image build ${change} of ${CHANGES} after a change`);
    seconds.push(await build(folder));
  }
  const { median, least, most } = spread(seconds);
  return new Map([["build", { value: median, range: [least, most] as const, raw: { seconds } }]]);
}

function build(folder: string): Promise<number> {
  const output = join(BENCH_FOLDER, "changed.image");
  return timed("npm", ["run", "image", "--", folder, "--output", output], join(BENCH_FOLDER, "build.log"));
}

/** `source` with a statement in main that no build has seen before. */
function changed(source: string): string {
  if (!MAIN.test(source)) throw new KaryonError("BENCH_FAILED", "apps/httpd/index.ts has no main to change");
  const length = 1_000_000_000 + Math.floor(Math.random() * 1_000_000_000);
  return source.replace(MAIN, (head) => `${head}  if (args.length == ${length}) return 1;\n`);
}
