// What a byte costs to another process and back, in instructions of both domains and of Xen for them, in a lab that counts them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { GUEST_SETTINGS, total } from "../../tools/lab/count/count.ts";
import { startForkd } from "./forkd_support.ts";
import { BOOT_TIMEOUT_MS, boot, useLab, type Guest } from "./support.ts";

const COUNT = 2000;
const RUNS = 3;
const WORK_MS = 120_000;
/** Most instructions of a round trip, which takes processes of one Linux guest 22 500. */
const LIMIT = 15_000;

const lab = useLab({ accelerator: "icount" });

async function instructions(guest: Guest, count: number): Promise<number> {
  return total(
    await lab().countInstructions(async () => {
      const from = guest.console.text.length;
      await lab().type(guest.name, `${count}\n`);
      await guest.console.waitFor(/done/, WORK_MS, from);
    }),
  );
}

/** The least of a few runs: events of domain 0 that wake a guest fall into some of them. */
async function least(guest: Guest, count: number): Promise<number> {
  let found = Infinity;
  for (let i = 0; i < RUNS; i++) found = Math.min(found, await instructions(guest, count));
  return found;
}

test("a round trip through two pipes to a child", { timeout: 600_000 }, async (context) => {
  await using forkd = await startForkd(lab());
  const extra = [...GUEST_SETTINGS, 'on_poweroff = "preserve"'];
  await using guest = await boot(lab(), "test/apps/shared_pipes", { extra, commandLine: "ip=off fork=1 -- ping-pong" });
  const [, pid] = await guest.console.waitFor(/child (\d+)/, 2 * BOOT_TIMEOUT_MS);
  await lab().run(`xl vcpu-pin ${guest.name}-${pid} 0 1 1`);
  await instructions(guest, COUNT);
  // What it takes besides is in both and falls out; what comes between only adds.
  const [once, twice] = [await least(guest, COUNT), await least(guest, 2 * COUNT)];
  const each = (twice - once) / COUNT;
  context.diagnostic(`${each.toFixed(0)} instructions each`);
  assert.ok(each > 0 && each < LIMIT, `${each} instructions each, not below ${LIMIT}`);
  await lab().type(guest.name, "\n");
  await guest.console.waitFor(/family: all passed/, BOOT_TIMEOUT_MS);
  await forkd.end();
});
