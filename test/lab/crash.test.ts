// Appliances that crash on purpose: each ends its domain as crashed, with a report that says what happened in the app and
// where, and never as a fault of the kernel.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Lab } from "../../tools/lab/lab.ts";
import { buildImage } from "../../tools/image/build.ts";

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
const BUILD_TIMEOUT_MS = 240_000;

let lab: Lab;

before(async () => {
  lab = await Lab.start();
});

after(async () => {
  await lab.stop();
});

for (const { app, report, culprit } of CRASHES) {
  test(`crash: ${app}`, { timeout: BUILD_TIMEOUT_MS }, async () => {
    const image = await buildImage(`test/apps/crash_${app}`);
    const { name } = await lab.create(image.cfg, { extra: ['on_crash = "preserve"'] });
    using console = lab.console(name);
    await console.waitFor(report, REPORT_TIMEOUT_MS);
    await console.waitFor(new RegExp(`${culprit}\\b`), REPORT_TIMEOUT_MS);
    await console.waitFor(/index\/main\b/, REPORT_TIMEOUT_MS);
    assert.doesNotMatch(console.text, /the kernel: |panic/);
    assert.match(await crashedState(name), /^..-*c/);
    await lab.run(`xl destroy ${name}`);
  });
}

/** The state column of xl list once it shows the crash: r, b, p, s, c, d or a hyphen each. */
async function crashedState(name: string): Promise<string> {
  const deadline = Date.now() + REPORT_TIMEOUT_MS;
  for (;;) {
    const state = (await lab.run(`xl list ${name}`)).split("\n")[1]?.trim().split(/\s+/)[4] ?? "";
    if (state.includes("c") || Date.now() > deadline) return state;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
