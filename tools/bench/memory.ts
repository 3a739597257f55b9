// The least `memory=` with which `xl create` gives a guest that does its work, by binary search on a real Xen.
import { commandLine } from "../image/config.ts";
import type { Image } from "../image/build.ts";
import { Lab } from "../lab/lab.ts";
import { KaryonError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import type { Measurement } from "./figures.ts";
import { appImage } from "./images.ts";
import { leastThat } from "./search.ts";

const CREATE_TIMEOUT_MS = 60_000;
const WORK_TIMEOUT_MS = 30_000;
const MEBIBYTE = 1024 * 1024;
const FIRST_ADDRESS = 30;

/** An app, and how dom0 sees that it works. */
interface Subject {
  readonly app: string;
  /** A shell command in dom0 that succeeds when the guest has done its work. */
  readonly works: (domain: string, address: string) => string;
}

const SUBJECTS: readonly Subject[] = [
  { app: "hello", works: (domain) => `grep -q 'Hello from' ${consoleLog(domain)}` },
  { app: "httpd", works: (_, address) => `curl -s -f -o /dev/null --max-time 2 http://${address}/` },
];

/** Measures the memory-* figures. */
export async function measureMemory(): Promise<ReadonlyMap<string, Measurement>> {
  const images = await Promise.all(SUBJECTS.map(({ app }) => appImage(app)));
  await using lab = await Lab.start();
  const results = new Map<string, Measurement>();
  for (const [index, subject] of SUBJECTS.entries()) {
    results.set(`memory-${subject.app}`, await leastMemory(new Trials(lab, subject, images[index] as Image)));
  }
  return results;
}

async function leastMemory(trials: Trials): Promise<Measurement> {
  const { app } = trials.subject;
  const enough = trials.image.manifest.memory / MEBIBYTE;
  const value = await leastThat(1, enough, (memory) => trials.works(memory));
  if (value === undefined) {
    throw new KaryonError("BENCH_FAILED", `${app} does not work with ${enough} MiB: ${trials.reasons.get(enough)}`);
  }
  const reason = trials.reasons.get(value - 1);
  if (reason === undefined) return { value };
  return { value, limit: `with ${value - 1} MiB: ${reason}`, raw: { fails: Object.fromEntries(trials.reasons) } };
}

// Each trial has a name and an address of its own: consoles are logged by name, and dom0 remembers addresses.
let trialCount = 0;

class Trials {
  /** Why it did not work, by MiB. */
  readonly reasons = new Map<number, string>();

  constructor(
    readonly lab: Lab,
    readonly subject: Subject,
    readonly image: Image,
  ) {}

  /** Whether the app does its work in a domain of `memory` MiB. */
  async works(memory: number): Promise<boolean> {
    const name = `${this.subject.app}-${memory}M-${++trialCount}`;
    const address = `10.0.2.${FIRST_ADDRESS + trialCount}`;
    const reason = await this.#attempt(name, memory, address);
    await this.lab.sh(`xl destroy '${name}'`);
    logger.info(`${this.subject.app} with ${memory} MiB: ${reason ?? "works"}`);
    if (reason !== undefined) this.reasons.set(memory, reason);
    return reason === undefined;
  }

  /** Why it does not work; undefined when it does. */
  async #attempt(name: string, memory: number, address: string): Promise<string | undefined> {
    const { manifest, cfg } = this.image;
    const network = manifest.network === false ? false : { ...manifest.network, address: `${address}/24` };
    const options = commandLine({ ...manifest, network }).replace(/["\\]/g, "\\$&");
    const extra = [`name = "${name}"`, `memory = ${memory}`, `extra = "${options}"`];
    try {
      await this.lab.create(cfg, { extra, args: ["-p"], timeoutMs: CREATE_TIMEOUT_MS });
    } catch (error) {
      if (error instanceof KaryonError && error.code === "LAB_COMMAND") return firstError(error.message);
      throw error;
    }
    const works = this.subject.works(name, address);
    // A domain that is gone may have done its work just before.
    const gone = `! xl domid '${name}' >/dev/null 2>&1`;
    const wait = `xl unpause '${name}'; until ${works}; do if ${gone}; then sleep 0.2; ${works}; exit; fi; sleep 0.1; done`;
    try {
      if ((await this.lab.sh(wait, { timeoutMs: WORK_TIMEOUT_MS })).status === 0) return undefined;
    } catch (error) {
      if (!(error instanceof KaryonError) || error.code !== "LAB_TIMEOUT") throw error;
    }
    const { stdout } = await this.lab.sh(`cat ${consoleLog(name)}`);
    return lastLine(stdout) || "it ends without a word on its console";
  }
}

function consoleLog(domain: string): string {
  return `/var/log/xen/console/guest-${domain}.log`;
}

// What xl says first is the cause; what follows is the cleaning up after it.
function firstError(text: string): string {
  return text.split("\n").find((line) => line.includes("error:")) ?? text;
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}
