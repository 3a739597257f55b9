// A lab: one real Xen host inside QEMU, started from the snapshot in about a second, thrown away at its end. Commands
// run in its dom0; domains are created from the same files that a Xen host's `xl create` takes.
//
//   await using lab = await Lab.start();
//   await lab.create("build/httpd/httpd.cfg");
//   const console = lab.console("httpd");
//   const [, address] = await console.waitFor(/eth0 (\d+\.\d+\.\d+\.\d+)/, 10_000);
import { randomBytes } from "node:crypto";
import { readFile, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { KaryonError } from "../support/errors.ts";
import { logger } from "../support/log.ts";
import { Conversation, request, type AgentAddress, type CommandResult, type ConversationOptions } from "./client.ts";
import { AGENT_ADDRESS, AGENT_PORT } from "./agent/protocol.ts";
import { difference, readCounters, total, type CountedCpu, type Instructions } from "./count/count.ts";
import { readMarks, setMarks, type Mark } from "./count/marks.ts";
import { samplesSince, samplesTaken, type Samples } from "./count/samples.ts";
import { readDomainConfig } from "./config.ts";
import { ConsoleStream } from "./console.ts";
import type { Accelerator } from "./machine/accelerator.ts";
import { addForward, type ForwardTarget } from "./machine/forward.ts";
import { spreadProcessors } from "./machine/affinity.ts";
import { isMachine, type Machine, type MachineFiles } from "./machine/qemu.ts";
import { withQmp, type Qmp } from "./machine/qmp.ts";
import {
  currentSnapshot,
  dropSnapshot,
  restore,
  snapshotVersion,
  waitForAgent,
  type Snapshot,
} from "./machine/snapshot.ts";

const RESTORE_TIMEOUT_MS = 30_000;
const COMMAND_TIMEOUT_MS = 60_000;
const COPY_TIMEOUT_MS = 60_000;

/** Options of Lab.start. */
export interface LabOptions {
  /** Whether the lab outlives this process (then only stop ends it). */
  readonly detached?: boolean;
  /** Another accelerator than the host's best: icount for counting instructions. */
  readonly accelerator?: Accelerator;
  /** Whether each virtual processor gets one of the host's for itself: for measuring times. */
  readonly spread?: boolean;
  /** MiB of the whole host, Xen and dom0 included; another size than the usual one is booted once, for a snapshot of its own. */
  readonly memory?: number;
}

/** Everything another process needs to find a detached lab again. */
export interface LabHandle {
  readonly pid: number;
  readonly files: MachineFiles;
  readonly agent: AgentAddress;
  readonly accelerator: Accelerator;
}

/** Options of a command. */
export interface CommandOptions {
  readonly timeoutMs?: number;
  readonly input?: Buffer | string;
  readonly onStdout?: (bytes: Buffer) => void;
  readonly onStderr?: (bytes: Buffer) => void;
  readonly signal?: AbortSignal;
}

/** A command's exit status and output as text. */
export interface TextResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Options of Lab.create. */
export interface CreateOptions {
  /** Lines added to the configuration; a later line wins over an earlier one of the same name. */
  readonly extra?: readonly string[];
  /** Arguments to `xl create`, such as "-p" (leave it paused). */
  readonly args?: readonly string[];
  readonly timeoutMs?: number;
}

/** A domain that Lab.create made. */
export interface Domain {
  readonly name: string;
  readonly id: number;
}

/** A running lab. */
export class Lab {
  readonly #pushed = new Set<string>();

  private constructor(
    readonly handle: LabHandle,
    private readonly machine: Machine | undefined,
  ) {}

  /**
   * Starts a lab; the first one ever fetches and builds what it takes.
   *
   * @throws KaryonError LAB_BROKEN when it does not come up even from a fresh snapshot
   */
  static async start(options: LabOptions = {}): Promise<Lab> {
    const snapshot = await currentSnapshot(options.accelerator, options.memory);
    const version = await snapshotVersion(snapshot);
    try {
      return await Lab.#restore(snapshot, options);
    } catch (error) {
      // A snapshot belongs to this very QEMU, CPU and image; when the key misses a difference, make it anew, once.
      logger.warn(`the lab's snapshot does not come up, making it anew (${String(error).split("\n")[0]})`);
    }
    await dropSnapshot(snapshot, version);
    try {
      return await Lab.#restore(await currentSnapshot(options.accelerator, options.memory), options);
    } catch (error) {
      const mend = "remove .cache/lab and try again; KARYON_LAB_ACCELERATOR=tcg avoids KVM";
      throw new KaryonError("LAB_BROKEN", "the lab does not come up", mend, { cause: error });
    }
  }

  /** The lab another process started detached; undefined when it has ended. */
  static async attach(handle: LabHandle): Promise<Lab | undefined> {
    return (await isMachine(handle.pid, handle.files.folder)) ? new Lab(handle, undefined) : undefined;
  }

  static async #restore(snapshot: Snapshot, options: LabOptions): Promise<Lab> {
    const { machine, qmp } = await restore(snapshot, options.detached === true);
    try {
      const port = await addForward(qmp, { address: AGENT_ADDRESS, port: AGENT_PORT });
      const agent = { port, secret: randomBytes(16).toString("hex") };
      await goOn(qmp);
      if (options.spread === true && !(await spreadProcessors(qmp))) {
        logger.warn("the lab's processors share those of this host: times say less");
      }
      await waitForAgent(machine, port, RESTORE_TIMEOUT_MS);
      await request(agent, { op: "claim", time: Date.now() / 1000 }, { timeoutMs: RESTORE_TIMEOUT_MS });
      const handle = { pid: machine.pid, files: machine.files, agent, accelerator: snapshot.kind.accelerator };
      if (options.detached === true) machine.release();
      return new Lab(handle, machine);
    } catch (error) {
      await machine.stop();
      throw error;
    } finally {
      qmp.close();
    }
  }

  /** Runs a shell command line in dom0; any exit status is a result, not an error. */
  async sh(command: string, options: CommandOptions = {}): Promise<TextResult> {
    return text(await this.exec(["sh", "-c", command], options));
  }

  /**
   * Runs a shell command line in dom0 and returns its output, without the last newline.
   *
   * @throws KaryonError LAB_COMMAND when it exits with another status than 0
   */
  async run(command: string, options: CommandOptions = {}): Promise<string> {
    const { status, stdout, stderr } = await this.sh(command, options);
    if (status === 0) return stdout.replace(/\n$/, "");
    const said = [stderr.trim(), stdout.trim()].filter((part) => part !== "").join("\n");
    throw new KaryonError("LAB_COMMAND", `in the lab, \`${command}\` exited with ${status}\n${said}`);
  }

  /** Runs a program in dom0, without a shell. */
  exec(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    const { timeoutMs = COMMAND_TIMEOUT_MS, input, ...rest } = options;
    const given = input === undefined ? {} : { input: Buffer.from(input) };
    return request(this.handle.agent, { op: "exec", argv }, { timeoutMs, ...given, ...rest });
  }

  /** Starts a program in dom0 that is given input and heard while it runs; whoever calls ends it. */
  converse(argv: readonly string[], options: ConversationOptions): Conversation {
    return new Conversation(this.handle.agent, { op: "exec", argv }, options);
  }

  /** Copies a file of the host, or bytes, to `path` in dom0; its folder is made. */
  async copyIn(source: string | Buffer, path: string, mode = 0o644): Promise<void> {
    const input = typeof source === "string" ? await readFile(source) : source;
    await request(this.handle.agent, { op: "put", path, mode }, { timeoutMs: COPY_TIMEOUT_MS, input });
  }

  /** The content of `path` in dom0; also written to the file `target` of the host when that is given. */
  async copyOut(path: string, target?: string): Promise<Buffer> {
    const { stdout } = await request(this.handle.agent, { op: "get", path }, { timeoutMs: COPY_TIMEOUT_MS });
    if (target !== undefined) await writeFile(target, stdout);
    return stdout;
  }

  /**
   * `xl create` of a configuration file of the host: copies it into dom0 first (place).
   *
   * @throws KaryonError BAD_CONFIG, LAB_COMMAND (what xl said)
   */
  async create(configPath: string, options: CreateOptions = {}): Promise<Domain> {
    const { name, path } = await this.place(configPath, options.extra);
    const wanted = options.args ?? [];
    const args = ["create", "-q", "-p", ...wanted, path].map((word) => `'${word}'`).join(" ");
    // Created paused: a guest may end sooner than it can be asked for its number.
    const start = wanted.includes("-p") ? "true" : `xl unpause '${name}'`;
    const limits = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };
    const id = await this.run(`xl ${args} && xl domid '${name}' && ${start}`, limits);
    return { name, id: Number(id) };
  }

  /**
   * Copies a configuration file of the host, `extra` lines added, and the kernel and ramdisk it names into dom0.
   *
   * @returns the domain's name and the configuration's path in dom0
   * @throws KaryonError BAD_CONFIG
   */
  async place(configPath: string, extra: readonly string[] = []): Promise<{ name: string; path: string }> {
    const config = await readDomainConfig(configPath, extra);
    for (const { path, content } of config.files) {
      if (this.#pushed.has(path)) continue;
      if ((await this.sh(`test -e ${path}`)).status !== 0) await this.copyIn(content, path);
      this.#pushed.add(path);
    }
    const path = `/tmp/config/${basename(configPath)}`;
    await this.copyIn(Buffer.from(config.text), path);
    return { name: config.name, path };
  }

  /** What the domains called `name` have written and write to their consoles, from the first on. */
  console(name: string): ConsoleStream {
    return new ConsoleStream(this.handle.agent, name);
  }

  /** Types `text` into a domain's console. */
  async type(domain: string, typed: string): Promise<void> {
    const find = `xenstore-read "/local/domain/$(xl domid '${domain}')/console/tty"`;
    await this.run(`cat > "$(${find})"`, { input: typed });
  }

  /** Makes a guest's port reachable at 127.0.0.1:`hostPort` (0: any free one); returns the port taken. */
  hostForward(hostPort: number, address: string, port: number): Promise<number> {
    const target: ForwardTarget = { address, port };
    return withQmp(this.handle.files.qmp, (qmp) => addForward(qmp, target, hostPort));
  }

  /**
   * Runs `work` and returns what the guests' CPU executed meanwhile, exact when the guest is idle before and after.
   * For a lab started with the accelerator icount, and domains created with GUEST_SETTINGS.
   */
  async countInstructions(work: () => Promise<void>): Promise<Instructions> {
    return (await this.countBoth(work)).guest;
  }

  /** Like countInstructions, but dom0's CPU too. */
  async countBoth(work: () => Promise<void>): Promise<Readonly<Record<CountedCpu, Instructions>>> {
    this.#mustCount();
    const before = await readCounters(this.handle.files.counters);
    await work();
    const after = await readCounters(this.handle.files.counters);
    return { dom0: difference(before.dom0, after.dom0), guest: difference(before.guest, after.guest) };
  }

  /** Like countInstructions, but tells which instructions they were, by samples. */
  async sampleInstructions(work: () => Promise<void>): Promise<Samples> {
    this.#mustCount();
    const before = await samplesTaken(this.handle.files.samples);
    await work();
    return samplesSince(this.handle.files.samples, before);
  }

  /**
   * Like countInstructions, but tells when each of the marked places was first reached, by instructions since the beginning of
   * `work`; undefined for one that was not.
   */
  async countTo(marks: readonly Mark[], work: () => Promise<void>): Promise<readonly (number | undefined)[]> {
    this.#mustCount();
    await setMarks(this.handle.files.marks, marks);
    const before = total((await readCounters(this.handle.files.counters)).guest);
    await work();
    const reached = await readMarks(this.handle.files.marks, marks);
    return reached.map((count) => (count === 0 ? undefined : count - before));
  }

  /** Whether it counts instructions. */
  get counts(): boolean {
    return this.handle.accelerator === "icount";
  }

  #mustCount(): void {
    if (this.counts) return;
    const mend = 'start it with accelerator "icount"';
    throw new KaryonError("NOT_COUNTING", "this lab does not count instructions", mend);
  }

  /** Ends the lab and everything in it, at once. */
  async stop(): Promise<void> {
    if (this.machine !== undefined) return this.machine.stop();
    const { pid, files } = this.handle;
    if (await isMachine(pid, files.folder)) process.kill(pid, "SIGKILL");
    await rm(files.folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

async function goOn(qmp: Qmp): Promise<void> {
  const deadline = Date.now() + RESTORE_TIMEOUT_MS;
  for (;;) {
    const { status } = (await qmp.command("query-status")) as { status: string };
    // The machine was stopped to be saved, so it comes back paused.
    if (status === "paused") return void (await qmp.command("cont"));
    if (Date.now() > deadline) throw new KaryonError("LAB_BOOT", `QEMU stays in state ${status}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function text({ status, stdout, stderr }: CommandResult): TextResult {
  return { status, stdout: stdout.toString(), stderr: stderr.toString() };
}
