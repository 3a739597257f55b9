// `npm run bench -- handover`: how long a process waits for a connection that it has inherited, from read() until it has the byte that came
// before it was born (test/apps/claims): claim, state and the way through forkd in dom0. Beside it a round trip (ping) between dom0 and the
// family, which is what a peer waits anyway. Once on the clock of executed instructions, where a processor of one instruction a nanosecond is what
// is told of, and once in time, as this machine emulates it.
import { setTimeout as sleep } from "node:timers/promises";
import { startProgress, type Progress } from "../debian/progress.ts";
import { buildImage } from "../image/build.ts";
import { repositoryPath } from "../image/paths.ts";
import {
  difference,
  each as eachOf,
  GUEST_SETTINGS,
  total,
  type CountedCpu,
  type Instructions,
} from "../lab/count/count.ts";
import { startForkd } from "../lab/forkd.ts";
import { Lab, type LabOptions } from "../lab/lab.ts";
import { KaryonError } from "../support/errors.ts";
import { addressLine } from "./addresses.ts";
import { quotient } from "./comparison.ts";
import { countText, type Definition, type Results } from "./figures.ts";
import { COUNTING, TIMING } from "./servers.ts";
import { spread } from "./spread.ts";

const NAME = "claims";
const ADDRESS = "10.0.2.20";
const [KEPT, ORDERS] = [7, 8] as const;
/** Orders of its child's birth, and for the number of connections that it keeps. */
const [FORK, HOW_MANY] = [0, 255] as const;
/** MiB, for as many connections. */
const MEMORY = 32;
/** Orders before anything is measured: V8 compiles what runs often, and compiles it again, for some hundred times. */
const WARM_UP = [200, 200, 200] as const;
const SAMPLES = 20;
/** Hand-overs of two orders: their difference is free of what happens once. */
const [FEW, MANY] = [10, 90] as const;
const REPETITIONS = 3;
const CONNECTIONS = WARM_UP.reduce((sum, each) => sum + each, 0) + SAMPLES + REPETITIONS * (FEW + MANY);
const PINGS = 20;
const READY_MS = 300_000;
const COMMAND_MS = 120_000;
/** For what a fork leaves to be done. */
const SETTLE_S = 5;
const NS_PER_MS = 1e6;

export const HANDOVER_FIGURES: readonly Definition[] = [
  {
    name: "handover-wait",
    title: "waiting for an inherited connection, longer than a round trip (ping), at an instruction a nanosecond",
    part: "handover",
    unit: "ms",
    target: 1,
  },
  { name: "handover-dom0", title: "a hand-over: instructions of dom0", part: "handover", unit: "instructions" },
  { name: "handover-family", title: "a hand-over: instructions of the family", part: "handover", unit: "instructions" },
  {
    name: "handover-time",
    title: "waiting for an inherited connection in emulated time, of a round trip (ping)",
    part: "handover",
    unit: "ratio",
  },
];

/** Measures all of it. */
export async function measureHandover(): Promise<Results> {
  const progress = startProgress("handover");
  const counted = await inLab(COUNTING, progress, async (family) => {
    const times = await family.times();
    const costs: Costs[] = [];
    for (let i = 0; i < REPETITIONS; i++) costs.push(await family.cost());
    return { ...times, costs };
  });
  const timed = await inLab(TIMING, progress, (family) => family.times());
  progress.done();
  const [gaps, trips] = [spread(counted.gaps), spread(counted.trips)];
  const cost = (cpu: CountedCpu): readonly number[] => counted.costs.map((both) => total(both[cpu]));
  const [dom0, guest] = [spread(cost("dom0")), spread(cost("guest"))];
  return new Map([
    [
      "handover-wait",
      {
        value: gaps.median - trips.median,
        range: [gaps.least - trips.most, gaps.most - trips.least] as const,
        made: `${gaps.median.toPrecision(3)} ms, less ${trips.median.toPrecision(3)} ms`,
        raw: { gaps: counted.gaps, trips: counted.trips },
      },
    ],
    ["handover-dom0", { value: dom0.median, range: [dom0.least, dom0.most], made: partsText(counted.costs, "dom0") }],
    [
      "handover-family",
      { value: guest.median, range: [guest.least, guest.most], made: partsText(counted.costs, "guest") },
    ],
    [
      "handover-time",
      { ...quotient(spread(timed.gaps), spread(timed.trips), (ms) => `${ms.toPrecision(3)} ms`), raw: { ...timed } },
    ],
  ]);
}

/** Whose instructions they are. */
function partsText(costs: readonly Costs[], cpu: CountedCpu): string {
  const middle = (part: keyof Instructions): string => countText(spread(costs.map((both) => both[cpu][part])).median);
  const users = `${middle("low")} ${cpu === "dom0" ? "of programs" : "of its own"}`;
  return cpu === "dom0"
    ? `${users}, ${middle("linux")} of Linux, ${middle("xen")} of Xen`
    : `${users}, ${middle("xen")} of Xen`;
}

type Costs = Readonly<Record<CountedCpu, Instructions>>;

/** A family whose child has inherited CONNECTIONS, of which each can be claimed once. */
class ClaimingFamily {
  constructor(
    private readonly lab: Lab,
    private readonly progress: Progress,
  ) {}

  /** From read() to the byte, and round trips, ms. */
  async times(): Promise<{ readonly gaps: readonly number[]; readonly trips: readonly number[] }> {
    this.progress.update("hand-overs, one at a time");
    for (const count of WARM_UP) await this.#claim(count);
    const gaps: number[] = [];
    for (let i = 0; i < SAMPLES; i++) gaps.push((await this.#claim(1)) / NS_PER_MS);
    const text = await this.lab.run(`ping -c ${PINGS} -i 0.1 ${ADDRESS}`, { timeoutMs: COMMAND_MS });
    return { gaps, trips: [...text.matchAll(/time=([\d.]+) ms/g)].map(([, time]) => Number(time)) };
  }

  /** What each CPU executes for one. */
  async cost(): Promise<Costs> {
    this.progress.update("hand-overs, many after one another");
    const count = (claims: number): Promise<Costs> => this.lab.countBoth(async () => void (await this.#claim(claims)));
    const [less, more] = [await count(FEW), await count(MANY)];
    const one = (cpu: CountedCpu): Instructions => eachOf(difference(less[cpu], more[cpu]), MANY - FEW);
    return { dom0: one("dom0"), guest: one("guest") };
  }

  /** Lets the child claim some connections; how long it has waited for them, ns. */
  async #claim(count: number): Promise<number> {
    const answer = await order(this.lab, count);
    if (/^[1-9]\d*$/.test(answer)) return Number(answer);
    throw new KaryonError("BENCH_FAILED", `no connection changes hands: ${answer}`);
  }
}

/** What the family answers to an order (test/apps/claims). */
function order(lab: Lab, byte: number): Promise<string> {
  const command = `printf '\\${byte.toString(8).padStart(3, "0")}' | nc -w 60 ${ADDRESS} ${ORDERS}`;
  return lab.run(command, { timeoutMs: COMMAND_MS });
}

/** Makes the family in a lab, and its child when the connections are there. */
async function inLab<T>(
  options: LabOptions,
  progress: Progress,
  work: (family: ClaimingFamily) => Promise<T>,
): Promise<T> {
  progress.update("a family with connections");
  const image = await buildImage(repositoryPath("test/apps/claims"));
  await using lab = await Lab.start(options);
  await using forkd = await startForkd(lab);
  const extra = [...GUEST_SETTINGS, `name = "${NAME}"`, `memory = ${MEMORY}`, addressLine(image, `${ADDRESS}/24`)];
  using console = lab.console(NAME);
  await lab.create(image.cfg, { extra });
  await console.waitFor(/claims: ready/, READY_MS);
  const open = `for (let i = 0; i < ${CONNECTIONS}; i++) require("net").connect(${KEPT}, "${ADDRESS}").write("x")`;
  await lab.run(`(exec node -e '${open}' >/dev/null 2>&1 </dev/null &)`);
  for (const end = performance.now() + READY_MS; Number(await order(lab, HOW_MANY)) < CONNECTIONS; await sleep(500)) {
    if (performance.now() > end) throw new KaryonError("BENCH_FAILED", `the family does not accept ${CONNECTIONS}`);
  }
  const answer = await order(lab, FORK);
  if (answer !== "forked") throw new KaryonError("BENCH_FAILED", `the family does not fork: ${answer}`);
  // What CPU 1 executes is then the family's, and Xen's on its behalf.
  await lab.run(`sleep ${SETTLE_S}; for d in $(xl list | awk '/^${NAME}/ {print $1}'); do xl vcpu-pin $d all 1; done`);
  const found = await work(new ClaimingFamily(lab, progress));
  await forkd.end();
  return found;
}
