// What a pipe costs, in instructions of the guest and of Xen on its behalf, in a lab that counts them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { GUEST_SETTINGS } from "../../tools/lab/count/count.ts";
import { instructionsEach } from "./cost_support.ts";
import { BOOT_TIMEOUT_MS, boot, useLab } from "./support.ts";

const COUNT = 20_000;

/** Most instructions by what is done; a trip takes Linux 22 500. A block is copied twice. */
const LIMITS = { trips: 1200, bytes: 320, blocks: 2500 } as const;

const lab = useLab({ accelerator: "icount" });

test("a round trip through two pipes, and a write and a read", { timeout: 600_000 }, async (context) => {
  await using guest = await boot(lab(), "test/apps/pipes", { extra: [...GUEST_SETTINGS] });
  await guest.console.waitFor(/ready/, BOOT_TIMEOUT_MS);
  for (const [what, limit] of Object.entries(LIMITS)) {
    const each = await instructionsEach(guest, COUNT, (count) => `${what} ${count}`);
    context.diagnostic(`${what}: ${each.toFixed(1)} instructions each`);
    assert.ok(each > 0 && each < limit, `${what}: ${each} instructions each, not below ${limit}`);
  }
});
