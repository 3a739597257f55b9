// The limits of fork on real Xen: a family that forks without end stays within its own, harms no other, and leaves nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mostChildren, startForkd } from "./forkd_support.ts";
import { boot, BOOT_TIMEOUT_MS, useLab, type Guest } from "./support.ts";

const TIMEOUT_MS = 600_000;
const ANSWER_MS = 300_000; // five domains that all fork, emulated
const limit = { timeout: TIMEOUT_MS };
const STAY = ['on_poweroff = "preserve"', 'on_crash = "preserve"'];
const BOMB = "test/apps/forkbomb";

/** The domains. What is paused stands ready for a fork, each time under another name. */
const HOST = "xl list | awk 'NR > 1 && $5 !~ /p/ {print $1}'";

/** forkd names a family that it refuses once in this time. */
const QUIET_MS = 10_000;

const lab = useLab();

/** What the bomb says at its end: numbers by their names. */
async function outcome(guest: Guest): Promise<ReadonlyMap<string, number>> {
  const [, text = ""] = await guest.console.waitFor(/bomb over: (.*otherwise)/, ANSWER_MS);
  return new Map([...text.matchAll(/(\d+) (\w+)/g)].map(([, count, name]) => [name ?? "", Number(count)]));
}

test("a fork bomb stays within its limits while another family forks", limit, async () => {
  await using forkd = await startForkd(lab());
  await using other = await boot(lab(), "test/apps/forker", { commandLine: "ip=off fork=2 -- rounds 5", extra: STAY });
  await other.console.waitFor(/ready/, BOOT_TIMEOUT_MS);
  const before = await lab().run(HOST);
  {
    await using bomb = await boot(lab(), BOMB, { commandLine: "ip=off fork=5 -- 25", extra: STAY });
    await bomb.console.waitFor(/ready/, BOOT_TIMEOUT_MS);
    // What is dying (d) is no child any more: Xen keeps it until dom0's daemons have let go of its pages.
    const watching = `most=0; for i in $(seq 20); do n=$(xl list | awk '/^${bomb.name}-/ && $5 !~ /[pd]/' | wc -l); [ $n -gt $most ] && most=$n; sleep 0.3; done; echo $most`;
    const most = lab().run(watching, { timeoutMs: ANSWER_MS });
    const begun = performance.now();
    await lab().type(other.name, "\n");
    await other.console.waitFor(/rounds done: 5/, ANSWER_MS);
    const seen = Number(await most);
    assert.ok(seen >= 1 && seen <= 5, `${seen} at once\n${forkd.output.text}`);
    const counts = await outcome(bomb);
    assert.ok((counts.get("EAGAIN") ?? 0) > 0);
    assert.equal(counts.get("otherwise"), 0);
    // Grandchildren outlive it, each until it has been refused as often.
    await lab().run(`while xl list | grep -q '^${bomb.name}-'; do sleep 0.5; done`, { timeoutMs: ANSWER_MS });
    const refusals = forkd.output.text.match(/may not fork now/g)?.length ?? 0;
    assert.ok(refusals <= 2 + (performance.now() - begun) / QUIET_MS, `${refusals} lines: one for each refusal?`);
  }
  assert.equal(await lab().run(HOST), before);
  await forkd.end();
});

test("memory that a family or the host has not is refused with ENOMEM", limit, async () => {
  // Copies need as much memory as their parent has.
  await using forkd = await startForkd(lab(), { args: ["--way", "copy", "--keep-free", "16M"] });
  {
    // 4 MiB and its two children of the same size.
    await using guest = await boot(lab(), BOMB, { commandLine: "ip=off fork=8 fork-memory=13M -- 20", extra: STAY });
    const counts = await outcome(guest);
    assert.ok((counts.get("ENOMEM") ?? 0) > 0, forkd.output.text);
    assert.match(forkd.output.text, /more than 13M of memory \(fork-memory=\)/);
  }
  await forkd.end();
  const free = Number(/\d+/.exec(await lab().run("xl info | grep free_memory"))?.[0]);
  await using strict = await startForkd(lab(), { args: ["--way", "copy", "--keep-free", `${free - 2}M`] });
  await using guest = await boot(lab(), BOMB, { commandLine: "ip=off fork=8 -- 20", extra: STAY });
  const counts = await outcome(guest);
  assert.equal(counts.get("born"), 0);
  assert.ok((counts.get("ENOMEM") ?? 0) > 0, strict.output.text);
  await strict.end();
});

test("forks per second, and the children of a host", limit, async () => {
  await using forkd = await startForkd(lab(), { args: ["--children", "3"] });
  await using guest = await boot(lab(), BOMB, { commandLine: "ip=off fork=8 fork-rate=1 -- 20", extra: STAY });
  const counts = await outcome(guest);
  const most = mostChildren(forkd.output.text);
  assert.ok(most >= 1 && most <= 3, `the host allows three, not ${most}\n${forkd.output.text}`);
  assert.ok((counts.get("EAGAIN") ?? 0) > 0);
  assert.match(forkd.output.text, /1 forks per second \(fork-rate=\)|the host has 3 children \(--children\)/);
  await forkd.end();
});
