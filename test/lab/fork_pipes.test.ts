// Pipes between the members of a family on real Xen: test/apps/shared_pipes below a forkd.
import assert from "node:assert/strict";
import { test } from "node:test";
import { familyAlone, familyPassed } from "./family_support.ts";
import { startForkd, type Forkd } from "./forkd_support.ts";
import { hostChanges, restingHostState } from "./host_state.ts";
import { boot, useLab, type Guest } from "./support.ts";

const APP = "test/apps/shared_pipes";
const TIMEOUT_MS = 900_000;
const PART_MS = 240_000;
const STAY = ['on_poweroff = "preserve"', 'on_crash = "preserve"'];
const CASES = [
  "directions",
  "before",
  "writers",
  "relatives",
  "no-reader",
  "polling",
  "pair",
  "unix",
  "crash",
  "many",
  "disorder",
];

const lab = useLab();

function bootPipes(cases: string): Promise<Guest> {
  return boot(lab(), APP, { extra: STAY, commandLine: `ip=off fork=8 -- ${cases}` });
}

async function runPipes(forkd: Forkd, cases: string): Promise<void> {
  await using guest = await bootPipes(cases);
  await familyPassed(forkd, guest, PART_MS);
}

test("pipes between processes", { timeout: TIMEOUT_MS }, async (t) => {
  await using forkd = await startForkd(lab());
  for (const name of CASES) await t.test(name, { timeout: PART_MS }, () => runPipes(forkd, name));
  await t.test("a writer that xl destroys has closed its end", { timeout: PART_MS }, async () => {
    await using guest = await bootPipes("destroyed");
    const [, pid] = await guest.console.waitFor(/destroy (\d+)/, PART_MS);
    await lab().run(`xl destroy ${guest.name}-${pid}`);
    await familyPassed(forkd, guest, PART_MS);
  });
  await forkd.end();
});

test("where memory is copied, each process has a pipe of its own", { timeout: TIMEOUT_MS }, async () => {
  await using forkd = await startForkd(lab(), { args: ["--way", "copy"] });
  await runPipes(forkd, "cut");
  await forkd.end();
});

test("pipes leave no memory behind", { timeout: TIMEOUT_MS }, async () => {
  await using forkd = await startForkd(lab());
  const cases = "directions relatives many crash unix";
  await runPipes(forkd, cases); // what comes with the first family and stays
  const before = await restingHostState(lab(), forkd);
  await runPipes(forkd, cases);
  {
    await using guest = await bootPipes("destroyed");
    const [, pid] = await guest.console.waitFor(/destroy (\d+)/, PART_MS);
    await lab().run(`xl destroy ${guest.name}; xl destroy ${guest.name}-${pid}`);
    await familyAlone(guest);
  }
  assert.deepEqual(await hostChanges(lab(), before, forkd), []);
  await forkd.end();
});
