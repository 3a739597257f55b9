// Signals on real Xen: a family whose members signal, stop and end each other (test/apps/signals).
import assert from "node:assert/strict";
import { test } from "node:test";
import { startForkd } from "./forkd_support.ts";
import { BOOT_TIMEOUT_MS, boot, useLab } from "./support.ts";

const APP = "test/apps/signals";
const TIMEOUT_MS = 420_000;
const ANSWER_MS = 120_000;
const STAY = { extra: ['on_poweroff = "preserve"', 'on_crash = "preserve"'] };

const lab = useLab();

test("kill, wait and handlers do what POSIX says, in every state of the target", { timeout: TIMEOUT_MS }, async () => {
  await using forkd = await startForkd(lab());
  await using guest = await boot(lab(), APP, STAY);
  try {
    const [all] = await guest.console.waitFor(
      /[\s\S]*signals: (?:all passed|\d+ failed)/,
      TIMEOUT_MS - BOOT_TIMEOUT_MS,
    );
    assert.deepEqual(all.match(/^FAILED.*$/gm) ?? [], []);
    assert.ok((all.match(/^ok /gm)?.length ?? 0) > 50, "fewer checks than there are");
    const children = await lab().run(`grep -h FAILED /var/log/xen/console/guest-${guest.name}-*.log; true`);
    assert.equal(children, "");
    assert.doesNotMatch(await lab().run("xl list"), new RegExp(`${guest.name}-`), "children are left");
  } catch (error) {
    throw new Error(`${guest.console.text}\n${forkd.output.text}`, { cause: error });
  }
});

test("faults have handlers, which may go on where the fault was", { timeout: TIMEOUT_MS }, async () => {
  await using forkd = await startForkd(lab());
  await using guest = await boot(lab(), APP, { ...STAY, commandLine: "ip=off fork=8 -- faults" });
  const [all] = await guest.console.waitFor(/[\s\S]*signals: (?:all passed|\d+ failed)/, TIMEOUT_MS - BOOT_TIMEOUT_MS);
  assert.deepEqual(all.match(/^FAILED.*$/gm) ?? [], []);
  assert.equal(all.match(/^ok /gm)?.length, 14);
  await forkd.end();
});

test("xl shutdown is SIGTERM to an app that catches it", { timeout: TIMEOUT_MS }, async () => {
  await using guest = await boot(lab(), APP, { ...STAY, commandLine: "ip=off -- terminate" });
  await guest.console.waitFor(/ready for SIGTERM/, ANSWER_MS);
  await lab().run(`xl shutdown ${guest.name}`);
  await guest.console.waitFor(/caught SIGTERM[^]*exit status 3/, ANSWER_MS);
});

test("a family's first process can be killed; xl then cleans up as always", { timeout: TIMEOUT_MS }, async () => {
  await using forkd = await startForkd(lab());
  await using guest = await boot(lab(), APP, { commandLine: "ip=off fork=2 -- parricide" });
  await guest.console.waitFor(/ready for the child/, ANSWER_MS);
  await guest.gone(ANSWER_MS);
  await forkd.output.waitFor(/process 1, domain \d+\) ended: signal 9/, ANSWER_MS);
  const id = /is process 1 \(domain (\d+)\)/.exec(forkd.output.text)?.[1] ?? "none";
  assert.notEqual((await lab().sh(`xenstore-exists /local/domain/${id}`)).status, 0);
  await forkd.end();
});
