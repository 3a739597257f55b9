// `npm run bench -- loops`: loops of Karyon – from TypeScript by way of WebAssembly and C – beside the same algorithms in C compiled
// with gcc -O2, in one program on Linux, on the same data and with the same results; by the instructions that one pass takes.
import { fileURLToPath } from "node:url";
import { startProgress } from "../../debian/progress.ts";
import { GUEST_SETTINGS } from "../../lab/count/count.ts";
import { Lab } from "../../lab/lab.ts";
import { instructionsOf } from "../calls/calls.ts";
import { compared } from "../comparison.ts";
import type { Measurement, Results } from "../figures.ts";
import { ProbeGuest } from "../peers/probe_guest.ts";
import { programGuest, type ProbeProgram } from "../peers/program_guest.ts";
import { LOOPS } from "./figures.ts";
import { LOOP_LINK_FLAGS, loopObjects } from "./objects.ts";

const REPETITIONS = 3;
/** Passes in two runs: their difference is free of what happens once. */
const COUNTS = [1_000, 21_000] as const;

/** The program, its objects compiled. */
export async function loopsProgram(): Promise<ProbeProgram> {
  const folder = fileURLToPath(new URL("program/", import.meta.url));
  return { name: "linux-loops", folder, objects: await loopObjects(), linkFlags: LOOP_LINK_FLAGS };
}

/** Measures all loops. */
export async function measureLoops(): Promise<Results> {
  const program = await loopsProgram();
  const cfg = await programGuest(program);
  const progress = startProgress("loops");
  await using lab = await Lab.start({ accelerator: "icount" });
  const guest = await ProbeGuest.boot(lab, program.name, cfg, GUEST_SETTINGS);
  const results = new Map<string, Measurement>();
  for (const { name } of LOOPS) {
    progress.update(name);
    const [karyon, linux]: [number[], number[]] = [[], []];
    for (let i = 0; i < REPETITIONS; i++) {
      karyon.push(await instructionsOf(lab, guest, { name: `ours-${name}`, counts: COUNTS }));
      linux.push(await instructionsOf(lab, guest, { name: `c-${name}`, counts: COUNTS }));
    }
    results.set(`loop-${name}`, compared({ karyon, linux }));
  }
  progress.done();
  return results;
}
