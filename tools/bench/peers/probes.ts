// The guest whose one program does on command what is to be measured (probes/main.c): fork, system calls, pipes.
import { execa } from "execa";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hostTool } from "../../debian/tools.ts";
import { KaryonError } from "../../support/errors.ts";
import { linuxGuest } from "./guest.ts";

const SOURCES = fileURLToPath(new URL("probes/", import.meta.url));
const FLAGS = ["-O2", "-Wall", "-Wextra", "-Werror", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector"];
const LINK_FLAGS = ["-fno-pie", "-no-pie", "-Wl,--build-id=none"];
/** Character devices by their numbers (Documentation/admin-guide/devices.txt). */
const DEVICES = { "dev/null": [1, 3], "dev/zero": [1, 5] } as const;
const MEMORY = 128;

/** Makes the guest and returns the path of its xl configuration; the domain's name is linux-probes. */
export async function probesGuest(): Promise<string> {
  const names = (await readdir(SOURCES)).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(SOURCES, name), "utf8")));
  const hash = createHash("sha256")
    .update(JSON.stringify([names, texts]))
    .digest("hex");
  return linuxGuest({
    name: "linux-probes",
    memory: MEMORY,
    network: false,
    key: [(await hostTool("gcc")).command, FLAGS, LINK_FLAGS, DEVICES, hash],
    fill: async (root) => {
      for (const [path, [major, minor]] of Object.entries(DEVICES)) root.characterDevice(path, major, minor);
      root.file("init", await compileProbes(), 0o755);
    },
  });
}

/** The guest's program; it runs on any x86-64 Linux. */
export async function compileProbes(): Promise<Buffer> {
  const { command, args, env } = await hostTool("gcc");
  const folder = await mkdtemp(join(tmpdir(), "karyon-probes-"));
  try {
    const sources = (await readdir(SOURCES)).filter((name) => name.endsWith(".c")).map((name) => join(SOURCES, name));
    const program = join(folder, "init");
    const all = [...args, ...FLAGS, ...LINK_FLAGS, ...sources, "-o", program];
    const { failed, stderr } = await execa(command, all, { env, reject: false });
    if (failed) throw new KaryonError("BENCH_FAILED", `the Linux guest's program does not compile\n${stderr}`);
    return await readFile(program);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
