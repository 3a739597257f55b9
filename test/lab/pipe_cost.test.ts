// What a pipe costs, in instructions of the guest and of Xen on its behalf, in a lab that counts them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { GUEST_SETTINGS, total } from "../../tools/lab/count/count.ts";
import { BOOT_TIMEOUT_MS, boot, useLab, type Guest } from "./support.ts";

const COUNT = 20_000;
const WORK_MS = 60_000;

/** Most instructions by what is done; a trip takes Linux 22 500. A block is copied twice, */
const LIMITS = { trips: 1200, bytes: 320, blocks: 2500 } as const;

const lab = useLab({ accelerator: "icount" });

/** Instructions that the guest executes to do `count` of `what`. */
async function instructions(guest: Guest, what: string, count: number): Promise<number> {
  return total(
    await lab().countInstructions(async () => {
      const from = guest.console.text.length;
      await lab().type(guest.name, `${what} ${count}\n`);
      await guest.console.waitFor(/done/, WORK_MS, from);
    }),
  );
}

test("a round trip through two pipes, and a write and a read", { timeout: 300_000 }, async (context) => {
  await using guest = await boot(lab(), "test/apps/pipes", { extra: [...GUEST_SETTINGS] });
  await guest.console.waitFor(/ready/, BOOT_TIMEOUT_MS);
  for (const [what, limit] of Object.entries(LIMITS)) {
    // What it takes besides is in both and falls out.
    const once = await instructions(guest, what, COUNT);
    const each = ((await instructions(guest, what, 2 * COUNT)) - once) / COUNT;
    context.diagnostic(`${what}: ${each.toFixed(1)} instructions each`);
    assert.ok(each > 0 && each < limit, `${what}: ${each} instructions each, not below ${limit}`);
  }
});
