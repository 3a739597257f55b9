// The HTTP client: Debian's ab (apache2-utils) in dom0, which makes so many requests and looks at every answer.
import type { Lab } from "../../lab/lab.ts";
import { KaryonError } from "../../support/errors.ts";
import { FILES, type HttpLoad } from "./loads.ts";

const TIMEOUT_MS = 400_000;

/**
 * Makes `requests` requests of a load to the server at `address`.
 *
 * @throws KaryonError BENCH_FAILED unless every single one got the whole file
 */
export async function request(lab: Lab, address: string, load: HttpLoad, requests: number): Promise<void> {
  const options = ["-q", "-n", String(requests), "-c", String(load.clients), ...(load.keepAlive ? ["-k"] : [])];
  const { status, stdout, stderr } = await lab.exec(["ab", ...options, `http://${address}/${load.file}`], {
    timeoutMs: TIMEOUT_MS,
  });
  const wrong = status === 0 ? wrongAnswers(stdout.toString(), load, requests) : stderr.toString().trim();
  if (wrong !== undefined) throw new KaryonError("BENCH_FAILED", `ab, ${requests} requests, ${load.title}: ${wrong}`);
}

/** What is wrong with the answers that a report of ab's tells of; undefined when nothing is. */
export function wrongAnswers(report: string, load: HttpLoad, requests: number): string | undefined {
  const number = (what: string): number => Number(new RegExp(`^${what}:\\s+(\\d+)`, "m").exec(report)?.[1] ?? 0);
  const expected: readonly (readonly [what: string, value: number])[] = [
    ["Complete requests", requests],
    ["Failed requests", 0],
    ["Write errors", 0],
    ["Non-2xx responses", 0],
    ["Document Length", FILES[load.file]],
    ["Keep-Alive requests", load.keepAlive ? requests : 0],
  ];
  const wrong = expected.filter(([what, value]) => number(what) !== value);
  return wrong.length === 0
    ? undefined
    : wrong.map(([what, value]) => `${what}: ${number(what)}, not ${value}`).join(", ");
}
