// Instructions executed by a guest: the figure of this project that does not depend on the machine or what else runs on
// it. The lab runs on one thread with a clock made of executed instructions, dom0 keeps to CPU 0, and a guest under test
// has CPU 1 to itself (GUEST_SETTINGS), so that what CPU 1 executes is the guest's and Xen's on its behalf.
import { execa } from "execa";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cacheFolder, cachedFolder } from "../../debian/cache.ts";
import { hostTool } from "../../debian/tools.ts";
import { KaryonError } from "../../support/errors.ts";

const SOURCE = fileURLToPath(new URL("plugin.c", import.meta.url));
const FLAGS = ["-O2", "-Wall", "-Werror", "-fPIC", "-shared", "-nostdlib", "-ffreestanding", "-fno-stack-protector"];
const CLASSES = 4;
const CPUS = { dom0: 0, guest: 1 } as const;

/** Lines for the configuration of a domain whose instructions are counted. */
export const GUEST_SETTINGS: readonly string[] = ['cpus = "1"', 'tsc_mode = "native"'];

/** Executed instructions by where they lie. */
export interface Instructions {
  /** The lower half of the address space: a Karyon guest whole, a Linux guest's processes. */
  readonly low: number;
  /** The upper half: a Linux guest's kernel. */
  readonly linux: number;
  readonly xen: number;
  /** Iterations of repeated string instructions, which are in none of the others. */
  readonly repeated: number;
}

/** The compiled plugin, from the cache. */
export async function countingPlugin(): Promise<string> {
  const { command, args, env } = await hostTool("gcc");
  const key = createHash("sha256")
    .update(await readFile(SOURCE))
    .update(JSON.stringify([command, FLAGS]))
    .digest("hex");
  const folder = await cachedFolder(join(cacheFolder(), "lab", "plugins", key.slice(0, 16)), async (temporary) => {
    const built = await execa(command, [...args, ...FLAGS, SOURCE, "-o", join(temporary, "count.so")], {
      env,
      reject: false,
    });
    if (built.failed)
      throw new KaryonError("PLUGIN_BUILD", `the instruction counter does not compile\n${built.stderr}`);
  });
  return join(folder, "count.so");
}

/** A CPU by who has it to itself, in a lab that counts. */
export type CountedCpu = keyof typeof CPUS;

/** The counters of both CPUs in the file the plugin writes. */
export async function readCounters(path: string): Promise<Readonly<Record<CountedCpu, Instructions>>> {
  const bytes = await readFile(path);
  const of = (cpu: number): Instructions => {
    const at = (index: number): number => Number(bytes.readBigUInt64LE((cpu * CLASSES + index) * 8));
    return { low: at(0), linux: at(1), xen: at(2), repeated: at(3) };
  };
  return { dom0: of(CPUS.dom0), guest: of(CPUS.guest) };
}

/** What was executed between two readings. */
export function difference(before: Instructions, after: Instructions): Instructions {
  return {
    low: after.low - before.low,
    linux: after.linux - before.linux,
    xen: after.xen - before.xen,
    repeated: after.repeated - before.repeated,
  };
}

/** What each of `count` equal things comes to. */
export function each({ low, linux, xen, repeated }: Instructions, count: number): Instructions {
  return { low: low / count, linux: linux / count, xen: xen / count, repeated: repeated / count };
}

/** All instructions, repeated string instructions not counted. */
export function total({ low, linux, xen }: Instructions): number {
  return low + linux + xen;
}
