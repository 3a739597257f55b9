// A domain that runs test/apps/forkbench in a lab: its commands, what it and its children answer.
import type { Image } from "../../image/build.ts";
import type { ConsoleStream } from "../../lab/console.ts";
import type { Lab } from "../../lab/lab.ts";
import { KaryonError } from "../../support/errors.ts";
import { forkSamples, type ForkSample } from "./samples.ts";

const BOOT_TIMEOUT_MS = 120_000;
const COMMAND_TIMEOUT_MS = 90_000;
/** More time for each fork. */
const FORK_TIMEOUT_MS = 10_000;
const CHILDREN_TIMEOUT_MS = 60_000;
const POLL_MS = 200;
const LOGS = "/var/log/xen/console";

/** How a guest is made. */
export interface GuestOptions {
  /** MiB. */
  readonly memory: number;
  /** With a network device whose address comes by DHCP, or without one. */
  readonly network?: boolean;
  /** Lines for its configuration. */
  readonly extra?: readonly string[];
}

// Consoles are logged by name: a name is never used twice in a lab.
let guests = 0;

/** A name for a domain that no other has. */
export function newName(): string {
  return `forkbench${++guests}`;
}

/** The lines of an xl configuration that make `name` of the image. */
export function guestLines(name: string, { memory, network = false, extra = [] }: GuestOptions): string[] {
  const device = network ? 'vif = [""]' : "vif = []";
  const commandLine = `ip=${network ? "dhcp" : "off"} fork=64`;
  return [`name = "${name}"`, `memory = ${memory}`, device, `extra = "${commandLine}"`, ...extra];
}

/** A running forkbench and its family. */
export class ForkGuest {
  private constructor(
    readonly lab: Lab,
    readonly name: string,
    private readonly console: ConsoleStream,
  ) {}

  /** Boots one; returns when it waits for commands. */
  static async boot(lab: Lab, { cfg }: Image, options: GuestOptions): Promise<ForkGuest> {
    const name = newName();
    const console = lab.console(name);
    try {
      await lab.create(cfg, { extra: guestLines(name, options), timeoutMs: BOOT_TIMEOUT_MS });
      await console.waitFor(/^ready/m, BOOT_TIMEOUT_MS);
      if (options.network === true) await console.waitFor(/net: eth0 \d/, BOOT_TIMEOUT_MS);
    } catch (error) {
      console.close();
      throw error;
    }
    return new ForkGuest(lab, name, console);
  }

  /**
   * Gives one command and waits for its end; what the guest wrote meanwhile.
   *
   * @throws KaryonError BENCH_FAILED when it came to another number than `expected`
   */
  async command(text: string, expected: number): Promise<string> {
    const { said, done } = await this.tryCommand(text);
    if (done === expected) return said;
    const failures = said.match(/^failed .*$/gm)?.join(", ") ?? "";
    throw new KaryonError(
      "BENCH_FAILED",
      `${this.name}: "${text}" came to ${done}, not ${expected} ${failures}`.trim(),
    );
  }

  /** Gives one command and waits for its end; what the guest wrote meanwhile, and the number it came to. */
  async tryCommand(text: string): Promise<{ readonly said: string; readonly done: number }> {
    const from = this.console.text.length;
    const limit = COMMAND_TIMEOUT_MS + Number(text.split(" ")[1]) * FORK_TIMEOUT_MS;
    await this.lab.type(this.name, `${text}\n`);
    const [said, done] = await this.console.waitFor(/[^]*^done (-?\d+)/m, limit, from);
    return { said, done: Number(done) };
  }

  /** Forks `count` times, at least `pauseMs` apart; the children stay, or end and are waited for. */
  async forks(count: number, pauseMs: number, children: "stay" | "exit", network = false): Promise<ForkSample[]> {
    const said = await this.command(`fork ${count} ${pauseMs} ${children}`, count);
    const deadline = Date.now() + CHILDREN_TIMEOUT_MS;
    for (;;) {
      const samples = forkSamples(said, await this.#childLogs());
      const complete = samples.filter((sample) => !network || sample.network !== undefined);
      if (complete.length === count) return complete;
      if (Date.now() > deadline) {
        throw new KaryonError("BENCH_FAILED", `${this.name}: ${complete.length} of ${count} children told their times`);
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async #childLogs(): Promise<string[]> {
    const mark = "forkbench-next-log";
    const logs = await this.lab.run(`for f in ${LOGS}/guest-${this.name}-*.log; do echo ${mark}; cat $f; done`);
    return logs.split(mark);
  }

  /** Destroys the family; returns when the last of it is gone. */
  async end(): Promise<void> {
    this.console.close();
    await destroyFamily(this.lab, this.name);
  }
}

/** Destroys the domains called `name` or `name-…` until there are none. */
export async function destroyFamily(lab: Lab, name: string): Promise<void> {
  const find = `xl list | awk '$1 == "${name}" || index($1, "${name}-") == 1 { print $2 }'`;
  const round = `ids=$(${find}); [ -z "$ids" ] && exit 0; for id in $ids; do xl destroy $id 2>/dev/null; done`;
  const command = `for i in $(seq 60); do ${round}; sleep 0.2; done; exit 1`;
  await lab.run(command, { timeoutMs: CHILDREN_TIMEOUT_MS * 2 });
}
