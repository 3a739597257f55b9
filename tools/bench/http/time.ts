// `npm run bench -- time`: the second witness. The same requests as `http` by two clocks: the CPU time that Xen accounts to the
// guest for each, and the time that passes. Under emulation both tell of the emulator's work too, and shake with the machine's load;
// where the lab runs under KVM they are those of the processor.
import type { Lab } from "../../lab/lab.ts";
import { KaryonError } from "../../support/errors.ts";
import type { Definition, Results } from "../figures.ts";
import { bootServer, TIMING, type Server } from "../servers.ts";
import { inTurns, type Trial } from "../turns.ts";
import { requestFor } from "./client.ts";
import { FILES } from "./loads.ts";

const CLIENTS = [1, 8, 32] as const;
const FILE = "index.html";
/** Xen's account has tenths of a second: this long, they are good enough. */
const SECONDS = 15;
const WARM_UP_SECONDS = 2;

export const TIME_FIGURES: readonly Definition[] = CLIENTS.flatMap((clients) => {
  const who = clients === 1 ? "1 client" : `${clients} clients`;
  const part = { part: "time", unit: "ratio" } as const;
  return [
    { name: `cpu-${clients}`, title: `HTTP, 612 B, ${who}: CPU time that Xen tells, ours of Linux's`, ...part },
    { name: `time-${clients}`, title: `HTTP, 612 B, ${who}: time a request, ours of Linux's`, ...part },
  ];
});

/** Measures all of it. */
export function measureTime(): Promise<Results> {
  return inTurns({
    title: "HTTP by time",
    boot: (side) => bootServer(side, { lab: TIMING }),
    trials: CLIENTS.map(trial),
    rounds: 2,
    repetitions: 2,
    text: (microseconds) => `${microseconds.toFixed(0)} µs`,
  });
}

function trial(clients: number): Trial<Server> {
  return {
    title: clients === 1 ? "1 client" : `${clients} clients`,
    figures: [`cpu-${clients}`, `time-${clients}`],
    measure: async ({ lab, name, address }) => {
      const ask = (duration: number) =>
        requestFor(lab, `http://${address}/${FILE}`, duration, { clients, keepAlive: true }, FILES[FILE]);
      await ask(WARM_UP_SECONDS);
      const before = await cpuSeconds(lab, name);
      const { requests, seconds } = await ask(SECONDS);
      const cpu = (await cpuSeconds(lab, name)) - before;
      return { [`cpu-${clients}`]: (cpu * 1e6) / requests, [`time-${clients}`]: (seconds * 1e6) / requests };
    },
  };
}

/** The CPU time that Xen accounts to a domain. */
async function cpuSeconds(lab: Lab, name: string): Promise<number> {
  const line = (await lab.run(`xl list '${name}'`)).split("\n")[1] ?? "";
  const seconds = Number(line.trim().split(/\s+/)[5]);
  if (line !== "" && seconds >= 0) return seconds;
  throw new KaryonError("BENCH_FAILED", `xl list tells no time of ${name}: ${line}`);
}
