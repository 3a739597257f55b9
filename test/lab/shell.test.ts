// system(), popen() and pclose() on real Xen: commands for a shell that is a program of the image, in domains of their own (test/apps/shell).
import assert from "node:assert/strict";
import { test } from "node:test";
import { startForkd } from "./forkd_support.ts";
import { BOOT_TIMEOUT_MS, boot, useLab } from "./support.ts";

const BUILD_AND_BOOT_MS = 8 * BOOT_TIMEOUT_MS;

// The appliance may be done before its creation is: so it stays until the test destroys it.
const STAY = { extra: ['on_poweroff = "preserve"', 'on_crash = "preserve"'] };

const lab = useLab();

test("commands run, say what they have to say and end with their status", { timeout: BUILD_AND_BOOT_MS }, async () => {
  await using forkd = await startForkd(lab());
  await using guest = await boot(lab(), "test/apps/shell", STAY);
  try {
    const [all] = await guest.console.waitFor(/[\s\S]*shell: (?:all passed|\d+ failed)/, 5 * BOOT_TIMEOUT_MS);
    assert.deepEqual(all.match(/^FAILED.*$/gm) ?? [], []);
    assert.equal(all.match(/^ok 1:/gm)?.length, 11);
    await guest.console.waitFor(/app: exit status 0/, BOOT_TIMEOUT_MS);
  } catch (error) {
    throw new Error(`${guest.console.text}\n${forkd.output.text}`, { cause: error });
  }
});
