// An error from each kind of call that forkd makes for a fork, in every way, on real Xen: the parent goes on with -1 and a fitting
// errno or with a child that works; the next fork works; nothing is left over, to the page.
//
// Some kinds of calls are taken for each way, the same in each run. Every single call, for which nobody waits in CI:
// FORK_FAULTS=all npm test -- lab/fork_faults
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlannedCall } from "./dom0/fault_plan.ts";
import { WAYS, type Way } from "./family_support.ts";
import {
  arm,
  assertFitting,
  bootOrders,
  explained,
  forksWell,
  hasHappened,
  startFaultyForkd,
  type OrderedFamily,
} from "./faults_support.ts";
import type { Forkd } from "./forkd_support.ts";
import { hostAdditions, hostChanges, restingHostState } from "./host_state.ts";
import { useLab } from "./support.ts";

const ALL = process.env["FORK_FAULTS"] === "all";
const limit = { timeout: ALL ? 7_200_000 : 400_000 };
const [ENOMEM, EINVAL] = [12, 22];
/** Kinds of calls taken for each way. */
const SAMPLES = 5;
/** What is called when a child is reaped, too (see the last test here), what cannot fail, and what fails as a whole only. */
const APART =
  /^(Host\.|Store\.(write|remove|release|directory|watch)$|EventChannels\.|XenControl\.(info|nextDomain|destroy)$)/;

const lab = useLab();

/** The calls that a fork takes, with what forkd does after it; of each kind the first, and how many kinds there are. */
async function callsOfFork(family: OrderedFamily, forkd: Forkd): Promise<PlannedCall[]> {
  const from = await arm(forkd, { kind: "record" });
  await forksWell(family, forkd);
  await restingHostState(lab(), forkd); // the next shell is ready
  await arm(forkd, { kind: "none" });
  const seen = new Map<string, number>();
  const names = [...forkd.output.text.slice(from).matchAll(/^call (\S+)$/gm)].map(([, name = ""]) => name);
  const calls = names
    .filter((name) => !APART.test(name))
    .map((call) => {
      const at = (seen.get(call) ?? 0) + 1;
      seen.set(call, at);
      return { call, at };
    });
  return ALL ? calls : calls.filter(({ at }) => at === 1);
}

/** `SAMPLES` of the calls, evenly, each way's beginning at another. */
function sampled(calls: readonly PlannedCall[], way: Way): PlannedCall[] {
  if (ALL) return [...calls];
  const step = Math.ceil(calls.length / SAMPLES);
  return calls.filter((_, i) => i % step === WAYS.indexOf(way) % step);
}

for (const way of WAYS) {
  test(`errors from forkd's calls, by ${way.name}`, limit, async (t) => {
    await using forkd = await startFaultyForkd(lab(), way);
    {
      await using warm = await bootOrders(forkd);
      await forksWell(warm, forkd);
    }
    const before = await restingHostState(lab(), forkd);
    {
      await using family = await bootOrders(forkd);
      await forksWell(family, forkd);
      const alive = await restingHostState(lab(), forkd);
      const calls = await callsOfFork(family, forkd);
      assert.ok(calls.length >= 14, `only ${calls.map(({ call }) => call).join(" ")}`);
      for (const [i, planned] of sampled(calls, way).entries()) {
        const what = `error from ${planned.call}, number ${planned.at}`;
        const from = await arm(forkd, { kind: "error", ...planned, errno: i % 2 === 0 ? ENOMEM : EINVAL });
        assertFitting(await explained(forkd.output.text, () => family.fork()), what);
        await forksWell(family, forkd);
        // By a pool, calls for the next shell go on after the fork.
        assert.deepEqual(await hostAdditions(lab(), alive, forkd), [], what);
        assert.ok(hasHappened(forkd, from), `${what}: there was no such call`);
        t.diagnostic(what);
      }
      await arm(forkd, { kind: "none" });
      await forksWell(family, forkd);
    }
    assert.deepEqual(await hostChanges(lab(), before, forkd), []);
    await forkd.end();
  });
}
