// `npm run bench -- forking`: a process that is forked for each connection, which of httpd (apps/httpd/fork.json) is a domain: instructions of a
// connection with one request, beside BusyBox's httpd, which forks a Linux process for each, and beside Apache, which has them ready. One client, for
// the next domain has to stand ready before the next connection. What a domain costs is domain 0's work above all: so the
// whole host's instructions are told, and those of the guests' CPU apart.
import { setTimeout as sleep } from "node:timers/promises";
import { startProgress, type Progress } from "../../debian/progress.ts";
import { GUEST_SETTINGS, total } from "../../lab/count/count.ts";
import { startForkd } from "../../lab/forkd.ts";
import { Lab } from "../../lab/lab.ts";
import { KaryonError } from "../../support/errors.ts";
import { addressLine } from "../addresses.ts";
import { quotient } from "../comparison.ts";
import { APACHE_WEB, FORKING_WEB, webImage, type Contest } from "../contests.ts";
import { countText, type Definition, type Results } from "../figures.ts";
import { bootServer, COUNTING } from "../servers.ts";
import { spread, type Spread } from "../spread.ts";
import { request } from "./client.ts";
import { FILES } from "./loads.ts";

const NAME = "forking";
const ADDRESS = "10.0.2.20";
const FILE = "index.html";
const CLIENT = { clients: 1, keepAlive: false };
const REPETITIONS = 3;
/** Connections of two runs: their difference is free of what happens once. */
const [FEW, MANY] = [50, 1050] as const;
const [FEW_DOMAINS, MANY_DOMAINS] = [3, 13] as const;
/** Connections of which the guests' part is counted, one by one. */
const SAMPLES = 5;
/** MiB of the host. */
const HOST_MEMORY = 1536;
const READY_MS = 300_000;
/** On the lab's clock: for the next domain to stand ready and for the last one to be gone. */
const SHELL_S = 10;

export const FORKING_FIGURES: readonly Definition[] = (["busybox", "apache"] as const).flatMap((peer) =>
  (["guest", "host"] as const).map((where) => ({
    name: `forking-${peer}-${where}`,
    title: `HTTP, 612 B, a connection and a domain each: instructions of ${where === "host" ? "the whole host" : "the guests"}, ours of ${peer === "busybox" ? "BusyBox's, which forks for each" : "Apache's, which has processes ready"}`,
    part: "forking",
    unit: "ratio" as const,
  })),
);

/** What a connection costs. */
interface Cost {
  /** On the CPU of the guests, with what Xen does there. */
  readonly guest: Spread;
  /** On both CPUs. */
  readonly host: Spread;
}

/** Measures all of it. */
export async function measureForking(): Promise<Results> {
  const progress = startProgress(NAME);
  const ours = await family(progress);
  const peers = {
    busybox: await linux(FORKING_WEB, progress),
    apache: await linux(APACHE_WEB, progress),
  };
  progress.done();
  return new Map(
    (["busybox", "apache"] as const).flatMap((peer) =>
      (["guest", "host"] as const).map((where) => [
        `forking-${peer}-${where}`,
        quotient(ours[where], peers[peer][where], countText),
      ]),
    ),
  );
}

/** A server of one Linux guest. */
async function linux(contest: Contest, progress: Progress): Promise<Cost> {
  progress.update(contest.titles.linux);
  await using server = await bootServer("linux", { contest });
  await count(server, FEW);
  const costs: (readonly [guest: number, host: number])[] = [];
  for (let i = 0; i < REPETITIONS; i++) costs.push(await slope(server, [FEW, MANY]));
  return { guest: spread(costs.map(([guest]) => guest)), host: spread(costs.map(([, host]) => host)) };
}

/** A family that has a domain for each connection. */
async function family(progress: Progress): Promise<Cost> {
  progress.update("httpd, a domain for each connection");
  const image = await webImage("fork.json");
  await using lab = await Lab.start({ ...COUNTING, memory: HOST_MEMORY });
  await using forkd = await startForkd(lab);
  const extra = [...GUEST_SETTINGS, `name = "${NAME}"`, addressLine(image, `${ADDRESS}/24`)];
  await lab.create(image.cfg, { extra });
  const server = { lab, address: ADDRESS };
  await untilAnswers(server);
  await count(server, FEW_DOMAINS);
  const guest: number[] = [];
  for (let i = 0; i < SAMPLES; i++) {
    // forkd's domains may run on any CPU: the one that stands ready is told where the others are.
    await lab.run(`sleep ${SHELL_S}; for d in $(xl list | awk '/^${NAME}/ {print $1}'); do xl vcpu-pin $d all 1; done`);
    const [one] = await count(server, 1);
    guest.push(one);
  }
  const host: number[] = [];
  for (let i = 0; i < REPETITIONS; i++) host.push((await slope(server, [FEW_DOMAINS, MANY_DOMAINS]))[1]);
  await forkd.end();
  return { guest: spread(guest), host: spread(host) };
}

interface Address {
  readonly lab: Lab;
  readonly address: string;
}

/** Instructions of so many connections, and of what is left to be done after the last. */
async function count({ lab, address }: Address, connections: number): Promise<readonly [guest: number, host: number]> {
  const { dom0, guest } = await lab.countBoth(async () => {
    await request(lab, `http://${address}/${FILE}`, connections, CLIENT, FILES[FILE]);
    await lab.run(`sleep ${SHELL_S}`);
  });
  return [total(guest), total(guest) + total(dom0)];
}

/** Instructions of one connection more. */
async function slope(server: Address, [few, many]: readonly [number, number]): Promise<readonly [number, number]> {
  const less = await count(server, few);
  const more = await count(server, many);
  return [(more[0] - less[0]) / (many - few), (more[1] - less[1]) / (many - few)];
}

async function untilAnswers({ lab, address }: Address): Promise<void> {
  for (const end = performance.now() + READY_MS; performance.now() < end; await sleep(500)) {
    const { status } = await lab.sh(`curl -s -f -o /dev/null --max-time 20 http://${address}/`);
    if (status === 0) return;
  }
  throw new KaryonError("BENCH_FAILED", "httpd does not answer");
}
