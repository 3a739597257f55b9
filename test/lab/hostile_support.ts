// A hostile family beside two innocent guests: one family that forks, and one domain that rests, whose memory may not change.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import type { Lab } from "../../tools/lab/lab.ts";
import { FORGERY_FILE, type Forgery } from "./dom0/forgery.ts";
import { bootOrders, explained, forksWell, wayOf, type OrderedFamily } from "./faults_support.ts";
import { pushProgram, startForkd, type Forkd } from "./forkd_support.ts";
import { hostChanges, restingHostState, type HostState } from "./host_state.ts";
import { boot, type Guest } from "./support.ts";

const ENTRY = fileURLToPath(new URL("dom0/forging_forkd.ts", import.meta.url));
const MAXIMUM_PAGES = fileURLToPath(new URL("dom0/maximum_pages.ts", import.meta.url));
const ANSWER_MS = 60_000;
/** After this a hostile guest that says nothing is destroyed. */
const PATIENCE_MS = 20_000;
const DUMP = "/tmp/resting";

/** What a hostile guest got for its fork. */
export type Answer = "a child" | `errno ${number}` | "its end";

/** Guests and a forkd that finds lies. */
export class HostileScene {
  #hostile: OrderedFamily | undefined;
  #lies = 0;

  private constructor(
    private readonly lab: Lab,
    private readonly forkd: Forkd,
    private readonly before: HostState,
    private readonly innocent: OrderedFamily,
    private readonly resting: Guest,
    private readonly memory: string,
  ) {}

  /** Starts it all, once a family has come and gone. */
  static async begin(lab: Lab, way: string): Promise<HostileScene> {
    // What stands ready was made from the truth: where all is copied, lies are to be read at the fork.
    const args = [...wayOf(way).args, ...(way === "copy" ? ["--pool", "0"] : [])];
    const forkd = await startForkd(lab, { args, entry: ENTRY });
    {
      await using warm = await bootOrders(forkd);
      await forksWell(warm, forkd);
      await using other = await bootOrders(forkd);
      await forksWell(other, forkd);
    }
    const before = await restingHostState(lab, forkd);
    const innocent = await bootOrders(forkd);
    const resting = await boot(lab, "test/apps/busy", { memory: 2, commandLine: "ip=off fork=2", args: ["-p"] });
    return new HostileScene(lab, forkd, before, innocent, resting, await memoryOf(resting));
  }

  /** Lets the hostile guest fork with a lie, and an innocent one as well; what the hostile one got. */
  async lie(what: string, forgery: Omit<Forgery, "domain">): Promise<Answer> {
    this.#lies += 1;
    const hostile = (this.#hostile ??= await bootOrders(this.forkd));
    await this.#arm({ domain: await this.#domainOf(hostile.guest), ...forgery });
    const answer = await explained(this.forkd.output.text, () => this.#forkAsOrdered(hostile));
    await this.#arm({ domain: -1 });
    assert.doesNotMatch(this.forkd.output.text, /forkd ended/, what);
    // One in four: what is broken for others stays broken.
    if (this.#lies % 4 === 0) await forksWell(this.innocent, this.forkd);
    return answer;
  }

  async #forkAsOrdered(hostile: OrderedFamily): Promise<Answer> {
    const { guest } = hostile;
    await hostile.order();
    const told = await hostile.told(PATIENCE_MS);
    // What has come of it may do anything, or nothing for ever.
    const children = `xl list | awk '$1 ~ /^${guest.name}-/ && $5 !~ /p/ {print $1}'`;
    if (told !== undefined && "errno" in told) return `errno ${told.errno}`;
    await this.lab.run(`for d in $(${children}); do xl destroy $d; done; true`);
    if (told !== undefined && (await hostile.waits(PATIENCE_MS))) return "a child";
    await hostile[Symbol.asyncDispose]();
    this.#hostile = undefined;
    return "its end";
  }

  /** Lets the hostile guest offer fork once more with a lie; how many frames it may have after that. */
  async offerAgain(forgery: Omit<Forgery, "domain">): Promise<number> {
    const { guest } = (this.#hostile ??= await bootOrders(this.forkd));
    const domain = await this.#domainOf(guest);
    await this.#arm({ domain, ...forgery });
    const port = `/local/domain/${domain}/data/fork/event-channel`;
    const from = this.forkd.output.text.length;
    await this.lab.run(`xenstore-write ${port} "$(xenstore-read ${port})"`);
    await this.forkd.output.waitFor(new RegExp(`${guest.name} is process 1 `), ANSWER_MS, from);
    await forksWell(this.innocent, this.forkd);
    await this.#arm({ domain: -1 });
    const program = await pushProgram(this.lab, MAXIMUM_PAGES);
    return Number(await this.lab.run(`node ${program} ${domain}`));
  }

  /** Writes an offer as the resting guest could. */
  async offer(nodes: Readonly<Record<string, string>>): Promise<void> {
    const home = `/local/domain/${await this.#domainOf(this.resting)}/data/fork`;
    const writes = Object.entries(nodes).map(([node, value]) => `xenstore-write -- ${home}/${node} '${value}'`);
    await this.lab.run(writes.join(" && "));
    this.#lies += 1;
    if (this.#lies % 8 === 0) await forksWell(this.innocent, this.forkd);
  }

  /** A machine frame each of the innocent guest, the resting one, domain 0 and Xen. */
  async framesOfOthers(): Promise<Readonly<Record<string, number>>> {
    const ring = async (guest: Guest): Promise<number> => {
      const node = `/local/domain/${await this.#domainOf(guest)}/store/ring-ref`;
      return Number(await this.lab.run(`xenstore-read ${node}`));
    };
    return {
      "an innocent guest": await ring(this.innocent.guest),
      "a resting guest": await ring(this.resting),
      "nobody, or Xen": 0,
      "Xen, or nobody": 0x100,
      "no memory": 0xfffffffe,
    };
  }

  /** The hostile family goes, and so do the innocent, who are as they were. */
  async end(): Promise<void> {
    await this.#hostile?.[Symbol.asyncDispose]();
    await forksWell(this.innocent, this.forkd);
    assert.doesNotMatch(this.innocent.guest.console.text, /FAILED|panic/);
    assert.equal(await memoryOf(this.resting), this.memory, "the memory of a resting guest has changed");
    await this.innocent[Symbol.asyncDispose]();
    await this.resting[Symbol.asyncDispose]();
    assert.deepEqual(await hostChanges(this.lab, this.before, this.forkd), []);
    await this.forkd.end();
  }

  async #arm(forgery: Forgery): Promise<void> {
    const { lab, pid, output } = this.forkd;
    const from = output.text.length;
    await lab.run(`cat > ${FORGERY_FILE} && kill -USR2 ${pid}`, { input: JSON.stringify(forgery) });
    await output.waitFor(/forgery armed/, ANSWER_MS, from);
  }

  async #domainOf({ name }: Guest): Promise<number> {
    return Number(await this.lab.run(`xl domid ${name}`));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const each of [this.#hostile, this.innocent, this.resting]) await each?.[Symbol.asyncDispose]();
    await this.forkd[Symbol.asyncDispose]();
  }
}

/** A hash of all memory of a domain that is paused. */
async function memoryOf({ lab, name }: Guest): Promise<string> {
  return lab.run(`xl dump-core ${name} ${DUMP} >/dev/null 2>&1; md5sum < ${DUMP}; rm ${DUMP}`);
}
