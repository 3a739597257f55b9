// forkd in a lab: bundled on the host, pushed into dom0 over the agent's channel, so that the lab's snapshot stays as it
// is, and run there with dom0's Node.
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { KaryonError } from "../support/errors.ts";
import { bundle } from "./bundle.ts";
import type { Lab } from "./lab.ts";
import { TextStream } from "./text-stream.ts";

const HOME = "/tmp/forkd";
const MAIN = fileURLToPath(new URL("../forkd/main.ts", import.meta.url));
const START_TIMEOUT_MS = 60_000;
const RUN_LIMIT_MS = 2 ** 31 - 1;
const require = createRequire(import.meta.url);

/** The few files of koffi that run: its JavaScript, and the native module for dom0's Node. */
const KOFFI_FILES = ["package.json", "index.js", "src/koffi/index.js", "src/koffi/src/static.js"] as const;
const KOFFI_NATIVE_FILES = ["package.json", "index.js", "linux_x64/koffi.node"] as const;

/** What a forkd logs. */
class LogStream extends TextStream {
  add(bytes: Buffer | string): void {
    this.take(bytes.toString());
  }
}

/** A forkd that runs in a lab's dom0. */
export class Forkd {
  readonly #ending = new AbortController();

  constructor(
    readonly lab: Lab,
    /** What it has logged. */
    readonly output: TextStream,
    readonly pid: number,
  ) {}

  /** The tree that `forkd status` prints. */
  status(): Promise<string> {
    return this.lab.run(`node ${HOME}/forkd.mjs status`);
  }

  /** Sends a signal to a process of a family, by `forkd signal`. */
  async signal(domain: string, signal: string): Promise<void> {
    await this.lab.run(`node ${HOME}/forkd.mjs signal '${domain}' '${signal}'`);
  }

  /** Ends it: SIGTERM lets go of all domains in good order, SIGKILL does not. */
  async end(signal: "TERM" | "KILL" = "TERM"): Promise<void> {
    const gone = `for i in $(seq 200); do kill -0 ${this.pid} 2>/dev/null || exit 0; usleep 50000; done; exit 1`;
    await this.lab.run(`kill -${signal} ${this.pid}; ${gone}`);
    this.#ending.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab.sh(`kill -KILL ${this.pid}`);
  }
}

/** What has been pushed into a lab: koffi, and the programs by their path here. */
const pushed = new WeakMap<Lab, Set<string>>();

/** Options of startForkd. */
export interface ForkdOptions {
  /** Arguments to `forkd run`. */
  readonly args?: readonly string[];
  /** Another program that takes the same arguments, in place of forkd's own. */
  readonly entry?: string;
}

/**
 * Starts forkd in dom0; returns when it serves.
 *
 * @throws KaryonError FORKD_START with what it said
 */
export async function startForkd(lab: Lab, { args = [], entry = MAIN }: ForkdOptions = {}): Promise<Forkd> {
  const program = await pushProgram(lab, entry);
  const output = new LogStream("forkd");
  // The shell tells its pid, which stays that of the program it becomes.
  const command = `echo "forkd-pid $$" >&2; exec node ${program} run ${args.join(" ")}`;
  const onText = (bytes: Buffer): void => output.add(bytes);
  lab
    .exec(["sh", "-c", command], { timeoutMs: RUN_LIMIT_MS, onStdout: onText, onStderr: onText })
    .then(({ status }) => output.add(`\nforkd ended with ${status}\n`))
    .catch(() => undefined);
  const [, pid] = await output.waitFor(/forkd-pid (\d+)/, START_TIMEOUT_MS);
  await output.waitFor(/forkd serves|forkd ended|ERROR/, START_TIMEOUT_MS);
  if (!/forkd serves/.test(output.text)) {
    throw new KaryonError("FORKD_START", `forkd does not start in the lab:\n${output.text}`);
  }
  return new Forkd(lab, output, Number(pid));
}

/** Bundles a program for dom0's Node that may use koffi, and copies it there; its path. */
export async function pushProgram(lab: Lab, entry: string): Promise<string> {
  const there = pushed.get(lab) ?? new Set();
  pushed.set(lab, there);
  if (there.size === 0) await pushKoffi(lab);
  const path = `${HOME}/${entry === MAIN ? "forkd" : basename(entry, ".ts")}.mjs`;
  if (!there.has(entry)) await lab.copyIn(await bundle(entry), path);
  there.add(entry);
  return path;
}

async function pushKoffi(lab: Lab): Promise<void> {
  const koffi = dirname(require.resolve("koffi"));
  const native = join(koffi, "..", "@koromix", "koffi-linux-x64");
  const modules = `${HOME}/node_modules`;
  for (const name of KOFFI_FILES) await lab.copyIn(join(koffi, name), `${modules}/koffi/${name}`);
  for (const name of KOFFI_NATIVE_FILES) {
    await lab.copyIn(join(native, name), `${modules}/@koromix/koffi-linux-x64/${name}`);
  }
}
