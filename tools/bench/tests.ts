// How long `npm test` takes as a whole.
import { join } from "node:path";
import { logger } from "../support/log.ts";
import type { Measurement } from "./figures.ts";
import { BENCH_FOLDER } from "./images.ts";
import { timed } from "./process.ts";

/** Measures tests. */
export async function measureTests(): Promise<ReadonlyMap<string, Measurement>> {
  logger.start("npm test");
  return new Map([["tests", { value: await timed("npm", ["test"], join(BENCH_FOLDER, "test.log")) }]]);
}
