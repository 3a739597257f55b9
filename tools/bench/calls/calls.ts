// `npm run bench -- calls`: system calls and pipes of Karyon and of Linux, in turns, by the instructions that the guest's CPU
// executes for one, Xen's on its behalf included.
import { buildImage } from "../../image/build.ts";
import { repositoryPath } from "../../image/paths.ts";
import { GUEST_SETTINGS, total } from "../../lab/count/count.ts";
import { Lab } from "../../lab/lab.ts";
import type { Side } from "../comparison.ts";
import { countText, type Definition, type Results } from "../figures.ts";
import { ProbeGuest } from "../../peers/probe_guest.ts";
import { probesGuest } from "../../peers/probes.ts";
import { inTurns } from "../turns.ts";
import { CALL_FIGURES, CALL_PROBES, MORE_PROBES, type Probe } from "./probes.ts";

export const CALLS_FIGURES: readonly Definition[] = CALL_FIGURES.map(({ name, title, target }) => ({
  name,
  title: `${title}: instructions, ours of Linux's`,
  part: "calls",
  unit: "ratio",
  ...(target === undefined ? {} : { target }),
}));

/** A guest that obeys probes, in a lab that ends with it. */
interface ProbeLab extends AsyncDisposable {
  readonly side: Side;
  readonly lab: Lab;
  readonly guest: ProbeGuest;
}

interface AllProbes extends ProbeLab {
  /** For MORE_PROBES; with Linux the same guest. */
  readonly more: ProbeGuest;
}

/** Measures all calls. */
export function measureCalls(): Promise<Results> {
  return inTurns({
    title: "calls",
    boot: bootAll,
    trials: [{ title: "all calls", figures: CALL_FIGURES.map(({ name }) => name), measure: callCosts }],
    rounds: 2,
    repetitions: 2,
    text: countText,
  });
}

/** Boots the guest of a side that obeys probes, in a lab that counts. */
export async function bootProbes(side: Side): Promise<ProbeLab> {
  const lab = await Lab.start({ accelerator: "icount" });
  try {
    const guest = await bootGuest(lab, side, "karyon.json");
    return { side, lab, guest, [Symbol.asyncDispose]: () => lab.stop() };
  } catch (error) {
    await lab.stop();
    throw error;
  }
}

/** Boots all guests of a side. */
async function bootAll(side: Side): Promise<AllProbes> {
  const probes = await bootProbes(side);
  try {
    return { ...probes, more: side === "linux" ? probes.guest : await bootGuest(probes.lab, side, "more.json") };
  } catch (error) {
    await probes.lab.stop();
    throw error;
  }
}

async function bootGuest(lab: Lab, side: Side, file: string): Promise<ProbeGuest> {
  if (side === "linux") return ProbeGuest.boot(lab, "linux-probes", await probesGuest(), GUEST_SETTINGS);
  const { cfg, manifest } = await buildImage(repositoryPath("test/apps/probes", file));
  return ProbeGuest.boot(lab, manifest.name, cfg, [...GUEST_SETTINGS, "vif = []", 'extra = "ip=off"']);
}

/** What each figure comes to on the guest's side. */
async function callCosts({ side, lab, guest, more }: AllProbes): Promise<Record<string, number>> {
  const costs = new Map<string, number>();
  for (const probe of CALL_PROBES[side]) costs.set(probe.name, await instructionsOf(lab, guest, probe));
  for (const probe of MORE_PROBES) costs.set(probe.name, await instructionsOf(lab, more, probe));
  const of = (probe: string): number => costs.get(probe) ?? NaN;
  return Object.fromEntries(CALL_FIGURES.map(({ name, cost }) => [name, cost[side](of)]));
}

/** Instructions of one `probe`, which runs once uncounted: what only a first run does would make the difference too small. */
export async function instructionsOf(lab: Lab, guest: ProbeGuest, { name, counts }: Probe): Promise<number> {
  const cost = async (count: number): Promise<number> =>
    total(await lab.countInstructions(async () => void (await guest.run(name, count))));
  const [few, many] = counts;
  await guest.run(name, few);
  const less = await cost(few);
  return ((await cost(many)) - less) / (many - few);
}
