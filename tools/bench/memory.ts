// `npm run bench -- memory`: the least `memory=` with which `xl create` gives a guest that does its work, by binary search on a real
// Xen, for our images and for the peer.
import type { Image } from "../image/build.ts";
import { Lab } from "../lab/lab.ts";
import { KaryonError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import { addressLine } from "./addresses.ts";
import type { Definition, Measurement, Results } from "./figures.ts";
import { appImage } from "./images.ts";
import { serverAddressLine, serverGuest } from "./peers/server_guest.ts";
import { NGINX } from "./peers/servers.ts";
import { leastThat } from "./search.ts";

export const MEMORY_FIGURES: readonly Definition[] = [
  { name: "memory-hello", title: "least memory that runs hello", part: "memory", unit: "MiB", target: 2 },
  { name: "memory-httpd", title: "least memory that runs httpd", part: "memory", unit: "MiB", target: 4 },
  {
    name: "memory-linux",
    title: "least memory of a web server, ours of Linux's with nginx",
    part: "memory",
    unit: "ratio",
    target: 1 / 16,
  },
];

const CREATE_TIMEOUT_MS = 60_000;
const WORK_TIMEOUT_MS = 30_000;
/** Linux boots for seconds under emulation, and longer the less memory it has. */
const LINUX_TIMEOUT_MS = 120_000;
const MEBIBYTE = 1024 * 1024;
const FIRST_ADDRESS = 30;

/** What is tried with less and less memory. */
interface Subject {
  readonly name: string;
  /** Its xl configuration, and the line that gives it an address ("10.0.2.20/24"). */
  readonly cfg: string;
  readonly addressLine: (address: string) => string;
  /** MiB that must do. */
  readonly enough: number;
  /** A shell command in dom0 that succeeds when the guest has done its work. */
  readonly works: (domain: string, address: string) => string;
  readonly timeoutMs: number;
}

/** Measures the memory-* figures. */
export async function measureMemory(): Promise<Results> {
  const subjects = [
    app(await appImage("hello"), (domain) => `grep -q 'Hello from' ${consoleLog(domain)}`),
    app(await appImage("httpd"), answers),
    await linux(),
  ];
  await using lab = await Lab.start();
  const results = new Map<string, Measurement>();
  for (const subject of subjects) results.set(`memory-${subject.name}`, await leastMemory(new Trials(lab, subject)));
  const [ours = NaN, theirs = NaN] = ["memory-httpd", "memory-linux"].map((name) => results.get(name)?.value);
  const { raw = {} } = results.get("memory-linux") ?? {};
  const sides = { karyon: [ours], linux: [theirs] };
  results.set("memory-linux", { value: ours / theirs, made: `${ours} MiB of ${theirs} MiB`, sides, raw });
  return results;
}

function app(image: Image, works: Subject["works"]): Subject {
  const { manifest, cfg } = image;
  const enough = manifest.memory / MEBIBYTE;
  const line = (address: string): string => addressLine(image, address);
  return { name: manifest.name, cfg, addressLine: line, enough, works, timeoutMs: WORK_TIMEOUT_MS };
}

async function linux(): Promise<Subject> {
  const cfg = await serverGuest(NGINX, { files: { "index.html": Buffer.from("served\n") } });
  const rest = { enough: 128, works: answers, timeoutMs: LINUX_TIMEOUT_MS };
  return { name: "linux", cfg, addressLine: serverAddressLine, ...rest };
}

function answers(_: string, address: string): string {
  return `curl -s -f -o /dev/null --max-time 2 http://${address}/`;
}

async function leastMemory(trials: Trials): Promise<Measurement> {
  const { name, enough } = trials.subject;
  const value = await leastThat(1, enough, (memory) => trials.works(memory));
  if (value === undefined) {
    throw new KaryonError("BENCH_FAILED", `${name} does not work with ${enough} MiB: ${trials.reasons.get(enough)}`);
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
  ) {}

  /** Whether the subject does its work in a domain of `memory` MiB. */
  async works(memory: number): Promise<boolean> {
    const name = `${this.subject.name}-${memory}M-${++trialCount}`;
    const address = `10.0.2.${FIRST_ADDRESS + trialCount}`;
    const reason = await this.#attempt(name, memory, address);
    await this.lab.sh(`xl destroy '${name}'`);
    logger.info(`${this.subject.name} with ${memory} MiB: ${reason ?? "works"}`);
    if (reason !== undefined) this.reasons.set(memory, reason);
    return reason === undefined;
  }

  /** Why it does not work; undefined when it does. */
  async #attempt(name: string, memory: number, address: string): Promise<string | undefined> {
    const { cfg, timeoutMs } = this.subject;
    const extra = [`name = "${name}"`, `memory = ${memory}`, this.subject.addressLine(`${address}/24`)];
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
      if ((await this.lab.sh(wait, { timeoutMs })).status === 0) return undefined;
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
