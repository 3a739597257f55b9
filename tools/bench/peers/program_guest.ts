// The guest of a program that does on command what is to be measured: program/main.c, which is process 1 and obeys lines, and
// the probes that a part of the bench gives it. Compiled without a C library.
import { execa } from "execa";
import { createHash } from "node:crypto";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hostTool } from "../../debian/tools.ts";
import { KaryonError } from "../../support/errors.ts";
import { linuxGuest } from "./guest.ts";

const MAIN = fileURLToPath(new URL("program/", import.meta.url));
const FLAGS = ["-O2", "-Wall", "-Wextra", "-Werror", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector"];
const LINK_FLAGS = ["-fno-pie", "-no-pie", "-Wl,--build-id=none", "-Wl,--gc-sections"];
/** Character devices by their numbers (Documentation/admin-guide/devices.txt). */
const DEVICES = { "dev/null": [1, 3], "dev/zero": [1, 5] } as const;
const MEMORY = 128;

/** A program of probes. */
export interface ProbeProgram {
  /** The domain's. */
  readonly name: string;
  /** A folder with the C of its probes, one of whose files defines the table of program/probe.h. */
  readonly folder: string;
  /** Objects that are linked to it, … */
  readonly objects?: readonly Buffer[];
  /** … and how. */
  readonly linkFlags?: readonly string[];
}

/** Makes the guest and returns the path of its xl configuration. */
export async function programGuest(program: ProbeProgram): Promise<string> {
  const { name, objects = [], linkFlags = [] } = program;
  const hash = createHash("sha256");
  for (const folder of [MAIN, program.folder]) {
    for (const file of (await readdir(folder)).sort()) hash.update(file).update(await readFile(join(folder, file)));
  }
  for (const object of objects) hash.update(object);
  return linuxGuest({
    name,
    memory: MEMORY,
    network: false,
    key: [(await hostTool("gcc")).command, FLAGS, LINK_FLAGS, linkFlags, DEVICES, hash.digest("hex")],
    fill: async (root) => {
      for (const [path, [major, minor]] of Object.entries(DEVICES)) root.characterDevice(path, major, minor);
      root.file("init", await compileProgram(program), 0o755);
    },
  });
}

/** The program itself; it runs on any x86-64 Linux. */
export async function compileProgram({ folder, objects = [], linkFlags = [] }: ProbeProgram): Promise<Buffer> {
  const { command, args, env } = await hostTool("gcc");
  const temporary = await mkdtemp(join(tmpdir(), "karyon-program-"));
  try {
    const inputs = [join(MAIN, "main.c")];
    inputs.push(...(await readdir(folder)).filter((name) => name.endsWith(".c")).map((name) => join(folder, name)));
    for (const [index, object] of objects.entries()) {
      const file = join(temporary, `${index}.o`);
      await writeFile(file, object);
      inputs.push(file);
    }
    const output = join(temporary, "program");
    const all = [...args, ...FLAGS, "-I", MAIN, ...inputs, ...LINK_FLAGS, ...linkFlags, "-o", output];
    const { failed, stderr } = await execa(command, all, { env, reject: false });
    if (failed) throw new KaryonError("BENCH_FAILED", `a program of probes does not compile\n${stderr}`);
    return await readFile(output);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}
