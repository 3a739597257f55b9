// A domain that stands ready to become a child is destroyed by xl, on real Xen: the next forks work, and nothing is left over.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assertFitting, bootOrders, explained, forksWell, startFaultyForkd, wayOf } from "./faults_support.ts";
import { hostAdditions, restingHostState } from "./host_state.ts";
import { useLab } from "./support.ts";

const limit = { timeout: 300_000 };

const lab = useLab();

test("a domain that stands ready is destroyed: the next forks work", limit, async () => {
  await using forkd = await startFaultyForkd(lab(), wayOf("pool"));
  await using family = await bootOrders(forkd);
  await forksWell(family, forkd);
  const alive = await restingHostState(lab(), forkd);
  const ready = (await lab().run(`xl list | awk '/^${family.guest.name}-/ {print $1}'`)).trim();
  assert.match(ready, /^\S+$/, "one domain stands ready");
  await lab().run(`xl destroy ${ready}`);
  assertFitting(await explained(forkd.output.text, () => family.fork()), "after its end");
  await forksWell(family, forkd);
  assert.deepEqual(await hostAdditions(lab(), alive, forkd), []);
  await forkd.end();
});
