// `npm run bench -- scale`: one CPU shared by more and more guests that all serve, by the instructions that it executes for a request:
// what it costs to have many (the Mini-OS paper's second figure).
import { total } from "../../lab/count/count.ts";
import { compared, SIDES, type Side } from "../comparison.ts";
import { WEB } from "../contests.ts";
import { countText, type Definition, type Measurement, type Results } from "../figures.ts";
import { describeError } from "../../support/errors.ts";
import { logger } from "../../support/log.ts";
import { COUNTING, createServers, type Servers } from "../servers.ts";
import { requestAll } from "./client.ts";
import { FILES } from "./loads.ts";

const GUESTS = [1, 2, 4, 8] as const;
/** The least memory with which the peer serves, in a host that has room for as many. */
const OPTIONS = { memory: 96, lab: { ...COUNTING, memory: 2048 } };
const CLIENTS_OF_EACH = 4;
/** Of each guest; the difference is free of what happens once. */
const REQUESTS = [100, 300] as const;
const REPETITIONS = 2;
const FILE = "index.html";

export const SCALE_FIGURES: readonly Definition[] = GUESTS.map((count) => ({
  name: `scale-${count}`,
  title: `HTTP, 612 B, ${count} guest${count === 1 ? "" : "s"} on one CPU, ${CLIENTS_OF_EACH} clients each: instructions, ours of Linux's`,
  part: "scale",
  unit: "ratio",
}));

/** Measures all of it. */
export async function measureScale(): Promise<Results> {
  const results = new Map<string, Measurement | Error>();
  for (const count of GUESTS) {
    try {
      results.set(`scale-${count}`, await measureGuests(count));
    } catch (error) {
      logger.error(describeError(error));
      results.set(`scale-${count}`, error instanceof Error ? error : new Error(String(error)));
    }
  }
  return results;
}

async function measureGuests(count: number): Promise<Measurement> {
  const costs: Record<Side, number[]> = { karyon: [], linux: [] };
  for (const side of SIDES) {
    logger.start(`${WEB.titles[side]}: ${count} at once`);
    await using servers = await createServers(side, { ...OPTIONS, count });
    await servers.begin();
    for (let i = 0; i < REPETITIONS; i++) costs[side].push(await instructionsOf(servers));
    logger.info(`${WEB.titles[side]}: ${count} at once: ${costs[side].map(countText).join(", ")} a request`);
  }
  return compared(costs);
}

/** Instructions a request. */
async function instructionsOf({ lab, guests }: Servers): Promise<number> {
  const load = { clients: CLIENTS_OF_EACH, keepAlive: true };
  const urls = guests.map(({ address }) => `http://${address}/${FILE}`);
  const all = (requests: number): Promise<void> => requestAll(lab, urls, requests, load, FILES[FILE]);
  const [few, many] = REQUESTS;
  const less = total(await lab.countInstructions(() => all(few)));
  const more = total(await lab.countInstructions(() => all(many)));
  return (more - less) / ((many - few) * guests.length);
}
