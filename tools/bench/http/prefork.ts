// `npm run bench -- prefork`: httpd's workers, each a domain of a family with one address, by the instructions that the guests' CPU
// executes for a request, with more and more of them: beside Apache's processes and beside nginx, each in one Linux guest, and beside one guest of
// ours that serves all by poll().
import { startProgress, type Progress } from "../../debian/progress.ts";
import { GUEST_SETTINGS } from "../../lab/count/count.ts";
import { startForkd } from "../../lab/forkd.ts";
import { Lab } from "../../lab/lab.ts";
import { parseScoreboard } from "../../start/scoreboard.ts";
import { KaryonError } from "../../support/errors.ts";
import { addressLine } from "../addresses.ts";
import { quotient, type Side } from "../comparison.ts";
import { APACHE_WEB, WEB, webImage, type Contest } from "../contests.ts";
import { countText, type Definition, type Measurement, type Results } from "../figures.ts";
import { bootServer, COUNTING } from "../servers.ts";
import { spread, type Spread } from "../spread.ts";
import { instructionsOf } from "./http.ts";
import { HTTP_LOADS, type HttpLoad } from "./loads.ts";

const WORKERS = [1, 2, 4, 8] as const;
const REPETITIONS = 3;
const LOAD = HTTP_LOADS.find(({ name }) => name === "http-612-new-8");
const NAME = "prefork";
const ADDRESS = "10.0.2.20";
const READY_MS = 300_000;
/** MiB of the host: a worker takes one or two of its own. */
const HOST_MEMORY = 2048;

function titleOf(workers: number, of: string): string {
  return `HTTP, 612 B, a connection each, 8 clients, ${workers} worker${workers === 1 ? "" : "s"}: instructions, ours of ${of}`;
}

const OTHERS = { apache: "Apache's", nginx: "nginx's", poll: "one guest's that polls" } as const;
type Other = keyof typeof OTHERS;
const OTHER_NAMES = Object.keys(OTHERS) as readonly Other[];

export const PREFORK_FIGURES: readonly Definition[] = WORKERS.flatMap((workers) =>
  OTHER_NAMES.map((other) => ({
    name: `prefork-${workers}-${other}`,
    title: titleOf(workers, OTHERS[other]),
    part: "prefork",
    unit: "ratio" as const,
  })),
);

/** Measures all of it. */
export async function measurePrefork(): Promise<Results> {
  if (LOAD === undefined) throw new KaryonError("BENCH_FAILED", "the load of prefork is not among the loads");
  const progress = startProgress("prefork");
  const others: Readonly<Record<Other, Spread>> = {
    apache: await alone("linux", APACHE_WEB, LOAD, progress),
    nginx: await alone("linux", WEB, LOAD, progress),
    poll: await alone("karyon", WEB, LOAD, progress),
  };
  const results = new Map<string, Measurement>();
  for (const workers of WORKERS) {
    const ours = await family(workers, LOAD, progress);
    for (const other of OTHER_NAMES)
      results.set(`prefork-${workers}-${other}`, quotient(ours, others[other], countText));
  }
  progress.done();
  return results;
}

/** One guest that serves alone. */
async function alone(side: Side, contest: Contest, load: HttpLoad, progress: Progress): Promise<Spread> {
  progress.update(contest.titles[side]);
  await using server = await bootServer(side, { contest });
  return await repeated(server, load);
}

/** So many workers. */
async function family(workers: number, load: HttpLoad, progress: Progress): Promise<Spread> {
  progress.update(`${workers} workers`);
  const image = await webImage("prefork.json");
  const counts = ["--workers", workers, "--max-workers", workers, "--min-spare", 0, "--max-spare", workers];
  const manifest = { ...image.manifest, arguments: ["prefork", "--status", ...counts.map(String)] };
  await using lab = await Lab.start({ ...COUNTING, memory: HOST_MEMORY });
  await using forkd = await startForkd(lab);
  const extra = [...GUEST_SETTINGS, `name = "${NAME}"`, addressLine({ ...image, manifest }, `${ADDRESS}/24`)];
  await lab.create(image.cfg, { extra });
  await untilReady(lab, workers);
  // What CPU 1 executes is then the family's, and Xen's on its behalf.
  await lab.run(`for d in $(xl list | awk '/^${NAME}/ {print $1}'); do xl vcpu-pin $d all 1 || exit 1; done`);
  const found = await repeated({ lab, address: ADDRESS }, load);
  await forkd.end();
  return found;
}

async function untilReady(lab: Lab, workers: number): Promise<void> {
  const end = performance.now() + READY_MS;
  for (;;) {
    const { stdout } = await lab.sh(`curl -s --max-time 10 http://${ADDRESS}/server-status || sleep 1`);
    // The one that answers is serving; a second look sees it idle again, or another one serving.
    const ready = parseScoreboard(stdout).rows.filter(({ state }) => state === "idle" || state === "serving");
    if (ready.length === workers) return;
    if (performance.now() > end) throw new KaryonError("BENCH_FAILED", `${workers} workers do not come:\n${stdout}`);
  }
}

async function repeated(server: { readonly lab: Lab; readonly address: string }, load: HttpLoad): Promise<Spread> {
  const values: number[] = [];
  for (let i = 0; i < REPETITIONS; i++) values.push(await instructionsOf(server, load));
  return spread(values);
}
