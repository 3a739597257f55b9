// How long `npm test` takes as a whole.
import { join } from "node:path";
import { logger } from "../support/log.ts";
import type { Definition, Results } from "./figures.ts";
import { BENCH_FOLDER } from "./images.ts";
import { timed } from "./process.ts";

export const TESTS_FIGURES: readonly Definition[] = [
  { name: "tests", title: "npm test", part: "tests", unit: "s", target: 600 },
];

/** Measures tests. */
export async function measureTests(): Promise<Results> {
  logger.start("npm test");
  return new Map([["tests", { value: await timed("npm", ["test"], join(BENCH_FOLDER, "test.log")) }]]);
}
