// Connections pass to processes that were there before them, on real Xen (test/apps/dispatcher): the clients in domain 0 get every byte back, whenever
// they send it, and of a worker that is destroyed only its own connections end.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { pushProgram, startForkd } from "./forkd_support.ts";
import type { Echoed } from "./handover_client.ts";
import { BOOT_TIMEOUT_MS, boot, useLab } from "./support.ts";

const CLIENT = fileURLToPath(new URL("handover_client.ts", import.meta.url));
const STAY = ['on_poweroff = "preserve"', 'on_crash = "preserve"', 'vif = ["bridge=xenbr0"]'];
const ECHO_MS = 120_000;
const PATIENCE_MS = 60_000;
const WATCHED = "/tmp/passed";

const lab = useLab();

test("a dispatcher passes connections to its workers", { timeout: 10 * BOOT_TIMEOUT_MS }, async () => {
  await using forkd = await startForkd(lab());
  await using guest = await boot(lab(), "test/apps/dispatcher", { commandLine: "ip=dhcp fork=2", extra: STAY });
  const consoles = `/var/log/xen/console/guest-${guest.name}`;
  const client = await pushProgram(lab(), CLIENT);
  try {
    await guest.console.waitFor(/dispatcher: ready/, BOOT_TIMEOUT_MS);
    const address = await guest.address();
    const echo = async (...specifications: readonly string[]): Promise<void> => {
      const command = `node ${client} echo ${address} ${specifications.join(" ")}`;
      const lines = (await lab().run(command, { timeoutMs: ECHO_MS })).trim().split("\n");
      const all = lines.map((line) => JSON.parse(line) as Echoed);
      const wrong = all.filter(
        ({ equal, error, sent, received }) => !equal || error !== undefined || sent !== received,
      );
      assert.deepEqual(wrong, []);
    };
    // What the watching client `index` has heard that is like `what`.
    const heard = async (index: number, what: RegExp): Promise<RegExpExecArray> => {
      for (const begun = performance.now(); performance.now() - begun < PATIENCE_MS; await sleep(200)) {
        const text = await lab().run(`cat ${WATCHED}`);
        const own = text.split("\n").flatMap((line) => (line.startsWith(`${index} `) ? [line.slice(2)] : []));
        const found = what.exec(own.join("\n"));
        if (found !== null) return found;
      }
      throw new Error(`client ${index} does not hear ${what}`);
    };

    await echo("7:4:100000:1", "8:2:60000:11:1", "7:2:20000:21:0:60");
    const watch = `exec node ${client} watch ${address} 9 9 >${WATCHED} 2>&1`;
    await lab().run(`(${watch} </dev/null & echo $! >${WATCHED}.pid)`);
    const [[, one], [, other]] = [await heard(0, /process (\d+)/), await heard(1, /process (\d+)/)];
    assert.notEqual(one, other);
    await lab().run(`xl destroy ${guest.name}-${one}`);
    await heard(0, /ended/);
    await echo("7:2:50000:31", "8:1:50000:41:1");
    assert.doesNotMatch(await lab().run(`cat ${WATCHED}`), /^1 ended/m);
    assert.match(guest.console.text, /dispatcher: worker \d has gone/);
    await lab().run(`xl destroy ${guest.name}-${other}`);
    await heard(1, /ended/);
  } catch (error) {
    const texts = [(await lab().sh(`tail -n 12 ${consoles}*.log`)).stdout, forkd.output.text.slice(-5000)];
    throw new Error(texts.join("\n--- forkd\n"), { cause: error });
  } finally {
    await lab().sh(`kill $(cat ${WATCHED}.pid)`);
    await lab().sh(`for d in $(xl list | awk '/^${guest.name}-/ {print $1}'); do xl destroy $d; done`);
  }
});
