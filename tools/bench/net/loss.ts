// Goodput over a link that loses frames: how long a megabyte takes over 20 ms there and back with 1 % lost in each direction. The
// clock is that of the machine that counts, which waits for nobody, so the figure tells of recovery and congestion control alone. Both sides have CUBIC, their default.
import type { Lab } from "../../lab/lab.ts";
import { KaryonError } from "../../support/errors.ts";
import { BULK_TCP } from "../contests.ts";
import type { Definition, Results } from "../figures.ts";
import { bootServer, type Server } from "../servers.ts";
import { inTurns, type Trial } from "../turns.ts";
import { farCommand, makeFarHost } from "./far_host.ts";

const NETEM = "delay 10ms loss 1%";
/** Some 110 losses a transfer. */
const BYTES = 16_000_000;
const MEGABYTE = 1_000_000;
const TIMEOUT_MS = 400_000;
const FILE = "/tmp/over-loss";
/** Not slower than Linux by more than a tenth of its goodput. */
const TARGET = 1 / 0.9;

interface Direction {
  readonly name: string;
  readonly title: string;
  /** What curl is told beyond the server's URL. */
  readonly curl: (url: string) => string;
}

const DIRECTIONS: readonly Direction[] = [
  { name: "net-loss-out", title: "out of the guest", curl: (url) => `-o /dev/null ${url}/${BYTES}` },
  { name: "net-loss-in", title: "into the guest", curl: (url) => `-o /dev/null -H 'Expect:' -T ${FILE} ${url}/` },
];

export const LOSS_FIGURES: readonly Definition[] = DIRECTIONS.map(({ name, title }) => ({
  name,
  title: `bulk TCP ${title}, 1 % lost, 20 ms: time a megabyte, ours of Linux's`,
  part: "net",
  unit: "ratio",
  target: TARGET,
}));

/** What the chart shows: names of figures, and titles. */
export const LOSS_TITLES: readonly Readonly<Record<"name" | "title", string>>[] = DIRECTIONS;

/** Measures both directions. */
export function measureLoss(): Promise<Results> {
  return inTurns({
    title: "bulk TCP with loss",
    boot: async (side) => {
      const server = await bootServer(side, { contest: BULK_TCP });
      try {
        await makeFarHost(server.lab, NETEM);
        await server.lab.run(`head -c ${BYTES} /dev/zero > ${FILE}`);
        return server;
      } catch (error) {
        await server.lab.stop();
        throw error;
      }
    },
    trials: DIRECTIONS.map(trial),
    rounds: 2,
    repetitions: 4,
    text: (seconds) => `${seconds.toFixed(2)} s`,
  });
}

function trial(direction: Direction): Trial<Server> {
  const { name, title } = direction;
  return {
    title,
    figures: [name],
    measure: async ({ lab, address }) => ({ [name]: await secondsAMegabyte(lab, address, direction) }),
  };
}

/** From the connection's establishment on: a lost SYN costs each side a second, and is no matter of recovery. */
async function secondsAMegabyte(lab: Lab, address: string, { title, curl }: Direction): Promise<number> {
  const told = "%{size_download} %{size_upload} %{time_connect} %{time_total}";
  const command = farCommand(`curl -s -f -w '${told}' ${curl(`http://${address}`)}`);
  const said = await lab.run(command, { timeoutMs: TIMEOUT_MS });
  const [received = 0, sent = 0, connected = NaN, ended = NaN] = said.split(" ").map(Number);
  if (Math.max(received, sent) === BYTES && ended > connected) return ((ended - connected) * MEGABYTE) / BYTES;
  throw new KaryonError("BENCH_FAILED", `bulk TCP ${title}, with loss: curl says "${said}"`);
}
