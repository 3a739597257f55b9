// Appliances that crash on purpose: each ends its domain as crashed, with a report that says what happened in the app and
// where, and never as a fault of the kernel.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Lab } from "../../tools/lab/lab.ts";
import { boot, useLab } from "./support.ts";

interface Crash {
  readonly app: string;
  /** What the report says happened. */
  readonly report: RegExp;
  /** A function of the app that the back trace names. */
  readonly culprit: string;
}

const CRASHES: readonly Crash[] = [
  { app: "out_of_bounds", report: /the app: store to address 0x[0-9a-f]+, out of bounds/, culprit: "storeOutOfBounds" },
  { app: "far_store", report: /the app: store to address 0x17fffffe8, out of bounds/, culprit: "storeFarAway" },
  { app: "null_pointer", report: /the app: load from address 0x4 \(null pointer\)/, culprit: "readBox" },
  { app: "stack_overflow", report: /the app: stack overflow/, culprit: "recurse" },
  {
    app: "wild_call",
    report: /the app: indirect call through an index outside the function table/,
    culprit: "callWildly",
  },
  {
    app: "wrong_signature",
    report: /the app: indirect call of a function with another signature/,
    culprit: "callWrongly",
  },
  { app: "failed_assertion", report: /count is positive at .*index\.ts:\d+:\d+/, culprit: "checkCount" },
  { app: "unreachable", report: /the app: unreachable code reached/, culprit: "arrive" },
  { app: "division", report: /the app: integer division by zero/, culprit: "divide" },
];

const REPORT_TIMEOUT_MS = 20_000;
const TEST_TIMEOUT_MS = 240_000;

const lab = useLab();

for (const { app, report, culprit } of CRASHES) {
  test(`crash: ${app}`, { timeout: TEST_TIMEOUT_MS }, async () => {
    await using guest = await boot(lab(), `test/apps/crash_${app}`, { extra: ['on_crash = "preserve"'] });
    await guest.console.waitFor(report, REPORT_TIMEOUT_MS);
    await guest.console.waitFor(new RegExp(`back trace:[^]* app:index/${culprit}\\+0x`), REPORT_TIMEOUT_MS);
    assert.match(await stateOf(lab(), guest.name), /c/);
    assert.doesNotMatch(guest.console.text, /the kernel: |while showing it|panic/);
  });
}

/** The state column of xl list, once it shows the crash. */
async function stateOf(host: Lab, name: string): Promise<string> {
  const deadline = Date.now() + REPORT_TIMEOUT_MS;
  for (;;) {
    const state = (await host.run(`xl list '${name}'`)).split("\n")[1]?.trim().split(/\s+/)[4] ?? "";
    if (state.includes("c") || Date.now() > deadline) return state;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
