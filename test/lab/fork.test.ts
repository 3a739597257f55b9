// fork and wait on real Xen: an appliance that forks and checks what it finds (test/apps/fork).
import assert from "node:assert/strict";
import { test } from "node:test";
import { startForkd } from "./forkd_support.ts";
import { BOOT_TIMEOUT_MS, Guest, boot, useLab } from "./support.ts";

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

test(
  "a child with a network device has an address of its own and serves there",
  { timeout: BUILD_AND_BOOT_MS },
  async () => {
    await using forkd = await startForkd(lab());
    const extra = [...STAY.extra, 'vif = [""]'];
    await using guest = await boot(lab(), APP, { extra, commandLine: "ip=dhcp fork=1 -- network" });
    const [, pid] = await forkd.output.waitFor(new RegExp(`forked ${guest.name}-(\\d+)`), BOOT_TIMEOUT_MS);
    const childName = `${guest.name}-${pid}`;
    await using child = new Guest(lab(), childName, lab().console(childName));
    try {
      const [parentAddress, childAddress] = [await guest.address(), await child.address()];
      assert.notEqual(childAddress, parentAddress);
      assert.match(await lab().run(`nc ${parentAddress} 7 </dev/null`), /process 1/);
      assert.match(await lab().run(`nc ${childAddress} 7 </dev/null`), new RegExp(`process ${pid}`));
      assert.match(await lab().run(`nc ${parentAddress} 7 </dev/null`), /process 1/);
      const tree = await forkd.status();
      assert.match(tree, new RegExp(`^1 ${guest.name} .* ${parentAddress}$`, "m"));
      assert.match(tree, new RegExp(`^ +${pid} ${childName} .* ${childAddress}$`, "m"));
    } catch (error) {
      throw new Error(`${guest.console.text}\n${child.console.text}\n${forkd.output.text}`, { cause: error });
    }
  },
);
