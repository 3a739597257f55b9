// A guest that obeys probes: Linux's (probes/main.c) or Karyon's (test/apps/probes), which follow the same lines.
import type { ConsoleStream } from "../lab/console.ts";
import type { Lab } from "../lab/lab.ts";
import { KaryonError } from "../support/errors.ts";

const BOOT_TIMEOUT_MS = 300_000;
const PROBE_TIMEOUT_MS = 300_000;
/** An answer is one when it is whole: a console shows what has been written so far. */
export const ANSWER = /^(?:done|failed) [^\n]*\n/m;

/** A running guest. */
export class ProbeGuest {
  private constructor(
    private readonly lab: Lab,
    private readonly name: string,
    private readonly console: ConsoleStream,
  ) {}

  /** Boots the guest of xl configuration `cfg`, named `name` there; `extra` are lines for it. Returns when it obeys. */
  static async boot(lab: Lab, name: string, cfg: string, extra: readonly string[] = []): Promise<ProbeGuest> {
    // A console is logged by name: what an earlier guest of that name said is not this one's.
    await lab.run(`rm -f /var/log/xen/console/guest-${name}.log`);
    const console = lab.console(name);
    try {
      await lab.create(cfg, { extra, timeoutMs: BOOT_TIMEOUT_MS });
      await console.waitFor(/^ready/m, BOOT_TIMEOUT_MS);
    } catch (error) {
      console.close();
      throw error;
    }
    return new ProbeGuest(lab, name, console);
  }

  /**
   * Does `probe` `count` times; the ns for all.
   *
   * @param argument what it takes besides the count
   * @throws KaryonError BENCH_FAILED when it did not do all
   */
  async run(probe: string, count: number, argument?: number): Promise<number> {
    const from = this.console.text.length;
    const line = [probe, ...(argument === undefined ? [] : [argument]), count].join(" ");
    await this.lab.type(this.name, `${line}\n`);
    const answer = await this.console.waitFor(ANSWER, PROBE_TIMEOUT_MS, from);
    const time = probeTime(answer[0], probe, count);
    if (time !== undefined) return time;
    throw new KaryonError("BENCH_FAILED", `${this.name} answers "${line}" with "${answer[0].trim()}"`);
  }

  /** Destroys the guest. */
  async end(): Promise<void> {
    this.console.close();
    await this.lab.run(`xl destroy ${this.name}`);
  }
}

/** The ns in "done <probe> <count> <ns>"; undefined when `answer` is not that of `count` times `probe`. */
export function probeTime(answer: string, probe: string, count: number): number | undefined {
  const [done, name, times, time = ""] = answer.trim().split(" ");
  if (done !== "done" || name !== probe || times !== String(count) || !/^\d+$/.test(time)) return undefined;
  return Number(time);
}
