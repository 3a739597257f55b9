// fork and wait on real Xen: an appliance that forks and checks what it finds (test/apps/fork).
import assert from "node:assert/strict";
import { test } from "node:test";
import { startForkd } from "./forkd_support.ts";
import { BOOT_TIMEOUT_MS, boot, useLab } from "./support.ts";

const APP = "test/apps/fork";
const BUILD_AND_BOOT_MS = 6 * BOOT_TIMEOUT_MS;

// The appliance may be done before its creation is: so it stays until the test destroys it.
const STAY = { extra: ['on_poweroff = "preserve"', 'on_crash = "preserve"'] };

const lab = useLab();

test("fork fails with ENOSYS where nobody serves it", { timeout: BUILD_AND_BOOT_MS }, async () => {
  for (const commandLine of ["ip=off -- alone", "ip=off fork=4 -- alone"]) {
    await using guest = await boot(lab(), APP, { ...STAY, commandLine });
    const [all] = await guest.console.waitFor(/[\s\S]*fork: (?:all passed|\d+ failed)/, BOOT_TIMEOUT_MS);
    assert.deepEqual(all.match(/^FAILED.*$/gm) ?? [], []);
    await guest.console.waitFor(/app: exit status 0/, BOOT_TIMEOUT_MS);
  }
});

test("fork, wait and memory do what POSIX says", { timeout: BUILD_AND_BOOT_MS }, async () => {
  await using forkd = await startForkd(lab());
  await using guest = await boot(lab(), APP, STAY);
  try {
    const [all] = await guest.console.waitFor(/[\s\S]*fork: (?:all passed|\d+ failed)/, BOOT_TIMEOUT_MS);
    assert.deepEqual(all.match(/^FAILED.*$/gm) ?? [], []);
    assert.ok((all.match(/^ok /gm)?.length ?? 0) > 20, "fewer checks than there are");
    await guest.console.waitFor(/app: exit status 0/, BOOT_TIMEOUT_MS);
  } catch (error) {
    throw new Error(`${guest.console.text}\n${forkd.output.text}`, { cause: error });
  }
});
