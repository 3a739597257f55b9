// Debian's Linux kernel made ready for dom0: the plain vmlinux out of the bzImage (Xen would unpack it under emulation,
// which takes seconds), and the modules in the order in which insmod must see them.
import { execa } from "execa";
import { readFile, readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { hostTool } from "../../debian/tools.ts";
import { KaryonError } from "../../support/errors.ts";
import { isElf } from "../../support/elf.ts";

// Documentation/arch/x86/boot.rst: the setup header.
const SETUP_SECTS = 0x1f1;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const SECTOR = 512;
// The build appends the unpacked length, which no decompressor takes for a part of its stream.
const LENGTH_TRAILER = 4;
const XZ_MAGIC = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]);
const VMLINUX_MAX = 256 * 1024 * 1024;

/** The ELF image inside a bzImage. */
export async function extractVmlinux(bzImage: Buffer): Promise<Buffer> {
  const setup = ((bzImage[SETUP_SECTS] ?? 0) + 1) * SECTOR;
  const start = setup + bzImage.readUInt32LE(PAYLOAD_OFFSET);
  const end = start + bzImage.readUInt32LE(PAYLOAD_LENGTH) - LENGTH_TRAILER;
  const vmlinux = await unpack(bzImage.subarray(start, end));
  if (!isElf(vmlinux)) throw new KaryonError("BAD_KERNEL", "Debian's Linux kernel is not packed as expected (xz, lz4)");
  return vmlinux;
}

// Debian packs its ordinary kernel with xz, its cloud kernel with lz4.
async function unpack(packed: Buffer): Promise<Buffer> {
  const isXz = packed.subarray(0, XZ_MAGIC.length).equals(XZ_MAGIC);
  const { command, args, env } = await hostTool(isXz ? "xz" : "lz4");
  const { stdout } = await execa(command, [...args, "-d", "-c"], {
    env,
    input: packed,
    encoding: "buffer",
    maxBuffer: VMLINUX_MAX,
  });
  return Buffer.from(stdout);
}

/** One kernel module: its name and its content. */
export interface KernelModule {
  readonly name: string;
  readonly content: Buffer;
}

/** `wanted` modules and what they depend on (modinfo's `depends=`), dependencies first. */
export async function loadModules(modulesFolder: string, wanted: readonly string[]): Promise<KernelModule[]> {
  const paths = await modulePaths(join(modulesFolder, "kernel"));
  const ordered = new Map<string, KernelModule>();
  const visit = async (name: string): Promise<void> => {
    if (ordered.has(name)) return;
    const path = paths.get(name);
    if (path === undefined) throw new KaryonError("BAD_KERNEL", `Debian's Linux kernel has no module ${name}`);
    const content = await readFile(path);
    for (const dependency of moduleDependencies(content)) await visit(dependency);
    ordered.set(name, { name, content });
  };
  for (const name of wanted) await visit(name);
  return [...ordered.values()];
}

async function modulePaths(folder: string): Promise<Map<string, string>> {
  const names = await readdir(folder, { recursive: true });
  const modules = names.filter((name) => name.endsWith(".ko"));
  return new Map(modules.map((name) => [normalName(basename(name, ".ko")), join(folder, name)]));
}

/** Names in the `depends=` entry of a module's .modinfo section. Exported for its test. */
export function moduleDependencies(content: Buffer): string[] {
  const key = Buffer.from("\0depends=");
  const at = content.indexOf(key);
  if (at < 0) return [];
  const start = at + key.length;
  const list = content.toString("latin1", start, content.indexOf(0, start));
  return list === "" ? [] : list.split(",").map(normalName);
}

function normalName(name: string): string {
  return name.replaceAll("-", "_");
}
