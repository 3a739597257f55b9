// `npm run bench -- http`: Karyon's httpd and nginx on Linux under the same loads, in turns, by the instructions that their CPU
// executes for a request, Xen's on their behalf included.
import { total } from "../../lab/count/count.ts";
import type { Lab } from "../../lab/lab.ts";
import { startProgress } from "../../debian/progress.ts";
import { describeError } from "../../support/errors.ts";
import { logger } from "../../support/log.ts";
import { compared, SIDES, type Side } from "../comparison.ts";
import { countText, type Results } from "../figures.ts";
import { ADDRESS, bootServer, SERVER_TITLES } from "../servers.ts";
import { request } from "./client.ts";
import { FILES, HTTP_LOADS, type HttpLoad } from "./loads.ts";

/** Boots of each server, … */
const ROUNDS = 2;
/** … and measurements of each load in each. */
const REPETITIONS = 2;

/** What a load came to on each side; an error where it could not be measured. */
type Cell = Record<Side, number[]> & { failed?: Error };

/** Measures all loads. */
export async function measureHttp(): Promise<Results> {
  const cells = new Map<HttpLoad, Cell>(HTTP_LOADS.map((load) => [load, { karyon: [], linux: [] }]));
  for (let round = 1; round <= ROUNDS; round++) {
    for (const side of SIDES) await measureServer(side, cells, `round ${round} of ${ROUNDS}`);
  }
  return new Map([...cells].map(([{ name }, { failed, ...repetitions }]) => [name, failed ?? compared(repetitions)]));
}

async function measureServer(side: Side, cells: ReadonlyMap<HttpLoad, Cell>, round: string): Promise<void> {
  const progress = startProgress(`${SERVER_TITLES[side]}, ${round}`);
  await using server = await bootServer(side);
  for (const [load, cell] of cells) {
    progress.update(load.title);
    try {
      for (let i = 0; i < REPETITIONS; i++) cell[side].push(await instructionsOf(server.lab, load));
    } catch (error) {
      // No ratio without both sides.
      logger.error(`${SERVER_TITLES[side]}: ${describeError(error)}`);
      cell.failed = error instanceof Error ? error : new Error(String(error));
    }
  }
  progress.done();
  for (const [load, cell] of cells) {
    const last = cell[side].at(-1);
    if (last !== undefined) logger.info(`${SERVER_TITLES[side]}: ${load.title}: ${countText(last)} a request`);
  }
}

/** Instructions a request. */
async function instructionsOf(lab: Lab, load: HttpLoad): Promise<number> {
  const [few, many] = load.requests;
  const url = `http://${ADDRESS}/${load.file}`;
  const cost = async (requests: number): Promise<number> =>
    total(await lab.countInstructions(() => request(lab, url, requests, load, FILES[load.file])));
  const less = await cost(few);
  return ((await cost(many)) - less) / (many - few);
}
