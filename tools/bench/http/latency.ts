// `npm run bench -- latency`: how long a client waits for an answer, by percentiles, on the clock of the machine that counts: its time
// is made of the instructions that both CPUs execute, so it is the same on every host, and tells of instructions, not of a processor.
import type { Definition, Results } from "../figures.ts";
import { bootServer, type Server } from "../servers.ts";
import { inTurns, type Trial } from "../turns.ts";
import { latencies } from "./client.ts";
import { FILES } from "./loads.ts";

const CLIENTS = [1, 32] as const;
const PERCENTILES = [50, 90, 99] as const;
const REQUESTS = 1000;
/** Requests that are not looked at: the first ones take paths that no other takes. */
const WARM_UP = 100;
const FILE = "index.html";

function figureName(clients: number, percentile: number): string {
  return `latency-${clients}-${percentile}`;
}

export const LATENCY_FIGURES: readonly Definition[] = CLIENTS.flatMap((clients) =>
  PERCENTILES.map((percentile): Definition => ({
    name: figureName(clients, percentile),
    title: `HTTP, 612 B, ${clients} client${clients === 1 ? "" : "s"}: ${percentile} % wait no longer than, ours of Linux's`,
    part: "latency",
    unit: "ratio",
  })),
);

/** Measures all of it. */
export function measureLatency(): Promise<Results> {
  return inTurns({
    title: "latency",
    boot: (side) => bootServer(side),
    trials: CLIENTS.map(trial),
    rounds: 2,
    repetitions: 2,
    text: (milliseconds) => `${(milliseconds * 1000).toFixed(0)} µs`,
  });
}

function trial(clients: number): Trial<Server> {
  return {
    title: clients === 1 ? "1 client" : `${clients} clients`,
    figures: PERCENTILES.map((percentile) => figureName(clients, percentile)),
    measure: async ({ lab, address }) => {
      const ask = (requests: number): Promise<number[]> =>
        latencies(lab, `http://${address}/${FILE}`, requests, { clients, keepAlive: true }, FILES[FILE]);
      await ask(WARM_UP);
      const times = await ask(REQUESTS);
      return Object.fromEntries(PERCENTILES.map((each) => [figureName(clients, each), times[each] ?? NaN]));
    },
  };
}
