// A Linux PV guest to measure Karyon against: Debian's cloud kernel and an initramfs with what it is to run, as a folder of the
// cache with an xl configuration in it. No root is needed: packages are unpacked, nothing is installed.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder, cachedFolder, removeLeftovers, withLock } from "../debian/cache.ts";
import { packageTree, type PackageSet, type PackageTree } from "../debian/packages.ts";
import { startProgress } from "../debian/progress.ts";
import { FileTree } from "../lab/image/cpio.ts";
import { extractVmlinux, loadModules } from "../lab/image/kernel.ts";

/** What every guest is made of: the kernel, and a shell for those whose first program is one. */
const BASE: PackageSet = { title: "the peers' Linux", packages: ["busybox-static", "linux-image-cloud-amd64"] };

/** A guest to be made. */
export interface GuestDescription {
  /** The domain's. */
  readonly name: string;
  /** MiB; the least at which Linux boots and serves is 96. */
  readonly memory: number;
  /** Whether it has a network device. */
  readonly network: boolean;
  /** Everything that `fill` depends on. */
  readonly key: readonly unknown[];
  /** Puts into the initramfs what is run, "init" first of all; `base` has busybox and the kernel's modules. */
  readonly fill: (root: FileTree, base: PackageTree) => Promise<void>;
}

/** Makes the guest unless the cache has it, and returns the path of its xl configuration. */
export async function linuxGuest(description: GuestDescription): Promise<string> {
  const { name, key, fill } = description;
  const base = await packageTree(BASE);
  const config = guestConfig(description, `../kernel-${base.key}/vmlinux`);
  const folders = join(cacheFolder(), "lab", "peers");
  const hash = createHash("sha256").update(JSON.stringify([base.key, config, key]));
  const folder = join(folders, `${name}-${hash.digest("hex").slice(0, 16)}`);
  const kernel = join(folders, `kernel-${base.key}`);
  if (!existsSync(folder) || !existsSync(kernel)) {
    await withLock("lab-peer", async () => {
      await removeLeftovers(folders);
      await cachedFolder(kernel, (temporary) => makeKernel(base, temporary));
      await cachedFolder(folder, async (temporary) => {
        const progress = startProgress(`making the Linux guest ${name}`);
        const root = new FileTree();
        root.characterDevice("dev/console", 5, 1);
        await fill(root, base);
        await writeFile(join(temporary, "initrd"), Buffer.concat(root.cpio()));
        await writeFile(join(temporary, `${name}.cfg`), config);
        progress.done();
      });
    });
  }
  return join(folder, `${name}.cfg`);
}

/** The xl configuration of a guest whose kernel is at `kernel`, seen from its folder. */
export function guestConfig({ name, memory, network }: GuestDescription, kernel: string): string {
  const lines = [
    `name = "${name}"`,
    'type = "pv"',
    `kernel = "${kernel}"`,
    'ramdisk = "initrd"',
    `memory = ${memory}`,
    "vcpus = 1",
    ...(network ? ['vif = [ "" ]'] : []),
    // Without this Xen emulates each RDTSC, which makes Linux look half as fast again as it is.
    'tsc_mode = "native"',
    commandLineOf([]),
    'on_crash = "destroy"',
  ];
  return `${lines.join("\n")}\n`;
}

/** The line of a guest's xl configuration that gives its kernel more words than the usual ones. */
export function commandLineOf(words: readonly string[]): string {
  return `extra = "${["console=hvc0", "quiet", "mitigations=off", ...words].join(" ")}"`;
}

/** Adds kernel modules `wanted` and those they depend on, and /lib/modules/order, by which a script can load them. */
export async function addModules(root: FileTree, base: PackageTree, wanted: readonly string[]): Promise<void> {
  const modules = await loadModules(join(base.root, "lib/modules", await kernelVersion(base)), wanted);
  for (const { name, content } of modules) root.file(`usr/lib/modules/${name}.ko`, content);
  root.file("usr/lib/modules/order", modules.map(({ name }) => `${name}\n`).join(""));
}

async function makeKernel(base: PackageTree, folder: string): Promise<void> {
  const packed = await readFile(join(base.root, "boot", `vmlinuz-${await kernelVersion(base)}`));
  await writeFile(join(folder, "vmlinux"), await extractVmlinux(packed));
}

async function kernelVersion({ root }: PackageTree): Promise<string> {
  const [version = ""] = await readdir(join(root, "lib/modules"));
  return version;
}
