// What a byte costs to another process and back, in instructions of both domains and of Xen for them, in a lab that counts them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { GUEST_SETTINGS } from "../../tools/lab/count/count.ts";
import { instructionsEach } from "./cost_support.ts";
import { startForkd } from "./forkd_support.ts";
import { BOOT_TIMEOUT_MS, boot, useLab } from "./support.ts";

const COUNT = 2000;
/** Most instructions of a round trip, which takes processes of one Linux guest 22 500. */
const LIMIT = 15_000;

const lab = useLab({ accelerator: "icount" });

test("a round trip through two pipes to a child", { timeout: 600_000 }, async (context) => {
  await using forkd = await startForkd(lab());
  const extra = [...GUEST_SETTINGS, 'on_poweroff = "preserve"'];
  await using guest = await boot(lab(), "test/apps/shared_pipes", { extra, commandLine: "ip=off fork=1 -- ping-pong" });
  const [, pid] = await guest.console.waitFor(/child (\d+)/, 2 * BOOT_TIMEOUT_MS);
  await lab().run(`xl vcpu-pin ${guest.name}-${pid} 0 1 1`);
  const each = await instructionsEach(guest, COUNT, String);
  context.diagnostic(`${each.toFixed(0)} instructions each`);
  assert.ok(each > 0 && each < LIMIT, `${each} instructions each, not below ${LIMIT}`);
  await lab().type(guest.name, "\n");
  await guest.console.waitFor(/family: all passed/, BOOT_TIMEOUT_MS);
  await forkd.end();
});
