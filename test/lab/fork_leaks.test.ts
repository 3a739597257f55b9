// Families come and go, in good order and not: the host is afterwards what it was before, to the page.
//
// More forks one after another: FORK_ROUNDS=all npm test -- lab/fork_leaks
import assert from "node:assert/strict";
import { test } from "node:test";
import { ALL_ROUNDS, bootFamily, familyAlone, runFamily, WAYS } from "./family_support.ts";
import { startForkd, type Forkd } from "./forkd_support.ts";
import { hostChanges, restingHostState } from "./host_state.ts";
import { useLab } from "./support.ts";

const TIMEOUT_MS = 400_000;
const PART_MS = 120_000;
/** One after another: many more than the pages that Xen's heap may keep (host_state.ts). */
const FORKS = ALL_ROUNDS ? 200 : 60;

const lab = useLab();

/** Families whose members end by themselves, one by a crash, with orphans among them. */
async function inGoodOrder(forkd: Forkd): Promise<void> {
  await runFamily(forkd, "rounds=3 stacktest", { network: true });
  await runFamily(forkd, "reparent");
}

/** A family whose first process is destroyed while children wait; they go with the toolstack's help. */
async function destroyed(forkd: Forkd): Promise<void> {
  await using guest = await bootFamily(forkd, "wide=3", { network: true });
  await guest.console.waitFor(/3 children wait/, PART_MS);
  await lab().run(`xl destroy ${guest.name}`);
  // One that stands ready goes by forkd's hand, maybe just before its turn.
  await lab().run(`for d in $(xl list | awk '/^${guest.name}-/ {print $1}'); do xl destroy $d || ! xl domid $d; done`);
  await familyAlone(guest);
}

for (const way of WAYS) {
  test(`families leave nothing behind, by ${way.name}`, { timeout: TIMEOUT_MS }, async () => {
    await using forkd = await startForkd(lab(), { args: way.args });
    // Folders of xenstore and memory of Xen's own come with the first ones and stay.
    await destroyed(forkd);
    const before = await restingHostState(lab(), forkd);
    await inGoodOrder(forkd);
    await destroyed(forkd);
    assert.deepEqual(await hostChanges(lab(), before, forkd), []);
    await forkd.end();
  });
}

test(`${FORKS} forks one after another leave nothing behind`, { timeout: TIMEOUT_MS }, async () => {
  await using forkd = await startForkd(lab());
  await destroyed(forkd);
  const before = await restingHostState(lab(), forkd);
  {
    await using guest = await bootFamily(forkd, `rounds=${FORKS}`, { children: 2 });
    await guest.console.waitFor(new RegExp(`${FORKS} forks in \\d+ ms[^]*family: all passed`), TIMEOUT_MS);
    const ends = forkd.output.text.match(new RegExp(`${guest.name}-\\d+ \\(process \\d+, .*ended: exit status`, "g"));
    assert.equal(ends?.length, FORKS);
    await familyAlone(guest);
  }
  assert.deepEqual(await hostChanges(lab(), before, forkd), []);
  await forkd.end();
});
