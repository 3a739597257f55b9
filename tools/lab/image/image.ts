// Makes the disk-less Xen host's files: the hypervisor, dom0's kernel and dom0's root file system as a cpio, all from
// unpacked Debian packages and the host's own Node. The result is a folder of the cache, named by a key over everything
// that goes in.
import { build } from "esbuild";
import { execa } from "execa";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, open, readFile, readdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { cacheFolder, cachedFolder, keepRecent, markUsed, removeLeftovers, withLock } from "../../debian/cache.ts";
import { packageTree, type PackageTree } from "../../debian/packages.ts";
import { startProgress } from "../../debian/progress.ts";
import { hostTool } from "../../debian/tools.ts";
import { KaryonError } from "../../support/errors.ts";
import { DOM0_PACKAGES, LIBRARIES, LINKS, MODULES, OWN_FILES, PROGRAMS } from "./contents.ts";
import { FileTree } from "./cpio.ts";
import { extractVmlinux, loadModules } from "./kernel.ts";
import { LibraryCollector } from "./libraries.ts";

const KEPT_IMAGES = 3;
const LAB_SOURCES = fileURLToPath(new URL("..", import.meta.url));

/** The files QEMU boots. */
export interface HostImage {
  readonly key: string;
  readonly xen: string;
  readonly kernel: string;
  readonly initrd: string;
}

/** The image for the present sources, packages and Node; made when it is not in the cache. */
export async function hostImage(): Promise<HostImage> {
  const tree = await packageTree(DOM0_PACKAGES);
  const key = await imageKey(tree);
  const images = join(cacheFolder(), "lab", "images");
  const folder = join(images, key);
  if (!existsSync(folder)) {
    await withLock("lab-image", async () => {
      await removeLeftovers(images);
      await cachedFolder(folder, (temporary) => makeImage(tree, temporary));
      await keepRecent(images, KEPT_IMAGES);
    });
  }
  await markUsed(folder);
  return { key, xen: join(folder, "xen"), kernel: join(folder, "vmlinux"), initrd: join(folder, "dom0.cpio") };
}

async function imageKey(tree: PackageTree): Promise<string> {
  const hash = createHash("sha256").update(tree.key);
  for (const folder of ["agent", "dom0", "image"]) {
    for (const name of (await readdir(join(LAB_SOURCES, folder))).sort()) {
      hash.update(`\0${folder}/${name}\0`).update(await readFile(join(LAB_SOURCES, folder, name)));
    }
  }
  const { size, mtimeMs } = await stat(process.execPath);
  return hash.update(`\0${process.version} ${size} ${mtimeMs}`).digest("hex").slice(0, 16);
}

async function makeImage(tree: PackageTree, folder: string): Promise<void> {
  const progress = startProgress("making the Xen host's image");
  const boot = await readdir(join(tree.root, "boot"));
  const bootFile = async (pattern: RegExp): Promise<Buffer> => {
    const name = boot.find((candidate) => pattern.test(candidate));
    if (name === undefined) throw new KaryonError("BAD_PACKAGES", `the Debian packages hold no boot/${pattern.source}`);
    return readFile(join(tree.root, "boot", name));
  };
  const busybox = join(tree.root, "bin/busybox");
  const [vmlinux, root] = await Promise.all([
    extractVmlinux(await bootFile(/^vmlinuz-/)),
    rootFileSystem(tree, busybox, folder),
  ]);
  await writeParts(join(folder, "xen"), [gunzipSync(await bootFile(/^xen-.*\.gz$/))]);
  await writeParts(join(folder, "vmlinux"), [vmlinux]);
  await writeParts(join(folder, "dom0.cpio"), root.cpio());
  progress.done();
}

async function writeParts(path: string, parts: Buffer[]): Promise<void> {
  const file = await open(path, "w");
  try {
    for (const part of parts) await file.writeFile(part);
  } finally {
    await file.close();
  }
}

async function rootFileSystem(tree: PackageTree, busybox: string, scratch: string): Promise<FileTree> {
  const root = new FileTree();
  for (const folder of ["dev", "proc", "sys", "run", "tmp", "root", "etc/xen/scripts", "var/lib/xen", "var/log/xen"]) {
    root.folder(folder);
  }
  for (const [path, target] of Object.entries(LINKS)) root.link(path, target);
  root.characterDevice("dev/console", 5, 1);
  for (const [path, source, permissions] of OWN_FILES) {
    root.file(path, await readFile(join(LAB_SOURCES, "dom0", source)), permissions);
  }
  const node = await strippedNode(scratch);
  root.file("usr/bin/node", node, 0o755);
  root.file("usr/lib/karyon/agent.mjs", await bundleAgent());
  await addPrograms(root, tree, node);
  await addBusybox(root, busybox);
  await addModules(root, tree);
  return root;
}

async function addPrograms(root: FileTree, tree: PackageTree, node: Buffer): Promise<void> {
  const libraries = new LibraryCollector(tree);
  for (const name of LIBRARIES) libraries.name(name);
  libraries.needs(node);
  for (const program of PROGRAMS) {
    const content = await readFile(join(tree.root, program));
    root.file(program.replace(/^(bin|sbin)\//, "usr/$1/"), content, 0o755);
    libraries.needs(content);
  }
  await libraries.addTo(root);
}

async function addBusybox(root: FileTree, busybox: string): Promise<void> {
  root.file("usr/bin/busybox", await readFile(busybox), 0o755);
  const { stdout } = await execa(busybox, ["--list-full"]);
  for (const path of stdout.split("\n")) {
    const merged = path.replace(/^(bin|sbin)\//, "usr/$1/").replace(/^linuxrc$/, "usr/sbin/linuxrc");
    const taken = ["bin", "sbin"].some((folder) => root.has(`usr/${folder}/${basename(path)}`));
    if (path !== "" && !taken) root.link(merged, "/usr/bin/busybox");
  }
}

async function addModules(root: FileTree, tree: PackageTree): Promise<void> {
  const base = join(tree.root, "lib/modules");
  const [version] = await readdir(base);
  if (version === undefined) throw new KaryonError("BAD_PACKAGES", "the Debian packages hold no kernel modules");
  const modules = await loadModules(join(base, version), MODULES);
  for (const { name, content } of modules) root.file(`usr/lib/modules/${name}.ko`, content);
  root.file("usr/lib/modules/order", modules.map(({ name }) => `${name}\n`).join(""));
}

/** The host's Node without its symbols: a fifth smaller, all of which would lie in dom0's memory. */
async function strippedNode(scratch: string): Promise<Buffer> {
  const copy = join(scratch, "node");
  await copyFile(process.execPath, copy);
  const { command, args, env } = await hostTool("strip");
  await execa(command, [...args, "--strip-all", copy], { env });
  try {
    return await readFile(copy);
  } finally {
    await rm(copy);
  }
}

async function bundleAgent(): Promise<Buffer> {
  const result = await build({
    entryPoints: [join(LAB_SOURCES, "agent", "main.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    write: false,
    logLevel: "silent",
  });
  const [output] = result.outputFiles;
  if (output === undefined) throw new KaryonError("BAD_AGENT", "esbuild gave no output for the lab's agent");
  return Buffer.from(output.contents);
}
