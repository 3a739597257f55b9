// What a parent is told of its children when forkd fails just then, on real Xen: of a child that runs its pid, and of each end
// once, whatever goes wrong.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  arm,
  assertFitting,
  bootOrders,
  explained,
  faultHappened,
  forksWell,
  served,
  startFaultyForkd,
  wayOf,
} from "./faults_support.ts";
import type { Forkd } from "./forkd_support.ts";
import { restingHostState } from "./host_state.ts";
import { boot, BOOT_TIMEOUT_MS, useLab, type Guest } from "./support.ts";

const ANSWER_MS = 60_000;
const STAY = ['on_poweroff = "preserve"', 'on_crash = "preserve"'];
const EIO = 5;
const limit = { timeout: 400_000 };

const lab = useLab();

/** A process whose children stay until someone ends them. */
async function bootForker(forkd: Forkd, children: number): Promise<Guest> {
  const guest = await boot(lab(), "test/apps/forker", {
    commandLine: `ip=off fork=4 -- stay ${children}`,
    extra: STAY,
  });
  await guest.console.waitFor(/ready/, BOOT_TIMEOUT_MS);
  await served(forkd, guest);
  return guest;
}

for (const call of ["Store.write", "Store.remove", "Store.release", "XenControl.destroy", "Host.domains"]) {
  test(`an end is told although ${call} fails`, limit, async () => {
    await using forkd = await startFaultyForkd(lab(), wayOf("share"));
    await using guest = await bootForker(forkd, 1);
    await lab().type(guest.name, "\n");
    await guest.console.waitFor(/forked 2/, ANSWER_MS);
    await restingHostState(lab(), forkd);
    const from = await arm(forkd, { kind: "error", call, at: 1, errno: EIO });
    await lab().run(`xl destroy ${guest.name}-2`);
    await faultHappened(forkd, from);
    await explained(forkd.output.text, () => guest.console.waitFor(/ended 2 signal 9/, ANSWER_MS));
    await forkd.end();
  });
}

test("a child that runs is not taken back", limit, async () => {
  await using forkd = await startFaultyForkd(lab(), wayOf("share"));
  await using family = await bootOrders(forkd);
  await forksWell(family, forkd);
  await restingHostState(lab(), forkd);
  const from = await arm(forkd, { kind: "error", call: "EventChannels.notify", at: 1, errno: EIO });
  const outcome = await explained(forkd.output.text, () => family.fork());
  await faultHappened(forkd, from);
  assertFitting(outcome, "an error after the child has begun");
  // Either there was a child and its parent knows, or there was none.
  const ended = /\(process (\d+), .*ended/.exec(forkd.output.text.slice(from));
  assert.equal("pid" in outcome, ended !== null, forkd.output.text.slice(from));
  await forksWell(family, forkd);
  await forkd.end();
});

test("a parent that was told of a child and asked for another keeps the first", limit, async () => {
  await using first = await startFaultyForkd(lab(), wayOf("pool"));
  await using guest = await bootForker(first, 2);
  await restingHostState(lab(), first); // a domain stands ready: the next to write is the record of the child
  const from = await arm(first, { kind: "kill", call: "Store.writeAll", at: 1 });
  await lab().type(guest.name, "\n");
  await faultHappened(first, from);
  await guest.console.waitFor(/forked 2[^]*fork failed/, ANSWER_MS);
  await using second = await startFaultyForkd(lab(), wayOf("pool"));
  await served(second, guest);
  await lab().run(`xl destroy ${guest.name}-2; true`);
  await explained(second.output.text, () => guest.console.waitFor(/ended 2 signal 9/, ANSWER_MS));
  await second.end();
});
