// The system calls on real Xen: an appliance that tries each of them from inside (test/apps/posix).
import assert from "node:assert/strict";
import { test } from "node:test";
import { BOOT_TIMEOUT_MS, boot, useLab } from "./support.ts";

const APP = "test/apps/posix";
const BUILD_AND_BOOT_MS = 6 * BOOT_TIMEOUT_MS;

// The appliance may be done before its creation is: so it stays until the test destroys it.
const STAY = { extra: ['on_poweroff = "preserve"', 'on_crash = "preserve"'] };

const lab = useLab();

test("every system call does what POSIX says", { timeout: BUILD_AND_BOOT_MS }, async () => {
  await using guest = await boot(lab(), APP, STAY);
  const [all] = await guest.console.waitFor(/[\s\S]*posix: (?:all passed|\d+ failed)/, BOOT_TIMEOUT_MS);
  assert.deepEqual(all.match(/^FAILED.*$/gm) ?? [], []);
  assert.ok((all.match(/^ok /gm)?.length ?? 0) > 150, "fewer checks than there are");
  await guest.console.waitFor(/app: exit status 0/, BOOT_TIMEOUT_MS);
});

test("what is typed on the console is read", { timeout: BUILD_AND_BOOT_MS }, async () => {
  await using guest = await boot(lab(), APP, { ...STAY, commandLine: "ip=off -- echo" });
  await guest.console.waitFor(/^type$/m, BOOT_TIMEOUT_MS);
  await lab().type(guest.name, "hello there\n");
  await guest.console.waitFor(/typed: hello there/, BOOT_TIMEOUT_MS);
  await lab().type(guest.name, "end\n");
  await guest.console.waitFor(/app: exit status 0/, BOOT_TIMEOUT_MS);
});

test("a thread that overflows its shadow stack is told so", { timeout: BUILD_AND_BOOT_MS }, async () => {
  await using guest = await boot(lab(), APP, { ...STAY, commandLine: "ip=off -- overflow" });
  await guest.console.waitFor(/a thread overflowed its shadow stack/, BOOT_TIMEOUT_MS);
  await guest.console.waitFor(/crash: the app: unreachable code reached/, BOOT_TIMEOUT_MS);
});
