// TCP and IP seen from outside: raw frames to a guest, and what must come of them (tools/conformance).
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { allCases } from "../../tools/conformance/cases/all.ts";
import { openBench, type Bench } from "../../tools/conformance/run.ts";
import { START_TIMEOUT_MS } from "./support.ts";

const CASE_TIMEOUT_MS = 60_000;
let bench: Bench | undefined;

before(
  async () => {
    bench = await openBench("karyon");
  },
  { timeout: START_TIMEOUT_MS },
);
after(() => bench?.[Symbol.asyncDispose]());

for (const one of allCases())
  test(one.name, { timeout: CASE_TIMEOUT_MS }, async () => {
    assert.ok(bench !== undefined);
    await bench.run(one);
  });
