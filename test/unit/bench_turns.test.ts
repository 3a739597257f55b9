// npm run bench: taking turns with guests that are not there, what ab says, and the marks of a boot.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Side } from "../../tools/bench/comparison.ts";
import { percentiles, wrongAnswers } from "../../tools/bench/http/client.ts";
import { inTurns, type Trial } from "../../tools/bench/turns.ts";
import { readMarks, setMarks } from "../../tools/lab/count/marks.ts";

interface FakeGuest extends AsyncDisposable {
  readonly side: Side;
}

/** Takes turns with guests that only say who they are; what happened, in order. */
async function turns(trials: readonly Trial<FakeGuest>[]) {
  const log: string[] = [];
  const boot = (side: Side): Promise<FakeGuest> => {
    log.push(`${side} boots`);
    return Promise.resolve({
      side,
      [Symbol.asyncDispose]: () => {
        log.push(`${side} ends`);
        return Promise.resolve();
      },
    });
  };
  const results = await inTurns({ title: "test", boot, trials, rounds: 2, repetitions: 3, text: String });
  return { log, results };
}

test("sides take turns, each in a guest that ends before the next one boots", async () => {
  let calls = 0;
  const trial: Trial<FakeGuest> = {
    title: "one",
    figures: ["quick", "slow"],
    measure: ({ side }) => {
      calls += 1;
      return Promise.resolve(side === "karyon" ? { quick: 1, slow: 10 } : { quick: 4, slow: 40 + calls });
    },
  };
  const { log, results } = await turns([trial]);
  const round = ["karyon boots", "karyon ends", "linux boots", "linux ends"];
  assert.deepEqual(log, [...round, ...round]);
  assert.equal(calls, 12);
  const quick = results.get("quick");
  assert.ok(quick !== undefined && !(quick instanceof Error));
  assert.equal(quick.value, 1 / 4);
  assert.deepEqual(quick.sides, { karyon: [1, 1, 1, 1, 1, 1], linux: [4, 4, 4, 4, 4, 4] });
  const slow = results.get("slow");
  assert.ok(slow !== undefined && !(slow instanceof Error));
  assert.deepEqual(slow.range, [10 / 52, 10 / 44]);
});

test("there is no ratio when one side fails, and the others are measured all the same", async () => {
  const failing: Trial<FakeGuest> = {
    title: "fails",
    figures: ["failing"],
    measure: ({ side }) => (side === "linux" ? Promise.reject(new Error("503")) : Promise.resolve({ failing: 1 })),
  };
  const sound: Trial<FakeGuest> = {
    title: "sound",
    figures: ["sound"],
    measure: ({ side }) => Promise.resolve({ sound: side === "linux" ? 2 : 1 }),
  };
  const { results } = await turns([failing, sound]);
  assert.match(String(results.get("failing")), /503/);
  const result = results.get("sound");
  assert.ok(result !== undefined && !(result instanceof Error));
  assert.equal(result.value, 0.5);
});

test("percentiles are read as ab writes them, and nothing else is", () => {
  const rows = Array.from({ length: 100 }, (_, i) => `${i},${(i * 0.5).toFixed(3)}`);
  const times = percentiles(["Percentage served,Time in ms", ...rows, ""].join("\n"));
  assert.deepEqual([times[0], times[50], times[99]], [0, 25, 49.5]);
  assert.throws(() => percentiles("Percentage served,Time in ms\n0,1\n"), { code: "BENCH_FAILED" });
  assert.throws(() => percentiles(["head", ...rows.slice(1), "99,soon"].join("\n")), { code: "BENCH_FAILED" });
});

test("a load for some seconds counts only when there was an answer at all", () => {
  const report = (count: number): string =>
    `Document Length: 612 bytes\nComplete requests: ${count}\nFailed requests: 0\nKeep-Alive requests: ${count}\n`;
  assert.equal(wrongAnswers(report(4711), { keepAlive: true, length: 612 }), undefined);
  assert.match(wrongAnswers(report(0), { keepAlive: true, length: 612 }) ?? "", /Complete requests: 0, not 1/);
});

test("marks are written for the plugin, and what it found is read", async () => {
  const folder = await mkdtemp(join(tmpdir(), "karyon-marks-"));
  try {
    const file = join(folder, "marks");
    await writeFile(file, Buffer.alloc(8 * 24, 0xff));
    const marks = [
      { name: "main", from: 0x1000n, to: 0x1001n },
      { name: "process", from: 0n, to: 1n << 47n },
    ];
    await setMarks(file, marks);
    const bytes = await readFile(file);
    assert.equal(bytes.readBigUInt64LE(24 + 8), 1n << 47n);
    assert.ok(
      bytes.subarray(48).every((byte) => byte === 0),
      "earlier marks are gone",
    );
    assert.deepEqual(await readMarks(file, marks), [0, 0]);
    bytes.writeBigUInt64LE(1_350_000n, 16);
    await writeFile(file, bytes);
    assert.deepEqual(await readMarks(file, marks), [1_350_000, 0]);
    const many = Array.from({ length: 9 }, (_, i) => ({ name: String(i), from: 0n, to: 1n }));
    await assert.rejects(setMarks(file, many), { code: "MARKS" });
  } finally {
    await rm(folder, { recursive: true });
  }
});
