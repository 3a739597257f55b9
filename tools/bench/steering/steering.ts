// `npm run bench -- steering`: what it costs dom0 that a family is behind one address (docs/fork.md, "One address"): instructions of
// dom0's CPU for a byte there and back on a TCP connection, client and Xen included, with forkd's rules and without; and what it costs to name the
// owner of a flow. A boot for each repetition, in which only the rules change.
import { fileURLToPath } from "node:url";
import { startProgress, type Progress } from "../../debian/progress.ts";
import { total } from "../../lab/count/count.ts";
import { pushProgram } from "../../lab/forkd.ts";
import { staticProgram } from "../../peers/static_program.ts";
import { quotient } from "../comparison.ts";
import { EXCHANGE_CLIENT, SMALL_MESSAGES } from "../contests.ts";
import { countText, type Definition, type Measurement, type Results } from "../figures.ts";
import { createServer, type Server } from "../servers.ts";
import { spread, type Spread } from "../spread.ts";

const RULES = fileURLToPath(new URL("rules.ts", import.meta.url));
const TIMEOUT_MS = 400_000;
const REPETITIONS = 3;
const SETTLE_S = 3;
/** Exchanges of two runs: their difference is free of what happens once. */
const [FEW, MANY] = [200, 2200] as const;
const FLOWS = [10, 1000, 10_000] as const;
/** The client's ports come from as many as there are named flows, from this one on: each connection is one of them. */
const FIRST_PORT = 20_000;
const ECHO = 7;
const DOM0 = "10.0.2.15";
/** Flows that are named, and forgotten, to see what one costs. */
const [NAMED_FEW, NAMED_MANY] = [20, 120] as const;
const NAMED_PORT = 40_000;

/** A way of a frame through the rules. */
interface Way {
  readonly name: string;
  readonly title: string;
  readonly target?: number;
}

const NAMED: readonly Way[] = FLOWS.map((count) => ({
  name: `steering-${count}`,
  title: `its owner one of ${count} that are named`,
  ...(count === FLOWS.at(-1) ? { target: 1.05 } : {}),
}));
const SHARED: Way = { name: "steering-slots", title: "to a port that members share" };
const LEADERS: Way = { name: "steering-leader", title: "to the leader, whom nothing names" };
const INSTALL = "steering-install";
// Values that are no figures.
const WITHOUT = "without";
const INSTALL_TIME = "install-time";

export const STEERING_FIGURES: readonly Definition[] = [
  ...[...NAMED, SHARED, LEADERS].map(({ name, title, target }) => ({
    name,
    title: `a byte there and back over TCP, ${title}: instructions of dom0, of those without a family`,
    part: "steering",
    unit: "ratio" as const,
    ...(target === undefined ? {} : { target }),
  })),
  {
    name: INSTALL,
    title: `naming the owner of a flow, with ${FLOWS.at(-1)} named: instructions of dom0, of those with ${FLOWS[0]}`,
    part: "steering",
    unit: "ratio",
  },
];

/** Measures all of it. */
export async function measureSteering(): Promise<Results> {
  const found = new Map<string, number[]>();
  for (let i = 1; i <= REPETITIONS; i++) {
    const progress = startProgress(`steering: ${i} of ${REPETITIONS}`);
    await using server = await createServer("karyon", { contest: SMALL_MESSAGES });
    await server.lab.copyIn(await staticProgram("exchange"), EXCHANGE_CLIENT, 0o755);
    await server.begin();
    await new Host(server, await pushProgram(server.lab, RULES), progress).repetition(found);
    progress.done();
  }
  const of = (name: string): Spread => spread(found.get(name) ?? []);
  const ways = [...NAMED, SHARED, LEADERS].map(
    ({ name }) => [name, quotient(of(name), of(WITHOUT), countText)] as const,
  );
  const install = quotient(of(`install-${FLOWS.at(-1)}`), of(`install-${FLOWS[0]}`), countText);
  return new Map<string, Measurement>([
    ...ways,
    [INSTALL, { ...install, raw: { microseconds: found.get(INSTALL_TIME) } }],
  ]);
}

/** dom0 and the guest. */
class Host {
  constructor(
    private readonly server: Server,
    private readonly rules: string,
    private readonly progress: Progress,
  ) {}

  /** Measures each way once. There are no rules before. */
  async repetition(found: Map<string, number[]>): Promise<void> {
    const take = (name: string, value: number): unknown => found.set(name, [...(found.get(name) ?? []), value]);
    const { lab, name, address } = this.server;
    this.progress.update("without rules");
    await lab.run(`sleep ${SETTLE_S}`); // what the guest's making has left to do
    take(WITHOUT, await this.#exchange());
    const domain = (await lab.run(`xl domid '${name}'`)).trim();
    const mac = (await lab.run(`xenstore-read /local/domain/${domain}/device/vif/0/mac`)).trim();
    await this.#rules(`make vif${domain}.0 ${mac} ${address}`);
    take(LEADERS.name, await this.#of(LEADERS));
    await this.#rules(`share ${ECHO}`);
    take(SHARED.name, await this.#of(SHARED));
    for (const [i, count] of FLOWS.entries()) {
      const before = FLOWS[i - 1] ?? 0;
      await this.#name("name", FIRST_PORT + before, count - before);
      await this.#ports(`${FIRST_PORT} ${FIRST_PORT + count - 1}`);
      take(`steering-${count}`, await this.#of(NAMED[i] ?? SHARED));
      const { instructions, microseconds } = await this.#install();
      take(`install-${count}`, instructions);
      take(INSTALL_TIME, microseconds);
    }
  }

  async #of({ title }: Way): Promise<number> {
    this.progress.update(title);
    return this.#exchange();
  }

  /** Instructions of dom0's CPU for a byte there and back. */
  async #exchange(): Promise<number> {
    const { lab, address } = this.server;
    const exchange = async (count: number): Promise<void> => {
      await lab.run(`${EXCHANGE_CLIENT} tcp ${address} ${count}`, { timeoutMs: TIMEOUT_MS });
    };
    await exchange(MANY); // what runs seldom is in no cache of Linux's
    const less = total((await lab.countBoth(() => exchange(FEW))).dom0);
    return (total((await lab.countBoth(() => exchange(MANY))).dom0) - less) / (MANY - FEW);
  }

  /** What naming one flow costs, beside those that are there: a transaction with the kernel, forkd's JavaScript included. */
  async #install(): Promise<{ readonly instructions: number; readonly microseconds: number }> {
    const { lab } = this.server;
    const counts: number[] = [];
    let microseconds = NaN;
    for (const count of [NAMED_FEW, NAMED_MANY]) {
      const work = async (): Promise<void> => {
        microseconds = Number(await this.#name("name", NAMED_PORT, count));
      };
      counts.push(total((await lab.countBoth(work)).dom0));
      await this.#name("forget", NAMED_PORT, count);
    }
    const [less = NaN, more = NaN] = counts;
    return { instructions: (more - less) / (NAMED_MANY - NAMED_FEW), microseconds };
  }

  #name(what: "name" | "forget", from: number, count: number): Promise<string> {
    return this.#rules(`${what} ${from} ${count} ${DOM0} ${this.server.address} ${ECHO}`);
  }

  #rules(command: string): Promise<string> {
    return this.server.lab.run(`node ${this.rules} ${command}`, { timeoutMs: TIMEOUT_MS });
  }

  async #ports(range: string): Promise<void> {
    await this.server.lab.run(`echo ${range} > /proc/sys/net/ipv4/ip_local_port_range`);
  }
}
