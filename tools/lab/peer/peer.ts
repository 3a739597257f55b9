// The Linux PV guest that Karyon is measured against: Debian's cloud kernel and nginx from unpacked packages in an
// initramfs, configured as a Debian user would for serving static files. Made once, kept in the cache.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, cachedFolder, removeLeftovers, withLock } from "../../debian/cache.ts";
import { packageTree, type PackageSet, type PackageTree } from "../../debian/packages.ts";
import { startProgress } from "../../debian/progress.ts";
import { FileTree } from "../image/cpio.ts";
import { extractVmlinux, loadModules } from "../image/kernel.ts";
import { LibraryCollector } from "../image/libraries.ts";

const SOURCES = fileURLToPath(new URL(".", import.meta.url));
/** What it is made of. */
export const PEER_PACKAGES: PackageSet = {
  title: "the Linux peer",
  packages: ["busybox-static", "linux-image-cloud-amd64", "nginx"],
  without: /^(coreutils|iproute2|iso-codes|nginx-common)$/,
};
const MODULES = ["xen_netfront"];

/** Options of peerConfig. */
export interface PeerOptions {
  /** MiB; the least at which it boots and serves is 96. */
  readonly memory?: number;
  /** For example "10.0.2.20/24"; by DHCP when it is not given. */
  readonly address?: string;
  /** Files below the web server's root: name → content. */
  readonly files: Readonly<Record<string, Buffer>>;
}

/** Makes the guest and returns the path of its xl configuration; the domain's name is linux-peer. */
export async function linuxPeer({ memory = 128, address, files }: PeerOptions): Promise<string> {
  const tree = await packageTree(PEER_PACKAGES);
  const hash = createHash("sha256").update(JSON.stringify([tree.key, memory, address]));
  for (const name of await readdir(SOURCES)) hash.update(name).update(await readFile(join(SOURCES, name)));
  for (const [name, content] of Object.entries(files)) hash.update(name).update(content);
  const folders = join(cacheFolder(), "lab", "peers");
  const folder = join(folders, hash.digest("hex").slice(0, 16));
  if (!existsSync(folder)) {
    await withLock("lab-peer", async () => {
      await removeLeftovers(folders);
      await cachedFolder(folder, (temporary) => makePeer(tree, files, config(memory, address), temporary));
    });
  }
  return join(folder, "linux-peer.cfg");
}

/** The line of its xl configuration that gives a guest the address "10.0.2.20/24"; without one it asks by DHCP. */
export function peerAddressLine(address?: string): string {
  const options = ["console=hvc0 quiet mitigations=off", ...(address === undefined ? [] : [`address=${address}`])];
  return `extra = "${options.join(" ")}"`;
}

function config(memory: number, address: string | undefined): string {
  const lines = [
    'name = "linux-peer"',
    'type = "pv"',
    'kernel = "vmlinux"',
    'ramdisk = "initrd"',
    `memory = ${memory}`,
    "vcpus = 1",
    'vif = [ "" ]',
    // Without this Xen emulates each RDTSC, which makes Linux look half as fast again as it is.
    'tsc_mode = "native"',
    peerAddressLine(address),
    'on_crash = "destroy"',
  ];
  return `${lines.join("\n")}\n`;
}

async function makePeer(
  tree: PackageTree,
  files: Readonly<Record<string, Buffer>>,
  cfg: string,
  folder: string,
): Promise<void> {
  const progress = startProgress("making the Linux peer");
  const root = new FileTree();
  for (const path of ["dev", "proc", "sys", "tmp", "run", "usr/bin", "usr/sbin", "usr/lib", "usr/share/nginx"])
    root.folder(path);
  root.link("lib", "usr/lib");
  root.link("lib64", "usr/lib64");
  root.link("sbin", "usr/sbin");
  root.characterDevice("dev/console", 5, 1);
  root.file("bin/busybox", await readFile(join(tree.root, "bin/busybox")), 0o755);
  root.link("bin/sh", "busybox");
  const libraries = new LibraryCollector(tree);
  const nginx = await readFile(join(tree.root, "usr/sbin/nginx"));
  root.file("usr/sbin/nginx", nginx, 0o755);
  libraries.needs(nginx);
  libraries.name("libnss_files.so.2");
  await libraries.addTo(root);
  root.file("etc/passwd", "root:x:0:0:root:/:/bin/sh\n");
  root.file("etc/group", "root:x:0:\n");
  root.file("etc/nginx.conf", await readFile(join(SOURCES, "nginx.conf")));
  root.file("etc/udhcpc.script", await readFile(join(SOURCES, "udhcpc.script")), 0o755);
  root.file("init", await readFile(join(SOURCES, "init")), 0o755);
  for (const [name, content] of Object.entries(files)) root.file(`srv/${name}`, content);
  const [version = ""] = await readdir(join(tree.root, "lib/modules"));
  const modules = await loadModules(join(tree.root, "lib/modules", version), MODULES);
  for (const { name, content } of modules) root.file(`usr/lib/modules/${name}.ko`, content);
  root.file("usr/lib/modules/order", modules.map(({ name }) => `${name}\n`).join(""));
  await writeFile(join(folder, "initrd"), Buffer.concat(root.cpio()));
  await writeFile(
    join(folder, "vmlinux"),
    await extractVmlinux(await readFile(join(tree.root, "boot", `vmlinuz-${version}`))),
  );
  await writeFile(join(folder, "linux-peer.cfg"), cfg);
  progress.done();
}
