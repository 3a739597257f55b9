// Faults at every step of forkd, on real Xen: after each the parent goes on, with -1 and a fitting errno or with a child
// that works; nothing is left over; and the next fork works.
import assert from "node:assert/strict";
import { test } from "node:test";
import { WAYS, type Way } from "./family_support.ts";
import {
  arm,
  bootOrders,
  firedFault,
  type OrderedFamily,
  served,
  startFaultyForkd,
  type Outcome,
} from "./faults_support.ts";
import type { Forkd } from "./forkd_support.ts";
import { hostChanges, restingHostState } from "./host_state.ts";
import { boot, useLab } from "./support.ts";

const TIMEOUT_MS = 1_200_000;
const EAGAIN = 11;
const ENOMEM = 12;
const EINVAL = 22;
const ENOSYS = 38;
/** More calls than a fork with all that belongs to it makes. */
const MOST_CALLS = 400;
/** Of the calls at which forkd is killed, one in so many: each takes a new forkd. */
const KILL_STEP = 6;
const limit = { timeout: TIMEOUT_MS };

const lab = useLab();

async function forksWell(family: OrderedFamily, forkd: Forkd): Promise<void> {
  const outcome = await family.fork();
  assert.ok("pid" in outcome && outcome.status === 0, `${JSON.stringify(outcome)}\n${forkd.output.text.slice(-2000)}`);
}

function assertFitting(outcome: Outcome & { readonly status?: number }, what: string): void {
  if ("errno" in outcome) assert.ok([EAGAIN, ENOMEM].includes(outcome.errno), `${what}: errno ${outcome.errno}`);
  else assert.equal(outcome.status, 0, `${what}: the child does not work`);
}

for (const way of WAYS) {
  test(`an error from each call of forkd, by ${way.name}`, limit, async () => {
    await using forkd = await startFaultyForkd(lab(), way);
    await using family = await bootOrders(forkd);
    await forksWell(family, forkd);
    const options = { guests: [family.guest], forkd };
    let before = await restingHostState(lab(), options);
    const left: string[] = [];
    let calls = 0;
    for (let at = 1; at < MOST_CALLS; at++) {
      const from = await arm(forkd, { kind: "error", at, errno: at % 2 === 0 ? ENOMEM : EINVAL });
      const outcome = await family.fork();
      const call = firedFault(forkd, from) ?? (await lateFault(forkd, from));
      if (call === undefined) break;
      calls = at;
      assertFitting(outcome, `error from call ${at}, ${call}`);
      await arm(forkd, { kind: "none" });
      const changes = await hostChanges(lab(), before, options);
      if (changes.length === 0) continue;
      left.push(`${at} ${call}: ${changes.join(", ")}`);
      before = await restingHostState(lab(), options);
    }
    assert.deepEqual(left, []);
    assert.ok(calls > 20 && calls < MOST_CALLS - 1, `${calls} calls`);
    await forksWell(family, forkd);
    await forkd.end();
    await killAtCalls(way, calls);
  });
}

/** The reaping of a child goes on after its parent has heard of the end. */
async function lateFault(forkd: Forkd, from: number): Promise<string | undefined> {
  await new Promise((resolve) => setTimeout(resolve, 1500));
  return firedFault(forkd, from);
}

async function killAtCalls(way: Way, calls: number): Promise<void> {
  let forkd = await startFaultyForkd(lab(), way);
  await using family = await bootOrders(forkd);
  await forksWell(family, forkd);
  const before = await restingHostState(lab(), { guests: [family.guest] });
  const left: string[] = [];
  for (let at = 1; at <= calls; at += KILL_STEP) {
    const from = await arm(forkd, { kind: "kill", at });
    await family.order();
    await forkd.output.waitFor(/forkd ended with/, 90_000, from);
    const call = firedFault(forkd, from);
    forkd = await startFaultyForkd(lab(), way);
    await served(forkd, family.guest);
    const outcome = await family.outcome();
    assertFitting("pid" in outcome ? { ...outcome, status: await family.status() } : outcome, `killed at ${call}`);
    const changes = await hostChanges(lab(), before, { guests: [family.guest] });
    if (changes.length > 0) left.push(`${at} ${call}: ${changes.join(", ")}`);
    await forksWell(family, forkd);
  }
  assert.deepEqual(left, []);
  await forkd.end();
  assert.deepEqual(await family.fork(), { errno: ENOSYS });
}

test("xenstored slow: a fork takes longer, and works", limit, async () => {
  await using forkd = await startFaultyForkd(lab(), lastWay());
  await using family = await bootOrders(forkd);
  await arm(forkd, { kind: "slow", ms: 200 });
  await forksWell(family, forkd);
  await arm(forkd, { kind: "none" });
  await lab().run("kill -STOP $(pidof xenstored)");
  try {
    await family.order();
    await new Promise((resolve) => setTimeout(resolve, 3000));
  } finally {
    await lab().run("kill -CONT $(pidof xenstored)");
  }
  assert.ok("pid" in (await family.outcome()));
  assert.equal(await family.status(), 0);
  await forkd.end();
});

test("memory exhausted: ENOMEM, and a child again when there is memory", limit, async () => {
  const way = lastWay();
  await using forkd = await startFaultyForkd(lab(), { ...way, args: [...way.args, "--keep-free", "0M"] });
  await using family = await bootOrders(forkd);
  await forksWell(family, forkd);
  const before = await restingHostState(lab(), { guests: [family.guest], forkd });
  {
    const free = Number(await lab().run("xl info free_memory"));
    await using hog = await boot(lab(), "test/apps/busy", { memory: free - 6, args: ["-p"] });
    assert.ok(await hog.exists());
    assert.deepEqual(await family.fork(), { errno: ENOMEM });
  }
  await forksWell(family, forkd);
  const options = { guests: [family.guest], forkd };
  assert.deepEqual(await hostChanges(lab(), before, options), []);
  await forkd.end();
});

test("parent, child or half-made child destroyed while forkd works: nothing is left", limit, async () => {
  await using forkd = await startFaultyForkd(lab(), lastWay());
  {
    await using warm = await bootOrders(forkd);
    await forksWell(warm, forkd);
  }
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const before = await restingHostState(lab(), { forkd });
  for (const [who, at] of [
    ["parent", 3],
    ["parent", 12],
    ["parent", 24],
    ["child", 12],
    ["child", 18],
    ["child", 26],
  ] as const) {
    await using family = await bootOrders(forkd);
    const from = await arm(forkd, { kind: "pause", at, ms: 4000 });
    await family.order();
    await forkd.output.waitFor(/^fault \d+/m, 90_000, from);
    // The newest domain is the child, if there is one by now.
    const newest = "$(xl list | awk 'NR > 1 {print $2}' | sort -n | tail -n 1)";
    await lab().run(`xl destroy ${who === "parent" ? family.guest.name : newest}`);
    if (who === "child" && (await family.guest.exists())) {
      const outcome = await family.outcome();
      if ("pid" in outcome) await family.status();
      await forksWell(family, forkd);
    }
  }
  {
    await using family = await bootOrders(forkd);
    await forksWell(family, forkd);
  }
  assert.deepEqual(await hostChanges(lab(), before, { forkd }), []);
  await forkd.end();
});

function lastWay(): Way {
  const way = WAYS.at(-1);
  assert.ok(way);
  return way;
}
