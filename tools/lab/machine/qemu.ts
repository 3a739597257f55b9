// One QEMU process: the machine the lab runs on, started from nothing or from a snapshot.
//
// The list of devices and the CPU's flags are part of a snapshot: whatever changes them belongs into machineArguments,
// whose text is a part of the snapshot's key.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, rmSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostTool } from "../../debian/tools.ts";
import { KaryonError } from "../../support/errors.ts";
import type { Accelerator } from "./accelerator.ts";
import type { Dom0Settings } from "./dom0.ts";
import { Qmp } from "./qmp.ts";

const QMP_TIMEOUT_MS = 20_000;
const POLL_MS = 5;
const SERIAL_TAIL = 2000;
const FOLDER_PREFIX = "karyon-lab-";
// Between making its folder and writing its pid a start takes less than this.
const START_MS = 60_000;

/** What makes two machines interchangeable for a snapshot. */
export interface MachineKind {
  readonly accelerator: Accelerator;
  /** MiB of memory of the whole Xen host. */
  readonly memory: number;
  readonly dom0: Dom0Settings;
}

/** How a machine comes to life. */
export interface StartOptions {
  readonly kind: MachineKind;
  /** The file that is the machine's memory. */
  readonly ram: string;
  /** Whether what it writes to its memory goes into that file. */
  readonly keepRam: boolean;
  /** Arguments of this start only: what to boot, or the snapshot to read. */
  readonly args: readonly string[];
  /** A TCG plugin that counts instructions into MachineFiles.counters; samples and marks go into the files of that name. */
  readonly plugin?: string;
  /** Whether the process outlives this one. */
  readonly detached: boolean;
}

/** The arguments that describe the machine. */
export function machineArguments({ accelerator, memory }: MachineKind): string[] {
  const acceleration: Record<Accelerator, string[]> = {
    kvm: ["-accel", "kvm", "-cpu", "host,-smap,-smep,-vmx,-svm"],
    // Without the flags: QEMU 7.2's emulation of SMAP and SMEP crashes dom0, that of RDTSCP crashes PVH guests; and ERMS
    // makes everyone copy by `rep movsb`, fast on real processors, but emulated byte by byte.
    tcg: ["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max,-smap,-smep,-rdtscp,-erms"],
    icount: ["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-cpu", "max,-smap,-smep,-rdtscp"],
  };
  return [
    ...acceleration[accelerator],
    ...["-machine", "q35,memory-backend=ram,hpet=off", "-m", `${memory}M`, "-smp", "2"],
    ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
    ...["-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci"],
  ];
}

/** Quotes a value for a QEMU option: a comma would begin the next one. */
export function quoted(value: string): string {
  return value.replaceAll(",", ",,");
}

/** A running machine's files; enough to find it again from another process. */
export interface MachineFiles {
  readonly folder: string;
  readonly qmp: string;
  readonly serial: string;
  /** What a counting plugin writes; there is no such file without one. */
  readonly counters: string;
  readonly samples: string;
  readonly marks: string;
}

/** A machine started by this process. */
export class Machine {
  readonly #killOnExit = (): void => {
    this.child.kill("SIGKILL");
    rmSync(this.files.folder, { recursive: true, force: true });
  };

  private constructor(
    private readonly child: ChildProcess,
    readonly files: MachineFiles,
  ) {
    process.on("exit", this.#killOnExit);
  }

  /** Starts QEMU; returns when its control socket answers. */
  static async start(options: StartOptions): Promise<{ machine: Machine; qmp: Qmp }> {
    await removeDeadFolders();
    const folder = await mkdtemp(join(tmpdir(), FOLDER_PREFIX));
    const files = {
      folder,
      qmp: join(folder, "qmp"),
      serial: join(folder, "serial.log"),
      counters: join(folder, "counters"),
      samples: join(folder, "samples"),
      marks: join(folder, "marks"),
    };
    const machine = new Machine(await spawnQemu(options, files), files);
    await writeFile(join(folder, "pid"), `${machine.pid}\n`);
    try {
      return { machine, qmp: await machine.#openQmp() };
    } catch (error) {
      await machine.stop();
      throw error;
    }
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Whether QEMU has ended by itself or otherwise. */
  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** The end of what the machine wrote to its serial port and QEMU to stderr: for error messages. */
  async lastWords(): Promise<string> {
    const read = async (path: string): Promise<string> => (existsSync(path) ? readFile(path, "utf8") : "");
    const text = (await read(this.files.serial)) + (await read(join(this.files.folder, "qemu.log")));
    return text.slice(-SERIAL_TAIL);
  }

  /** Lets the process go on by itself. */
  release(): void {
    process.off("exit", this.#killOnExit);
    this.child.unref();
  }

  /** Kills QEMU at once and removes its files. */
  async stop(): Promise<void> {
    process.off("exit", this.#killOnExit);
    if (!this.ended) {
      const exited = once(this.child, "exit");
      this.child.kill("SIGKILL");
      await exited;
    }
    await rm(this.files.folder, { recursive: true, force: true });
  }

  async #openQmp(): Promise<Qmp> {
    const deadline = Date.now() + QMP_TIMEOUT_MS;
    for (;;) {
      if (this.ended) throw new KaryonError("QEMU_FAILED", `QEMU ended at once\n${await this.lastWords()}`);
      try {
        return await Qmp.open(this.files.qmp);
      } catch (error) {
        if (Date.now() > deadline)
          throw new KaryonError("QEMU_TIMEOUT", "QEMU does not open its control socket", "", { cause: error });
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    }
  }
}

/** Whether process `pid` runs the machine whose files are in `folder`. */
export async function isMachine(pid: number, folder: string): Promise<boolean> {
  try {
    return (await readFile(`/proc/${pid}/cmdline`, "utf8")).includes(folder);
  } catch {
    return false;
  }
}

/** Removes the folders of machines whose owner was killed before it could. */
async function removeDeadFolders(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(FOLDER_PREFIX)) continue;
    const folder = join(tmpdir(), name);
    try {
      const pid = Number(await readFile(join(folder, "pid"), "utf8").catch(() => "0"));
      const young = Date.now() - (await stat(folder)).mtimeMs < START_MS;
      if (pid === 0 ? young : await isMachine(pid, folder)) continue;
      await rm(folder, { recursive: true, force: true });
    } catch {
      // Another user's, or another process was faster: not ours to remove.
    }
  }
}

function pluginOption(plugin: string, { counters, samples, marks }: MachineFiles): string {
  const files = Object.entries({ counters, samples, marks }).map(([name, path]) => `${name}=${quoted(path)}`);
  return [quoted(plugin), ...files].join(",");
}

async function spawnQemu(options: StartOptions, files: MachineFiles): Promise<ChildProcess> {
  const { command, args, env } = await hostTool("qemu-system-x86_64");
  const { kind, ram, keepRam } = options;
  const share = keepRam ? "on" : "off";
  const all = [
    ...args,
    ...machineArguments(kind),
    ...["-object", `memory-backend-file,id=ram,size=${kind.memory}M,mem-path=${quoted(ram)},share=${share}`],
    ...["-netdev", "user,id=net,net=10.0.2.0/24"],
    ...["-chardev", `file,id=serial,path=${quoted(files.serial)}`, "-serial", "chardev:serial"],
    ...["-qmp", `unix:${quoted(files.qmp)},server=on,wait=off`],
    ...(options.plugin === undefined ? [] : ["-plugin", pluginOption(options.plugin, files)]),
    ...options.args,
  ];
  // A lab that belongs to this process dies with it, even when this process is killed.
  const [program = "", ...rest] = options.detached
    ? [command, ...all]
    : ["setpriv", "--pdeathsig", "KILL", command, ...all];
  const log = openSync(join(files.folder, "qemu.log"), "w");
  try {
    const child = spawn(program, rest, {
      env: { ...process.env, ...env },
      stdio: ["ignore", log, log],
      // In a process group of its own: Ctrl-C reaches the whole group of the terminal, and who owns the lab takes it down in order.
      detached: true,
    });
    await Promise.race([once(child, "spawn"), once(child, "error").then(([error]) => Promise.reject(error as Error))]);
    return child;
  } finally {
    closeSync(log);
  }
}
