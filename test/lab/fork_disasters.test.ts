// What happens around forkd while it works, on real Xen: xenstored is slow or stops, memory is exhausted, the parent, or the child that
// is being made, is destroyed. The parent goes on, the next fork works, and nothing is left over, to the page.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import {
  arm,
  assertFitting,
  bootOrders,
  explained,
  faultHappened,
  forksWell,
  startFaultyForkd,
  wayOf,
  type OrderedFamily,
} from "./faults_support.ts";
import type { Forkd } from "./forkd_support.ts";
import { hostChanges, restingHostState, type HostState } from "./host_state.ts";
import { boot, useLab } from "./support.ts";

const limit = { timeout: 400_000 };
const ENOMEM = 12;
/** How long xenstored stands still. */
const STORE_PAUSE_MS = 3000;
/** The newest domain: the child or shell that forkd makes, if there is one by now. */
const NEWEST = "$(xl list | awk 'NR > 1 {print $2}' | sort -n | tail -n 1)";

const lab = useLab();

/** The host when a family has come and gone: what comes with the first one stays. */
async function warmedUp(forkd: Forkd): Promise<HostState> {
  {
    await using warm = await bootOrders(forkd);
    await forksWell(warm, forkd);
  }
  return restingHostState(lab(), forkd);
}

test("xenstored slow, and stopped for a while: forks take longer, and work", limit, async () => {
  await using forkd = await startFaultyForkd(lab(), wayOf("pool"));
  const before = await warmedUp(forkd);
  {
    await using family = await bootOrders(forkd);
    await arm(forkd, { kind: "slow", ms: 50 });
    await forksWell(family, forkd);
    await forksWell(family, forkd);
    await arm(forkd, { kind: "none" });
    await lab().run("kill -STOP $(pidof xenstored oxenstored)");
    try {
      // Typing needs xenstore, too: xl finds the console there.
      const ordered = family.order();
      await sleep(STORE_PAUSE_MS);
      await lab().run("kill -CONT $(pidof xenstored oxenstored)");
      await ordered;
    } finally {
      await lab().run("kill -CONT $(pidof xenstored oxenstored)");
    }
    assertFitting(await family.outcome(), "while xenstored was stopped");
    await forksWell(family, forkd);
  }
  assert.deepEqual(await hostChanges(lab(), before, forkd), []);
  await forkd.end();
});

// By copies, which need as much as their parent has: what xl leaves free when it refuses more is enough for one that shares.
test("memory exhausted: ENOMEM, and a child again when there is memory", limit, async () => {
  await using forkd = await startFaultyForkd(lab(), wayOf("copy"), ["--keep-free", "0M", "--pool", "0"]);
  const before = await warmedUp(forkd);
  {
    await using family = await bootOrders(forkd);
    await forksWell(family, forkd);
    {
      const free = Number(/\d+/.exec(await lab().run("xl info free_memory"))?.[0]);
      await using hog = await boot(lab(), "test/apps/busy", { memory: free - 4, args: ["-p"] });
      assert.ok(await hog.exists());
      assert.deepEqual(await explained(forkd.output.text, () => family.fork()), { errno: ENOMEM });
    }
    await forksWell(family, forkd);
  }
  assert.deepEqual(await hostChanges(lab(), before, forkd), []);
  await forkd.end();
});

test("the parent is destroyed while forkd works for it", limit, async (t) => {
  await using forkd = await startFaultyForkd(lab(), wayOf("share"));
  const before = await warmedUp(forkd);
  for (const call of ["XenControl.populate", "XenControl.setContext", "XenControl.unpause"]) {
    await using family = await bootOrders(forkd);
    await stoppedAt(forkd, family, call, `xl destroy ${family.guest.name}`);
    // What was made for it ends with it, or is an orphan that ends by itself.
    t.diagnostic(`parent destroyed before ${call}`);
  }
  {
    await using family = await bootOrders(forkd);
    await forksWell(family, forkd);
  }
  assert.deepEqual(await hostChanges(lab(), before, forkd), []);
  await forkd.end();
});

test("the child is destroyed while forkd makes it", limit, async (t) => {
  await using forkd = await startFaultyForkd(lab(), wayOf("share"));
  const before = await warmedUp(forkd);
  {
    await using family = await bootOrders(forkd);
    await forksWell(family, forkd);
    for (const call of ["XenControl.copyTime", "XenControl.pinRoot", "Store.introduce", "XenControl.unpause"]) {
      await stoppedAt(forkd, family, call, `xl destroy ${NEWEST}`);
      assertFitting(await explained(forkd.output.text, () => family.outcome()), `destroyed before ${call}`);
      await forksWell(family, forkd);
      t.diagnostic(`child destroyed before ${call}`);
    }
  }
  assert.deepEqual(await hostChanges(lab(), before, forkd), []);
  await forkd.end();
});

/** Orders a fork and runs `command` in dom0 while forkd stands before a call. */
async function stoppedAt(forkd: Forkd, family: OrderedFamily, call: string, command: string): Promise<void> {
  const from = await arm(forkd, { kind: "stop", call, at: 1 });
  await family.order();
  await faultHappened(forkd, from);
  try {
    await lab().run(command);
  } finally {
    await lab().run(`kill -CONT ${forkd.pid}`);
  }
}
