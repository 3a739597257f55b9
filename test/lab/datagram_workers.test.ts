// Processes that share a port of datagrams on real Xen (test/apps/datagrams): each client's go to one of those that wait for them, always the same,
// and to another when that has ended.
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { pushProgram, startForkd } from "./forkd_support.ts";
import { BOOT_TIMEOUT_MS, boot, useLab } from "./support.ts";

const limit = { timeout: 6 * BOOT_TIMEOUT_MS };
const CLIENT = fileURLToPath(new URL("datagram_clients.ts", import.meta.url));
const PORT = 5000;
const CLIENTS = 24;
const STAY = ['on_poweroff = "preserve"', 'on_crash = "preserve"', 'vif = ["bridge=xenbr0"]'];

const lab = useLab();

test("datagrams to a port go to who waits for them, those of a client to one process", limit, async () => {
  await using forkd = await startForkd(lab());
  const options = { commandLine: `ip=dhcp fork=4 -- 2 ${PORT}`, extra: STAY };
  await using guest = await boot(lab(), "test/apps/datagrams", options);
  const address = await guest.address();
  for (const pid of [2, 3]) {
    await forkd.output.waitFor(new RegExp(`${guest.name}-${pid} is process`), BOOT_TIMEOUT_MS);
    using console = lab().console(`${guest.name}-${pid}`);
    await console.waitFor(/serves[^]*net: connected/, BOOT_TIMEOUT_MS);
  }
  const program = await pushProgram(lab(), CLIENT);
  /** Who has answered each client, twice. */
  const answered = async (): Promise<string[]> => {
    const text = await lab().run(`node ${program} ${address} ${PORT} ${CLIENTS}`, { timeoutMs: BOOT_TIMEOUT_MS });
    return text.trim().split("\n");
  };
  const first = await answered();
  assert.equal(first.length, CLIENTS);
  assert.deepEqual([...new Set(first)].sort(), ["process 2, process 2", "process 3, process 3"], first.join("\n"));
  await lab().run(`xl destroy ${guest.name}-3`);
  await forkd.output.waitFor(/process 3, .*ended/, BOOT_TIMEOUT_MS);
  assert.deepEqual([...new Set(await answered())], ["process 2, process 2"]);
  // The parent serves when it has no children any more: nothing was shared with it before.
  await lab().run(`xl destroy ${guest.name}-2`);
  await guest.console.waitFor(/process 1 serves/, BOOT_TIMEOUT_MS);
  assert.deepEqual([...new Set(await answered())], ["process 1, process 1"]);
});
