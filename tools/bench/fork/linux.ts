// fork, _exit and wait of a process on Linux, in a PV guest of the same lab: Debian's cloud kernel and one small program
// (linux/init.c) in an initramfs. Made once, kept in the cache.
import { execa } from "execa";
import { createHash } from "node:crypto";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, cachedFolder, withLock } from "../../debian/cache.ts";
import { packageTree } from "../../debian/packages.ts";
import { hostTool } from "../../debian/tools.ts";
import type { ConsoleStream } from "../../lab/console.ts";
import { FileTree } from "../../lab/image/cpio.ts";
import { extractVmlinux } from "../../lab/image/kernel.ts";
import type { Lab } from "../../lab/lab.ts";
import { PEER_PACKAGES } from "../../lab/peer/peer.ts";
import { KaryonError } from "../../support/errors.ts";

/** MiB of heap of the processes that fork. */
export const LINUX_HEAPS = [1, 64] as const;

const SOURCE = fileURLToPath(new URL("linux/init.c", import.meta.url));
const FLAGS = ["-O2", "-Wall", "-Werror", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-pie"];
const LINK_FLAGS = ["-no-pie", "-Wl,--build-id=none"];
const MEMORY = 128;
const BOOT_TIMEOUT_MS = 300_000;
const FORKS_TIMEOUT_MS = 300_000;
const NAME = "linux-fork";

const CONFIG = `${[
  `name = "${NAME}"`,
  'type = "pv"',
  'kernel = "vmlinux"',
  'ramdisk = "initrd"',
  `memory = ${MEMORY}`,
  "vcpus = 1",
  // Without this Xen emulates each RDTSC, which makes Linux look slower than it is.
  'tsc_mode = "native"',
  'extra = "console=hvc0 quiet mitigations=off"',
  'on_crash = "destroy"',
].join("\n")}\n`;

/** A running guest. */
export class LinuxForks {
  private constructor(
    private readonly lab: Lab,
    private readonly console: ConsoleStream,
  ) {}

  /** Boots it. `extra` are lines for its configuration. */
  static async boot(lab: Lab, extra: readonly string[] = []): Promise<LinuxForks> {
    const path = await linuxGuest();
    await lab.run(`rm -f /var/log/xen/console/guest-${NAME}.log`);
    const console = lab.console(NAME);
    await lab.create(path, { extra, timeoutMs: BOOT_TIMEOUT_MS });
    await console.waitFor(/linux: ready/, BOOT_TIMEOUT_MS);
    return new LinuxForks(lab, console);
  }

  /** `count` times fork, _exit and wait of a process with `heap` MiB; ns for one. */
  async time(heap: number, count: number): Promise<number> {
    const from = this.console.text.length;
    await this.lab.type(NAME, `fork ${heap} ${count}\n`);
    const [, forked, time] = await this.console.waitFor(/(?:forked (\d+) (\d+)|failed)\s/, FORKS_TIMEOUT_MS, from);
    if (Number(forked) === count) return Number(time) / count;
    throw new KaryonError("BENCH_FAILED", `Linux cannot fork ${count} times with a heap of ${heap} MiB`);
  }

  /** Destroys the guest. */
  async end(): Promise<void> {
    this.console.close();
    await this.lab.run(`xl destroy ${NAME}`);
  }
}

/** The path of the guest's xl configuration. */
async function linuxGuest(): Promise<string> {
  const tree = await packageTree(PEER_PACKAGES);
  const gcc = await hostTool("gcc");
  const parts = [tree.key, gcc.command, FLAGS, LINK_FLAGS, CONFIG, await readFile(SOURCE, "utf8")];
  const key = createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 16);
  const folder = join(cacheFolder(), "lab", "peers", `fork-${key}`);
  await withLock("lab-peer", () =>
    cachedFolder(folder, async (temporary) => {
      await compile(gcc, join(temporary, "init"));
      const [version = ""] = await readdir(join(tree.root, "lib/modules"));
      const kernel = await readFile(join(tree.root, "boot", `vmlinuz-${version}`));
      await writeFile(join(temporary, "vmlinux"), await extractVmlinux(kernel));
      const root = new FileTree();
      root.characterDevice("dev/console", 5, 1);
      root.file("init", await readFile(join(temporary, "init")), 0o755);
      await writeFile(join(temporary, "initrd"), Buffer.concat(root.cpio()));
      await writeFile(join(temporary, `${NAME}.cfg`), CONFIG);
    }),
  );
  return join(folder, `${NAME}.cfg`);
}

async function compile({ command, args, env }: Awaited<ReturnType<typeof hostTool>>, target: string): Promise<void> {
  const all = [...args, ...FLAGS, ...LINK_FLAGS, SOURCE, "-o", target];
  const { failed, stderr } = await execa(command, all, { env, reject: false });
  if (failed) throw new KaryonError("BENCH_FAILED", `the Linux guest's program does not compile\n${stderr}`);
}
