// `npm run bench -- loops`: loops of Karyon – from TypeScript by way of WebAssembly and C – beside the same algorithms in C compiled
// with gcc -O2, in one program on Linux (tools/peers/loops), on the same data and with the same results; by the instructions of one pass.
import { startProgress } from "../../debian/progress.ts";
import { GUEST_SETTINGS } from "../../lab/count/count.ts";
import { Lab } from "../../lab/lab.ts";
import { instructionsOf } from "../calls/calls.ts";
import { compared } from "../comparison.ts";
import type { Definition, Measurement, Results } from "../figures.ts";
import { ProbeGuest } from "../../peers/probe_guest.ts";
import { loopsGuest } from "../../peers/probes.ts";
import { linkedLoops } from "./objects.ts";

/** What the program has as Karyon's pipeline makes it ("ours-<name>") and in plain C ("c-<name>"). */
export const LOOPS = [
  { name: "checksum", title: "Internet checksum of 1460 B" },
  { name: "copy", title: "memory.copy of 1460 B, of a loop of words" },
  { name: "siphash", title: "SipHash-2-4 of 16 B" },
  { name: "parse", title: "parsing a request line of 58 B" },
] as const;

const REPETITIONS = 3;
/** Passes in two runs: their difference is free of what happens once. */
const COUNTS = [1_000, 21_000] as const;

export const LOOPS_FIGURES: readonly Definition[] = LOOPS.map(({ name, title }) => ({
  name: `loop-${name}`,
  title: `${title}: instructions, AssemblyScript's of C's`,
  part: "loops",
  unit: "ratio",
}));

/** Measures all loops. */
export async function measureLoops(): Promise<Results> {
  const cfg = await loopsGuest(await linkedLoops());
  const progress = startProgress("loops");
  await using lab = await Lab.start({ accelerator: "icount" });
  const guest = await ProbeGuest.boot(lab, "linux-loops", cfg, GUEST_SETTINGS);
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
