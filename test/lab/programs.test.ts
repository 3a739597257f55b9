// An image of several programs on real Xen: a supervisor that starts the others and waits for their codes (test/apps/programs).
import assert from "node:assert/strict";
import { test } from "node:test";
import { familyConsoles } from "./family_support.ts";
import { startForkd } from "./forkd_support.ts";
import { BOOT_TIMEOUT_MS, boot, useLab } from "./support.ts";

const APP = "test/apps/programs";
const BUILD_AND_BOOT_MS = 8 * BOOT_TIMEOUT_MS;

// The appliance may be done before its creation is: so it stays until the test destroys it.
const STAY = { extra: ['on_poweroff = "preserve"', 'on_crash = "preserve"'] };

const lab = useLab();

test(
  "programs are files that execve refuses or finds, without anybody who serves fork",
  { timeout: BUILD_AND_BOOT_MS },
  async () => {
    const commandLine = `ip=off env.COLOUR=blue tmpfs=/tmp:256K -- alone "with a blank"`;
    await using guest = await boot(lab(), APP, { ...STAY, commandLine });
    const [all] = await guest.console.waitFor(/[\s\S]*programs: (?:all passed|\d+ failed)/, BOOT_TIMEOUT_MS);
    assert.deepEqual(all.match(/^FAILED.*$/gm) ?? [], []);
    assert.ok((all.match(/^ok /gm)?.length ?? 0) > 25, "fewer checks than there are");
    await guest.console.waitFor(/app: exit status 0/, BOOT_TIMEOUT_MS);
  },
);

test(
  "a program takes the domain over, many times, with and without other threads",
  { timeout: BUILD_AND_BOOT_MS },
  async () => {
    for (const [words, status] of [
      ["worker status 77", 77],
      ["chain 20", 0],
      ["threads other", 0],
    ] as const) {
      await using guest = await boot(lab(), APP, { ...STAY, commandLine: `ip=off -- execute ${words}` });
      const [all] = await guest.console.waitFor(/[\s\S]*(?:app: exit status \d+|crash: .*)/, BOOT_TIMEOUT_MS);
      assert.match(all, new RegExp(`app: exit status ${status}$`));
      assert.doesNotMatch(all, /FAILED/);
    }
  },
);

test("a supervisor starts programs and gets their codes", { timeout: BUILD_AND_BOOT_MS }, async () => {
  await using forkd = await startForkd(lab());
  await using guest = await boot(lab(), APP, STAY);
  try {
    const [all] = await guest.console.waitFor(/[\s\S]*programs: (?:all passed|\d+ failed)/, 5 * BOOT_TIMEOUT_MS);
    assert.deepEqual(all.match(/^FAILED.*$/gm) ?? [], []);
    assert.ok((all.match(/^ok /gm)?.length ?? 0) > 65, "fewer checks than there are");
    await guest.console.waitFor(/app: exit status 0/, BOOT_TIMEOUT_MS);
  } catch (error) {
    const children = (await familyConsoles(guest)).slice(1, 4).join("\n");
    throw new Error(`${guest.console.text}\n${children}\n${forkd.output.text}`, { cause: error });
  }
});
