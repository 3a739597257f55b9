// npm run bench without its measurements: verdicts, how values are written, the table's width, the JSON file, the search.
import assert from "node:assert/strict";
import { execa } from "execa";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  commandOf,
  countText,
  valueText,
  verdict,
  type Definition,
  type Measurement,
} from "../../tools/bench/figures.ts";
import { changes, changesText } from "../../tools/bench/report/compare.ts";
import { compared } from "../../tools/bench/comparison.ts";
import { wrongAnswers } from "../../tools/bench/http/client.ts";
import { readReport, report } from "../../tools/bench/report/report.ts";
import { DEFINITIONS, PART_NAMES } from "../../tools/bench/parts.ts";
import { leastThat } from "../../tools/bench/search.ts";
import { tableText } from "../../tools/bench/report/table.ts";
import { drift } from "../../tools/bench/soak/soak.ts";

const MAIN = fileURLToPath(new URL("../../tools/bench/main.ts", import.meta.url));
const limit = { timeout: 60_000 };

const size: Definition = { name: "size", title: "an image", part: "size", unit: "kB", target: 120 };
const request: Definition = { name: "request", title: "a request", part: "http", unit: "ratio" };

test("a target is the most that is accepted", () => {
  assert.equal(verdict(size, { value: 120 }), "met");
  assert.equal(verdict(size, { value: 120.001 }), "missed");
  assert.equal(verdict(size, undefined), "not measured");
  assert.equal(verdict(size, new Error("no compiler")), "failed");
  assert.equal(verdict(request, { value: 1e9 }), "no target");
});

test("values are written with their unit and three digits", () => {
  assert.equal(valueText(254.696, "kB"), "255 kB");
  assert.equal(valueText(4, "MiB"), "4 MiB");
  assert.equal(valueText(3.14159, "s"), "3.14 s");
  assert.equal(valueText(1.87e6 / 2.99e9, "ratio"), "1/1599");
  assert.equal(valueText(1 / 200, "ratio"), "1/200");
  assert.equal(valueText(1 / 4.5433, "ratio"), "1/4.54");
  assert.equal(valueText(1.5, "ratio"), "1.50");
});

test("instruction counts are written with three digits", () => {
  assert.deepEqual([999, 16_943, 1_703_536, 2_986_761_349].map(countText), ["999", "16.9 k", "1.70 M", "2.99 G"]);
});

test("drift is the median of the last tenth by that of the first", () => {
  const rounds = (first: number, last: number): number[] => [first, first, 9000, ...Array(24).fill(100), last, last, 1];
  assert.equal(drift(rounds(100, 100)).value, 1);
  assert.equal(drift(rounds(100, 150)).value, 1.5);
  assert.equal(drift([200, 100]).value, 0.5);
});

test("every figure has a name of its own, and a command that shows it", () => {
  assert.equal(new Set(DEFINITIONS.map(({ name }) => name)).size, DEFINITIONS.length);
  for (const part of PART_NAMES) assert.ok(DEFINITIONS.some((definition) => definition.part === part));
  assert.equal(commandOf(size), "npm run bench -- size");
});

test("the table fits 80 columns, whatever the figures are", () => {
  const limit = "the domain builder needs more than that for its first mapping ".repeat(3).trim();
  const long: Measurement = { value: 123_456_789, made: "123 G of 456 G", limit };
  const lines = tableText(DEFINITIONS, new Map(DEFINITIONS.map(({ name }) => [name, long])), false).split("\n");
  assert.ok(Math.max(...lines.map((line) => line.length)) <= 80);
  for (const { title } of DEFINITIONS) assert.ok(lines.some((line) => line.includes(title.slice(0, 12))));
});

test("the table says what was measured, what not, and why", () => {
  const results = new Map<string, Measurement | Error>([
    ["size-hello", { value: 165, limit: "too much in it" }],
    ["size-httpd", { value: 255 }],
    ["build", new Error("no compiler")],
  ]);
  const text = tableText(DEFINITIONS, results, false);
  const row = (title: string): string => text.split("\n").find((line) => line.includes(title)) ?? "";
  assert.match(row("image of hello"), /165 kB +│ ≤ 120 kB +│ missed +│ size/);
  assert.match(row("image of httpd"), /255 kB +│ ≤ 300 kB +│ met /);
  assert.match(row("npm test"), /– +│ ≤ 600 s +│ not measured +│ tests/);
  assert.match(text, /\nimage of hello, stripped: too much in it\n/);
  assert.match(text, /\nimage build of a changed app, warm: no compiler$/);
});

test("the JSON file holds the same figures with their raw numbers", () => {
  const results = new Map<string, Measurement | Error>([
    ["size", { value: 165, raw: { bytes: 165_000 } }],
    ["request", new Error("no answer")],
  ]);
  const machine = { processor: "any", cores: 2, load: 0.5 };
  const about = { date: "2026-11-21T03:00:00.000Z", machine, versions: { node: "v20" } };
  assert.deepEqual(JSON.parse(JSON.stringify(report([size, request], results, about))), {
    ...about,
    figures: [
      { ...size, value: 165, raw: { bytes: 165_000 }, verdict: "missed" },
      { ...request, error: "no answer", verdict: "failed" },
    ],
  });
});

test("a comparison tells how far its repetitions let it range", () => {
  const { value, range, made } = compared({ karyon: [10, 12, 11], linux: [40, 44] });
  assert.equal(value, 11 / 42);
  assert.deepEqual(range, [10 / 44, 12 / 40]);
  assert.equal(made, "11 of 42");
  const text = tableText([request], new Map([["request", { value, range: range ?? [0, 0] }]]), false);
  assert.match(text, /1\/3\.82/);
  assert.match(text, /1\/4\.4 – 1\/3\.33/);
});

test("an HTTP load counts only when every answer was right", () => {
  const load = { requests: 500, keepAlive: true, length: 612 };
  const report = [
    "Document Length:        612 bytes",
    "Concurrency Level:      1",
    "Complete requests:      500",
    "Failed requests:        0",
    "Keep-Alive requests:    500",
  ].join("\n");
  assert.equal(wrongAnswers(report, load), undefined);
  assert.match(wrongAnswers(report, { ...load, requests: 501 }) ?? "", /Complete requests: 500, not 501/);
  assert.match(wrongAnswers(report.replace("requests:        0", "requests:        3"), load) ?? "", /Failed/);
  assert.match(wrongAnswers(`${report}\nNon-2xx responses:      500`, load) ?? "", /Non-2xx responses: 500/);
  assert.match(wrongAnswers(report.replace("612", "613"), load) ?? "", /Document Length: 613, not 612/);
  assert.match(wrongAnswers(report, { ...load, keepAlive: false }) ?? "", /Keep-Alive requests: 500, not 0/);
  assert.equal(wrongAnswers(report.replace("612", "613"), { requests: 500, keepAlive: true }), undefined);
  assert.match(wrongAnswers("", load) ?? "", /Complete requests: 0/);
});

test("a run beside an earlier one: worse and better are what the repetitions do not explain", async () => {
  const definitions = ["a", "b", "c", "d", "e"].map((name): Definition => ({ ...size, name }));
  const earlier = {
    date: "2026-11-20",
    figures: [
      { name: "a", value: 100 },
      { name: "b", value: 100 },
      { name: "c", value: 100, range: [90, 130] as [number, number] },
      { name: "d", value: 100 },
      { name: "gone", value: 1 },
    ],
  };
  const results = new Map<string, Measurement | Error>([
    ["a", { value: 101 }],
    ["b", { value: 110 }],
    ["c", { value: 125, range: [120, 140] }],
    ["d", { value: 80 }],
    ["e", { value: 5 }],
  ]);
  const found = changes(earlier, definitions, results);
  assert.deepEqual(
    found.map(({ definition, judgement }) => [definition.name, judgement]),
    [
      ["a", "same"],
      ["b", "worse"],
      ["c", "same"],
      ["d", "better"],
    ],
  );
  const text = changesText(found, earlier.date);
  assert.match(text, /2026-11-20:\nworse +b +100 kB +110 kB +\+10\.0 %\nbetter +d .*-20\.0 %/);
  assert.ok(text.split("\n").every((line) => line.length <= 80));
  await assert.rejects(readReport("package.json"), { code: "BENCH_REPORT" });
});

test("the search finds the least that holds, with few trials", async () => {
  for (let least = 1; least <= 17; least++) {
    let trials = 0;
    const found = await leastThat(1, 16, async (candidate) => {
      trials += 1;
      return candidate >= least;
    });
    assert.equal(found, least <= 16 ? least : undefined);
    assert.ok(trials <= 5, `${trials} trials`);
  }
});

test("--help names every part, and an unknown part is a usage error", limit, async () => {
  const run = (...args: string[]) => execa("node", ["--import", "tsx", MAIN, ...args], { reject: false });
  const help = await run("--help");
  assert.equal(help.exitCode, 0);
  const lines = new Set(help.stdout.split("\n").map((line) => line.trim().replace(/ +/, " ")));
  for (const { part, title } of DEFINITIONS) assert.ok(lines.has(`${part} ${title}`), title);
  const wrong = await run("speed");
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /speed/);
});
