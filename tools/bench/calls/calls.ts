// `npm run bench -- calls`: system calls and pipes of Karyon and of Linux, in turns, by the instructions that the guest's CPU
// executes for one, Xen's on its behalf included.
import { startProgress } from "../../debian/progress.ts";
import { buildImage } from "../../image/build.ts";
import { repositoryPath } from "../../image/paths.ts";
import { GUEST_SETTINGS, total } from "../../lab/count/count.ts";
import { Lab } from "../../lab/lab.ts";
import { logger } from "../../support/log.ts";
import { compared, SIDES, type Side } from "../comparison.ts";
import { countText, type Results } from "../figures.ts";
import { ProbeGuest } from "../peers/probe_guest.ts";
import { programGuest } from "../peers/program_guest.ts";
import { CALL_FIGURES, CALL_PROBES, type Probe } from "./probes.ts";
import { CALLS_PROGRAM } from "./program.ts";

/** Boots of each guest, … */
const ROUNDS = 2;
/** … and measurements of each probe in each. */
const REPETITIONS = 2;

const TITLES: Readonly<Record<Side, string>> = { karyon: "calls on Karyon", linux: "calls on Linux" };

/** Instructions of one call, by probe. */
type Repetition = ReadonlyMap<string, number>;

/** Measures all calls. */
export async function measureCalls(): Promise<Results> {
  const repetitions: Record<Side, Repetition[]> = { karyon: [], linux: [] };
  for (let round = 1; round <= ROUNDS; round++) {
    for (const side of SIDES) {
      const progress = startProgress(`${TITLES[side]}, round ${round} of ${ROUNDS}`);
      await using lab = await Lab.start({ accelerator: "icount" });
      const guest = await bootProbes(lab, side);
      for (let i = 0; i < REPETITIONS; i++) {
        const costs = new Map<string, number>();
        for (const probe of CALL_PROBES[side]) {
          progress.update(probe.name);
          costs.set(probe.name, await instructionsOf(lab, guest, probe));
        }
        repetitions[side].push(costs);
      }
      progress.done();
      const last = [...(repetitions[side].at(-1) ?? [])].map(([name, cost]) => `${name} ${countText(cost)}`);
      logger.info(`${TITLES[side]}: ${last.join(", ")}`);
    }
  }
  return callFigures(repetitions);
}

/** The figures that the repetitions of both sides come to. */
export function callFigures(repetitions: Readonly<Record<Side, readonly Repetition[]>>): Results {
  const results = CALL_FIGURES.map(({ name, cost }) => {
    const of = (side: Side): number[] =>
      repetitions[side].map((costs) => cost[side]((probe) => costs.get(probe) ?? NaN));
    return [name, compared({ karyon: of("karyon"), linux: of("linux") })] as const;
  });
  return new Map(results);
}

/** Boots the guest of a side that obeys probes, in a lab that counts. */
export async function bootProbes(lab: Lab, side: Side): Promise<ProbeGuest> {
  if (side === "linux") {
    return ProbeGuest.boot(lab, CALLS_PROGRAM.name, await programGuest(CALLS_PROGRAM), GUEST_SETTINGS);
  }
  const { cfg, manifest } = await buildImage(repositoryPath("test/apps/probes"));
  return ProbeGuest.boot(lab, manifest.name, cfg, [...GUEST_SETTINGS, "vif = []", 'extra = "ip=off"']);
}

/** Instructions of one `probe`. */
export async function instructionsOf(lab: Lab, guest: ProbeGuest, { name, counts }: Probe): Promise<number> {
  const cost = async (count: number): Promise<number> =>
    total(await lab.countInstructions(async () => void (await guest.run(name, count))));
  const [few, many] = counts;
  const less = await cost(few);
  return ((await cost(many)) - less) / (many - few);
}
