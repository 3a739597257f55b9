// The HTTP client: Debian's ab (apache2-utils) in dom0, which makes so many requests and looks at every answer.
import type { Lab } from "../../lab/lab.ts";
import { KaryonError } from "../../support/errors.ts";

const TIMEOUT_MS = 400_000;

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
export async function request(
  lab: Lab,
  url: string,
  requests: number,
  { clients, keepAlive }: Clients,
  length?: number,
): Promise<void> {
  const options = ["-q", "-n", String(requests), "-c", String(clients), ...(keepAlive ? ["-k"] : [])];
  const { status, stdout, stderr } = await lab.exec(["ab", ...options, url], { timeoutMs: TIMEOUT_MS });
  const expected: Expected = { requests, keepAlive, ...(length === undefined ? {} : { length }) };
  const wrong = status === 0 ? wrongAnswers(stdout.toString(), expected) : stderr.toString().trim();
  if (wrong !== undefined) throw new KaryonError("BENCH_FAILED", `ab ${options.join(" ")} ${url}: ${wrong}`);
}

/** What ab's report must tell of. */
export interface Expected {
  readonly requests: number;
  readonly keepAlive: boolean;
  readonly length?: number;
}

/** What is wrong with the answers that a report of ab's tells of; undefined when nothing is. */
export function wrongAnswers(report: string, { requests, keepAlive, length }: Expected): string | undefined {
  const number = (what: string): number => Number(new RegExp(`^${what}:\\s+(\\d+)`, "m").exec(report)?.[1] ?? 0);
  const expected: (readonly [what: string, value: number])[] = [
    ["Complete requests", requests],
    ["Failed requests", 0],
    ["Write errors", 0],
    ["Non-2xx responses", 0],
    ["Keep-Alive requests", keepAlive ? requests : 0],
  ];
  if (length !== undefined) expected.push(["Document Length", length]);
  const wrong = expected.filter(([what, value]) => number(what) !== value);
  if (wrong.length === 0) return undefined;
  return wrong.map(([what, value]) => `${what}: ${number(what)}, not ${value}`).join(", ");
}
