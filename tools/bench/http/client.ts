// The HTTP client: Debian's ab (apache2-utils) in dom0, which makes so many requests and looks at every answer.
import type { Lab } from "../../lab/lab.ts";
import { KaryonError } from "../../support/errors.ts";

const TIMEOUT_MS = 400_000;
/** More than any client makes in the time that it has; ab keeps a record of each. */
const REQUESTS_MAX = 200_000;

/** How requests are made. */
export interface Clients {
  /** How many ask at the same time. */
  readonly clients: number;
  /** Whether a client keeps its connection; otherwise it makes one for each request. */
  readonly keepAlive: boolean;
}

/**
 * Makes `requests` requests.
 *
 * @param length of each answer's body; any, but all the same, when it is not given
 * @throws KaryonError BENCH_FAILED unless every single one got its answer
 */
export async function request(lab: Lab, url: string, requests: number, load: Clients, length?: number): Promise<void> {
  await run(lab, url, ["-n", String(requests)], load, { requests, ...(length === undefined ? {} : { length }) });
}

/** The same at several servers at the same time, as many requests to each. */
export async function requestAll(
  lab: Lab,
  urls: readonly string[],
  requests: number,
  load: Clients,
  length: number,
): Promise<void> {
  const command = ["ab", ...optionsOf(["-n", String(requests)], load)].join(" ");
  // One command for all: dom0's agent need not serve as many at once.
  const all = urls.map((url, i) => `${command} '${url}' > /tmp/ab-${i} 2>&1 &`);
  await lab.run(`${all.join(" ")} wait`, { timeoutMs: TIMEOUT_MS });
  for (const [i, url] of urls.entries()) {
    const wrong = wrongAnswers(await lab.run(`cat /tmp/ab-${i}`), { requests, length, keepAlive: load.keepAlive });
    if (wrong !== undefined) throw new KaryonError("BENCH_FAILED", `${command} ${url}: ${wrong}`);
  }
}

/** Makes requests for some seconds of dom0's clock; how many, and the exact time. @throws KaryonError BENCH_FAILED */
export async function requestFor(
  lab: Lab,
  url: string,
  seconds: number,
  load: Clients,
  length: number,
): Promise<{ readonly requests: number; readonly seconds: number }> {
  const options = ["-t", String(seconds), "-n", String(REQUESTS_MAX)];
  const report = await run(lab, url, options, load, { length });
  return { requests: reported(report, "Complete requests"), seconds: reported(report, "Time taken for tests") };
}

/** Makes requests; the ms that it took to answer them, by percentage: [0] the quickest, … [99]. @throws KaryonError BENCH_FAILED */
export async function latencies(
  lab: Lab,
  url: string,
  requests: number,
  load: Clients,
  length: number,
): Promise<number[]> {
  const file = "/tmp/latencies.csv";
  await run(lab, url, ["-n", String(requests), "-e", file], load, { requests, length });
  return percentiles((await lab.copyOut(file)).toString());
}

/** The times in what ab -e has written: "0,1.234" and so on, below a heading. @throws KaryonError BENCH_FAILED */
export function percentiles(csv: string): number[] {
  const rows = csv.trim().split("\n").slice(1);
  const times = rows.map((row) => Number(row.split(",")[1]));
  if (times.length >= 100 && times.every((time) => time >= 0)) return times;
  throw new KaryonError("BENCH_FAILED", `ab's percentiles are not understood:\n${csv.slice(0, 200)}`);
}

async function run(
  lab: Lab,
  url: string,
  options: readonly string[],
  load: Clients,
  expected: Omit<Expected, "keepAlive">,
): Promise<string> {
  const { keepAlive } = load;
  const all = optionsOf(options, load);
  const { status, stdout, stderr } = await lab.exec(["ab", ...all, url], { timeoutMs: TIMEOUT_MS });
  const report = stdout.toString();
  const wrong = status === 0 ? wrongAnswers(report, { ...expected, keepAlive }) : stderr.toString().trim();
  if (wrong !== undefined) throw new KaryonError("BENCH_FAILED", `ab ${all.join(" ")} ${url}: ${wrong}`);
  return report;
}

function optionsOf(options: readonly string[], { clients, keepAlive }: Clients): string[] {
  return ["-q", ...options, "-c", String(clients), ...(keepAlive ? ["-k"] : [])];
}

/** What ab's report must tell of. */
export interface Expected {
  /** As many as it says when it is not given, but one at least. */
  readonly requests?: number;
  readonly keepAlive: boolean;
  readonly length?: number;
}

/** What is wrong with the answers that a report of ab's tells of; undefined when nothing is. */
export function wrongAnswers(report: string, { requests, keepAlive, length }: Expected): string | undefined {
  const number = (what: string): number => reported(report, what);
  const made = requests ?? Math.max(1, number("Complete requests"));
  const expected: (readonly [what: string, value: number])[] = [
    ["Complete requests", made],
    ["Failed requests", 0],
    ["Write errors", 0],
    ["Non-2xx responses", 0],
    ["Keep-Alive requests", keepAlive ? made : 0],
  ];
  if (length !== undefined) expected.push(["Document Length", length]);
  const wrong = expected.filter(([what, value]) => number(what) !== value);
  if (wrong.length === 0) return undefined;
  return wrong.map(([what, value]) => `${what}: ${number(what)}, not ${value}`).join(", ");
}

/** A number of ab's report; 0 when it is not there. */
function reported(report: string, what: string): number {
  return Number(new RegExp(`^${what}:\\s+([\\d.]+)`, "m").exec(report)?.[1] ?? 0);
}
