// forkd killed with SIGKILL in the middle of a fork, on real Xen: the parent goes on with -1 and EAGAIN, or with a child; the next
// forkd removes what was half made; the next fork works; nothing is left over, to the page.
//
// Killed at a few calls of each kind of fork. FORK_FAULTS=all takes more: FORK_FAULTS=all npm test -- lab/fork_kills
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { TextStream } from "../../tools/lab/text-stream.ts";
import type { PlannedCall } from "./dom0/fault_plan.ts";
import type { Way } from "./family_support.ts";
import {
  arm,
  assertFitting,
  bootOrders,
  type OrderedFamily,
  faultHappened,
  forksWell,
  served,
  startFaultyForkd,
  wayOf,
} from "./faults_support.ts";
import { hostAdditions, hostChanges, restingHostState } from "./host_state.ts";
import { useLab } from "./support.ts";

const ALL = process.env["FORK_FAULTS"] === "all";
const limit = { timeout: ALL ? 3_600_000 : 400_000 };
const ENOSYS = 38;

/** Calls before which forkd dies: of each way, those between which a fork is in another state. */
const KILLS: Readonly<Record<string, readonly string[]>> = {
  copy: ["XenControl.pinRoot"],
  share: ["XenControl.create", "Store.introduce"],
  // The fork itself, the word to the parent, the record.
  pool: ["XenControl.unpause", "EventChannels.notify", "Store.writeAll"],
};
/** While the next shell is made and the child ends. */
const WHILE_FILLING = ["PageTableUpdates.apply"];
const MORE = [
  "XenControl.setLimits",
  "XenControl.copyTime",
  "XenControl.populate",
  "XenControl.context",
  "XenControl.setContext",
  "ForeignMemory.map",
  "GrantSeed.seed",
];

const lab = useLab();

function killsOf(calls: readonly string[]): PlannedCall[] {
  const most = ALL ? 3 : 1;
  return calls.flatMap((call) => Array.from({ length: most }, (_, i) => ({ call, at: i + 1 })));
}

/** Tells what both forkds have said and what they have left. */
async function failed({ guest }: OrderedFamily, outputs: readonly TextStream[], cause: unknown): Promise<never> {
  const logs = `/var/log/xen/console/guest-${guest.name}-*.log`;
  const left = await lab().run(`xl list; xenstore-ls -f /karyon; tail -n 5 $(ls -t ${logs} | head -n 2)`);
  const said = outputs.map(({ text }) => text.slice(-2000));
  throw new Error([...said, left].join("\n----\n"), { cause });
}

for (const [way, calls] of Object.entries(KILLS)) {
  test(`forkd killed, by ${way}`, limit, (t) => killAt(t, wayOf(way), killsOf([...calls, ...(ALL ? MORE : [])])));
}

test("forkd killed while it makes a domain that is to stand ready", limit, (t) =>
  killAt(t, wayOf("pool"), killsOf(WHILE_FILLING)),
);

/** Kills forkd at each of the calls in turn while a family forks. */
async function killAt(t: TestContext, way: Way, kills: readonly PlannedCall[]): Promise<void> {
  let forkd = await startFaultyForkd(lab(), way);
  try {
    {
      await using warm = await bootOrders(forkd);
      await forksWell(warm, forkd);
    }
    const before = await restingHostState(lab());
    {
      await using family = await bootOrders(forkd);
      await forksWell(family, forkd);
      const alive = await restingHostState(lab());
      for (const planned of kills) {
        const what = `killed before ${planned.call}, number ${planned.at}`;
        const killed = forkd.output;
        const from = await arm(forkd, { kind: "kill", ...planned });
        await family.order();
        await faultHappened(forkd, from);
        await forkd.output.waitFor(/forkd ended with/, limit.timeout, from);
        forkd = await startFaultyForkd(lab(), way);
        await served(forkd, family.guest);
        const outcome = await family.outcome().catch((cause: unknown) => failed(family, [killed, forkd.output], cause));
        assertFitting(outcome, what);
        await forksWell(family, forkd);
        const left = await hostAdditions(lab(), alive);
        if (left.length > 0) await failed(family, [killed, forkd.output], `${what}: ${left.join(", ")}`);
        t.diagnostic(what);
      }
      await forkd.end();
      assert.deepEqual(await family.fork(), { errno: ENOSYS });
      forkd = await startFaultyForkd(lab(), way); // takes the family's records away
      await served(forkd, family.guest);
    }
    assert.deepEqual(await hostChanges(lab(), before), []);
    await forkd.end();
  } finally {
    await forkd[Symbol.asyncDispose]();
  }
}
