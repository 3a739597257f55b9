// The guest of a server (servers.ts): a shell script as its first program sets the network up, starts the server, and says
// "peer: listening" once it does.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { packageTree, type PackageTree } from "../debian/packages.ts";
import type { FileTree } from "../lab/image/cpio.ts";
import { LibraryCollector } from "../lab/image/libraries.ts";
import { addModules, commandLineOf, linuxGuest } from "./guest.ts";
import type { PeerServer } from "./servers.ts";
import { programKey, staticProgram } from "./static_program.ts";

const SOURCES = fileURLToPath(new URL(".", import.meta.url));
const MODULES = ["xen_netfront"];
const FOLDERS = ["dev", "proc", "sys", "tmp", "run", "usr/bin", "usr/sbin", "usr/lib"];
const LINKS = { lib: "usr/lib", lib64: "usr/lib64", sbin: "usr/sbin", "bin/sh": "busybox" };
const PASSWD = "root:x:0:0:root:/:/bin/sh\nwww-data:x:33:33:www-data:/srv:/bin/sh\n";
const GROUP = "root:x:0:\nwww-data:x:33:\n";

/** MiB; a guest's configuration may say otherwise. */
const MEMORY = 128;

/** The line that gives a guest the address "10.0.2.20/24"; without it a guest asks by DHCP. */
export function serverAddressLine(address: string): string {
  return commandLineOf([`address=${address}`]);
}

/** Makes the guest and returns the path of its xl configuration; the domain's name is linux-<server's>. */
export async function serverGuest(server: PeerServer, files: Readonly<Record<string, Buffer>> = {}): Promise<string> {
  const packages = await packageTree(server.packages);
  const texts: Record<string, string> = {
    "etc/passwd": PASSWD,
    "etc/group": GROUP,
    "etc/server": serverScript(server),
  };
  for (const [path, source] of Object.entries(server.configuration)) {
    texts[path] = await readFile(join(SOURCES, "configuration", source), "utf8");
  }
  const scripts = {
    init: await readFile(join(SOURCES, "init"), "utf8"),
    "etc/udhcpc.script": await readFile(join(SOURCES, "udhcpc.script"), "utf8"),
  };
  const contents = Object.entries(files).map(([name, content]) => [name, content.toString("base64")]);
  return linuxGuest({
    name: `linux-${server.name}`,
    memory: MEMORY,
    network: true,
    key: [
      packages.key,
      server.files,
      server.program === undefined ? [] : await programKey(),
      server.folders,
      FOLDERS,
      LINKS,
      texts,
      scripts,
      contents,
    ],
    fill: async (root, base) => {
      for (const path of [...FOLDERS, ...server.folders]) root.folder(path);
      for (const [path, target] of Object.entries(LINKS)) root.link(path, target);
      root.file("bin/busybox", await readFile(join(base.root, "bin/busybox")), 0o755);
      await addModules(root, base, MODULES);
      await addPrograms(root, packages, server.files);
      if (server.program !== undefined)
        root.file(`usr/bin/${server.program}`, await staticProgram(server.program), 0o755);
      for (const [path, text] of Object.entries(scripts)) root.file(path, text, 0o755);
      for (const [path, text] of Object.entries(texts)) root.file(path, text);
      for (const [name, content] of Object.entries(files)) root.file(`srv/${name}`, content);
    },
  });
}

/** What init reads to know what it starts. */
export function serverScript({ port, command }: PeerServer): string {
  return `port=${port}\nserve() {\n  exec ${command}\n}\n`;
}

async function addPrograms(root: FileTree, packages: PackageTree, paths: readonly string[]): Promise<void> {
  const libraries = new LibraryCollector(packages);
  for (const path of paths) {
    const content = await readFile(join(packages.root, path));
    root.file(path, content, 0o755);
    libraries.needs(content);
  }
  await libraries.addTo(root);
}
