// `npm run bench -- soak`: one guest that serves a million requests and a hundred thousand connections. It has as much free memory
// afterwards as before, and a request takes as many instructions in the last tenth as in the first. There is no peer in it.
import type { Lab } from "../../lab/lab.ts";
import { total } from "../../lab/count/count.ts";
import { startProgress } from "../../debian/progress.ts";
import { KaryonError } from "../../support/errors.ts";
import { STATUS_WEB } from "../contests.ts";
import { countText, type Definition, type Measurement, type Results } from "../figures.ts";
import { request } from "../http/client.ts";
import { FILES } from "../http/loads.ts";
import { bootServer, type Server } from "../servers.ts";
import { spread } from "../spread.ts";

/** How much is asked for. */
export interface SoakLoad {
  /** Of each the instructions are told. */
  readonly rounds: number;
  /** Requests of a round on connections that are kept, … */
  readonly requests: number;
  /** … and connections of a round for a request each. */
  readonly connections: number;
}

/** A million requests, a hundred thousand connections. */
export const LONG: SoakLoad = { rounds: 100, requests: 10_000, connections: 1_000 };
/** Twenty thousand requests, two thousand connections. */
export const SHORT: SoakLoad = { rounds: 20, requests: 1_000, connections: 100 };

/** What came of it. */
export interface Soaked {
  /** Bytes of free memory before, when everything that is kept has been used once, and after. */
  readonly free: readonly [before: number, after: number];
  /** Bytes of the app's memory. */
  readonly app: readonly [before: number, after: number];
  /** Requests that the guest itself has counted. */
  readonly served: number;
  /** Instructions a request of each round. */
  readonly request: readonly number[];
  /** Instructions of a connection for one request, of each round. */
  readonly connection: readonly number[];
}

const CLIENTS = 8;
/** More connections than the guest remembers in TIME_WAIT. */
const WARM_UP: SoakLoad = { rounds: 1, requests: 2_000, connections: 2_000 };
/** Until the guest has forgotten the last connection: 2 MSL, and then some. */
const FORGET_SECONDS = 130;
/** The share of the rounds that is compared, at the beginning and at the end. */
const SHARE = 1 / 10;

export const SOAK_FIGURES: readonly Definition[] = [
  { name: "soak-memory", title: "soak: free memory lost", part: "soak", unit: "kB", target: 0 },
  {
    name: "soak-request",
    title: "soak: instructions a request, the last tenth's of the first's",
    part: "soak",
    unit: "ratio",
    target: 1.02,
  },
  {
    name: "soak-connection",
    title: "soak: instructions a connection, the last tenth's of the first's",
    part: "soak",
    unit: "ratio",
    target: 1.02,
  },
];

/** Measures them; `quick` takes the short load. */
export async function measureSoak({ quick }: { readonly quick: boolean }): Promise<Results> {
  await using server = await bootServer("karyon", { contest: STATUS_WEB, memory: 16 });
  const load = quick ? SHORT : LONG;
  const progress = startProgress("soak");
  const { free, app, served, request, connection } = await soak(server, load, (round) =>
    progress.update(`round ${round} of ${load.rounds}`),
  );
  progress.done();
  const lost = Math.max(0, free[0] - free[1]);
  const made = `${load.rounds * load.requests} requests, ${load.rounds * load.connections} connections`;
  return new Map<string, Measurement>([
    ["soak-memory", { value: lost / 1000, made, raw: { free, app, served } }],
    ["soak-request", drift(request)],
    ["soak-connection", drift(connection)],
  ]);
}

/** The medians of the last rounds and the first, as a ratio. */
export function drift(counts: readonly number[]): Measurement {
  const compared = Math.max(1, Math.round(counts.length * SHARE));
  const [first, last] = [spread(counts.slice(0, compared)), spread(counts.slice(-compared))];
  return {
    value: last.median / first.median,
    made: `${countText(last.median)} of ${countText(first.median)}`,
    raw: { counts },
  };
}

/**
 * Puts the load on a server of STATUS_WEB.
 *
 * @throws KaryonError BENCH_FAILED unless every request got its answer, and the guest has counted as many
 */
export async function soak(
  { lab, address }: Server,
  load: SoakLoad,
  progress: (round: number) => void = () => undefined,
): Promise<Soaked> {
  const url = `http://${address}`;
  await roundOf(lab, url, WARM_UP);
  const before = await statusWhenIdle(lab, url);
  const rounds: Counts[] = [];
  for (let round = 1; round <= load.rounds; round++) {
    progress(round);
    rounds.push(await roundOf(lab, url, load));
  }
  const after = await statusWhenIdle(lab, url);
  // One of them is that for the status.
  const served = after.requests - before.requests - 1;
  const made = load.rounds * (load.requests + load.connections);
  if (served !== made)
    throw new KaryonError("BENCH_FAILED", `soak: the guest has served ${served} requests of ${made}`);
  return {
    free: [before.free, after.free],
    app: [before.app, after.app],
    served,
    request: rounds.map(({ request }) => request),
    connection: rounds.map(({ connection }) => connection),
  };
}

interface Counts {
  readonly request: number;
  readonly connection: number;
}

/** Instructions a request, and a connection, of one round. */
async function roundOf(lab: Lab, url: string, { requests, connections }: SoakLoad): Promise<Counts> {
  const cost = async (count: number, keepAlive: boolean): Promise<number> => {
    const ask = (): Promise<void> =>
      request(lab, `${url}/`, count, { clients: CLIENTS, keepAlive }, FILES["index.html"]);
    return total(await lab.countInstructions(ask)) / count;
  };
  return { request: await cost(requests, true), connection: await cost(connections, false) };
}

/** What the server tells of itself (apps/httpd/status_page.ts) when no connection is left. */
async function statusWhenIdle(lab: Lab, url: string): Promise<Readonly<Record<"requests" | "free" | "app", number>>> {
  await lab.run(`sleep ${FORGET_SECONDS}`, { timeoutMs: 1000 * 2 * FORGET_SECONDS });
  const page = await lab.run(`curl -s -f ${url}/.status`);
  const value = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(page)?.[1] ?? NaN);
  return { requests: value("requests"), free: value("memory_free_bytes"), app: value("app_memory_bytes") };
}
