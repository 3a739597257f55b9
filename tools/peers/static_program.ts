// Programs in C that run in a Linux guest without a C library or anything else: only what they do themselves is measured.
import { execa } from "execa";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hostTool } from "../debian/tools.ts";
import { KaryonError } from "../support/errors.ts";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const FLAGS = ["-O2", "-Wall", "-Wextra", "-Werror", "-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector"];
const LINK_FLAGS = ["-fno-pie", "-no-pie", "-Wl,--build-id=none", "-Wl,--gc-sections"];
/** The folders of their sources, by program; they include each other's headers. */
const FOLDERS = {
  attacks: "attacks",
  probes: "probes",
  bulk: "bulk",
  exchange: "exchange",
  loops: "loops",
  relay: "../conformance/relay",
  subject: "../conformance/subject",
} as const;

/** A program. */
export type StaticProgram = keyof typeof FOLDERS;

/** All of them. */
export const STATIC_PROGRAMS = Object.keys(FOLDERS) as readonly StaticProgram[];

/** What a program has besides the C files of its folder. */
const SHARED: Readonly<Partial<Record<StaticProgram, readonly string[]>>> = { loops: ["probes/main.c"] };

/** Objects that are linked to a program, and options for the linker. */
export interface Linked {
  readonly objects: readonly Buffer[];
  readonly flags: readonly string[];
}

const NOTHING: Linked = { objects: [], flags: [] };

/** Everything that the programs' machine code depends on, but for what is linked to them. */
export async function programKey(): Promise<readonly unknown[]> {
  const { command } = await hostTool("gcc");
  const texts = await Promise.all((await sources(STATIC_PROGRAMS)).map((path) => readFile(path, "utf8")));
  return [command, FLAGS, LINK_FLAGS, texts];
}

/** The program that the C files of its folder and `linked` make; it runs on any x86-64 Linux. @throws KaryonError BENCH_FAILED */
export async function staticProgram(program: StaticProgram, linked: Linked = NOTHING): Promise<Buffer> {
  const { command, args, env } = await hostTool("gcc");
  const folder = await mkdtemp(join(tmpdir(), "karyon-program-"));
  try {
    const files = (await sources([program])).filter((path) => path.endsWith(".c"));
    files.push(...(SHARED[program] ?? []).map((path) => join(HERE, path)));
    for (const [index, object] of linked.objects.entries()) {
      const file = join(folder, `${index}.o`);
      await writeFile(file, object);
      files.push(file);
    }
    const target = join(folder, program);
    const all = [...args, ...FLAGS, ...LINK_FLAGS, ...linked.flags, ...files, "-o", target];
    const { failed, stderr } = await execa(command, all, { env, reject: false });
    if (failed) throw new KaryonError("BENCH_FAILED", `the Linux guest's program does not compile\n${stderr}`);
    return await readFile(target);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function sources(programs: readonly StaticProgram[]): Promise<string[]> {
  const paths = programs.map(async (program) => {
    const folder = join(HERE, FOLDERS[program]);
    const files = (await readdir(folder)).filter((file) => /\.[ch]$/.test(file));
    return files.sort().map((file) => join(folder, file));
  });
  return (await Promise.all(paths)).flat();
}
