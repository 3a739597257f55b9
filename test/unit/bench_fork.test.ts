// npm run bench -- fork without its measurements: what is read from consoles and tools, statistics, figures, tables, charts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { verdict } from "../../tools/bench/figures.ts";
import { FORK_FIGURES } from "../../tools/bench/fork/figures.ts";
import { svg } from "../../tools/bench/charts/draw.ts";
import { childrenChart, timesChart } from "../../tools/bench/fork/charts.ts";
import { domainMemory } from "../../tools/bench/fork/dom0_memory.ts";
import type { Cost } from "../../tools/bench/fork/instructions.ts";
import { copiesFit } from "../../tools/bench/fork/plan.ts";
import { forkFigures, type ForkResults } from "../../tools/bench/fork/results.ts";
import { spread } from "../../tools/bench/spread.ts";
import { forkSamples, spreadText, timeText, type ForkSample } from "../../tools/bench/fork/samples.ts";
import { callCount, firstInstruction, networkReady, STEPS, stepTimes } from "../../tools/bench/fork/stages.ts";
import { forkTables } from "../../tools/bench/fork/tables.ts";
import type { ForkTimes, Repeated, Times } from "../../tools/bench/fork/times.ts";
import { wayOf, WAYS } from "../../tools/bench/fork/ways.ts";

const MS = 1e6;

test("forks are read from the consoles of parent and children", () => {
  const parent = "fork 2 0 stay\r\nparent 2 1000 5000\r\nparent 3 9000 9900\r\nparent 4 9950 9960\r\ndone 3\r\n";
  const children = [
    "",
    "[    0.000004] fork: process 2, child of 1\r\nchild 2 4500\r\n",
    "[    0.000009] fork: process 3\r\nchild 3 9700\r\n[    0.000020] net: connected to domain 0, address 00:16:3e:00:00:01\r\n",
  ];
  assert.deepEqual(forkSamples(parent, children), [
    { pid: 2, called: 1000, parent: 4000, child: 3500 },
    { pid: 3, called: 9000, parent: 900, child: 700, network: 11_000 },
  ]);
});

test("stage times come along when both sides tell them", () => {
  const stages = Array.from({ length: 32 }, (_, index) => index * 10);
  const [sample] = forkSamples(`parent 2 0 60 stages ${stages.join(" ")}\n`, [
    `child 2 70 stages ${stages.map((time) => time + 1).join(" ")}\n`,
  ]);
  assert.deepEqual(sample?.stages, { parent: stages, child: stages.map((time) => time + 1) });
  const [without] = forkSamples(`parent 2 0 60 stages ${stages.join(" ")}\n`, ["child 2 70\n"]);
  assert.equal(without?.stages, undefined);
});

/** A fork with stage times, in ns; its call at 1 ms of the family's clock. */
function staged(way: number): ForkSample {
  const [called, parent, child] = [1 * MS, Array<number>(32).fill(0), Array<number>(32).fill(0)];
  [1, 1.1, 1.3, 1.4, 4, 4.2].forEach((time, stage) => (parent[stage] = time * MS));
  [0.2, 0.3, 0.8, 0, 1.5].forEach((time, index) => (parent[16 + index] = time * MS));
  [parent[24], parent[28]] = [way, 3];
  [4.1, 4.9, 5].forEach((time, index) => (child[8 + index] = time * MS));
  child[11] = 20 * MS;
  return { pid: 2, called, parent: 3.2 * MS, child: 4 * MS, stages: { parent, child } };
}

test("the steps of a fork add up to its time", () => {
  const sample = staged(3);
  const steps = stepTimes(sample);
  assert.ok(steps);
  assert.deepEqual(Object.keys(steps), [...STEPS]);
  const sum = Object.values(steps).reduce((all, time) => all + time, 0);
  assert.ok(Math.abs(sum - 4 * MS) < 1);
  assert.ok(Math.abs(steps["pages copied"] - 0.5 * MS) < 1);
  assert.equal(steps["entries patched"], 0, "a stage that was passed over takes no time");
  assert.ok(Math.abs(steps["event and wake-up"] - 1.2 * MS) < 1);
  assert.equal(Math.round(firstInstruction(sample)), 3.1 * MS);
  assert.equal(networkReady(sample), 19 * MS);
  assert.equal(callCount(sample), 3);
});

test("without stage times the child's return stands for its first instruction", () => {
  const sample = { pid: 2, called: 1, parent: 2, child: 3 };
  assert.equal(firstInstruction(sample), 3);
  assert.equal(stepTimes(sample), undefined);
  assert.equal(networkReady(sample), undefined);
});

test("a spread is the middle and the ends", () => {
  assert.deepEqual(spread([5, 1, 3]), { median: 3, least: 1, most: 5, count: 3 });
  assert.deepEqual(spread([4, 2]), { median: 3, least: 2, most: 4, count: 2 });
  assert.ok(Number.isNaN(spread([]).median));
});

test("times are written with their unit and three digits", () => {
  assert.deepEqual([950, 1234, 1.2345e6, 123.4e6, 1.5e9].map(timeText), [
    "950 ns",
    "1.23 µs",
    "1.23 ms",
    "123 ms",
    "1.5 s",
  ]);
  assert.equal(spreadText(spread([1.1 * MS, 1.2 * MS, 12 * MS])), "1.2 ms (1.1–12)");
  assert.equal(spreadText(spread([0.9 * MS, 1.2 * MS, 2 * MS])), "1.2 ms (0.9–2)");
});

test("ways go by number and name", () => {
  assert.deepEqual([1, 2, 3, 4, undefined].map(wayOf), ["copy", "share", "pool", undefined, undefined]);
});

test("copies fit while there is memory for all of them", () => {
  assert.ok(copiesFit(8, 50, 876));
  assert.ok(!copiesFit(32, 50, 876));
  assert.ok(!copiesFit(128, 10, 876));
});

test("xentop tells the memory of each domain", () => {
  const text = [
    "         NAME  STATE   CPU(sec) CPU(%)     MEM(k) MEM(%)  MAXMEM(k) MAXMEM(%) VCPUS",
    "     Domain-0 -----r         31    0.0     655360   41.7     655360      41.7     1",
    "forkbench1-10 ----p-          0    0.0        432    0.0    1081344      68.8     1",
  ].join("\n");
  assert.deepEqual(
    [...domainMemory(text)],
    [
      ["Domain-0", 655_360],
      ["forkbench1-10", 432],
    ],
  );
  assert.throws(() => domainMemory("no such program"), /xentop/);
});

function times(change: Partial<ForkTimes> = {}): Times {
  const forks = WAYS.flatMap((way, index) =>
    [8, 32, 128].flatMap((memory) =>
      [1, 10].map((existing): ForkTimes => ({
        ...{ way, memory, existing, network: false, otherWay: 0 },
        samples: [staged(index + 1), staged(index + 1)],
        ...(way === "pool" ? change : {}),
      })),
    ),
  );
  const other = (what: Repeated["what"], memory: number, ms: number): Repeated => ({
    ...{ what, memory },
    times: [ms * MS, 1.2 * ms * MS, 0.9 * ms * MS],
  });
  const others = [
    ...[8, 32, 128].flatMap((memory) => [other("create", memory, 1000), other("save-restore", memory, 3000)]),
    ...[other("linux", 1, 1), other("linux", 64, 30), other("create-network", 8, 2000)],
  ];
  return { forks, others, free: 876 };
}

function results(change: Partial<ForkTimes> = {}): ForkResults {
  const costs = [1, 64].flatMap((heap) => [
    ...WAYS.map((who): Cost => ({ who, heap, fork: 50_000, whole: 90_000, xen: 40_000, elsewhere: 9e6 })),
    { who: "linux", heap, whole: heap === 1 ? 1e6 : 22e6, xen: 5e5, elsewhere: 100 } as const,
  ]);
  const each = { children: 40, own: 432, xen: 700, dom0: 200, forkd: 90, xenstored: 10, xenconsoled: 9 };
  const idle = [
    { way: "pool", ...each },
    { way: "copy", ...each, own: 16_384 },
  ] as const;
  const density = {
    memory: 16,
    free: 876,
    created: 50,
    parents: 12,
    children: 750,
    ended: "the host's memory is used up",
  };
  return { times: times(change), costs, memory: { idle, density } };
}

test("every figure of fork is worked out, and held against its target", () => {
  const figures = forkFigures(results());
  const definitions = FORK_FIGURES;
  for (const definition of definitions) assert.ok(figures.has(definition.name), definition.name);
  const verdicts = Object.fromEntries(definitions.map((each) => [each.name, verdict(each, figures.get(each.name))]));
  assert.equal(verdicts["fork-pool-8"], "met");
  assert.equal(verdicts["fork-calls"], "met");
  assert.equal(verdicts["fork-instructions-1"], "met");
  assert.equal(verdicts["fork-memory"], "met");
  assert.equal(verdicts["fork-dom0"], "met");
  assert.equal(verdicts["fork-density"], "no target");
});

test("there is no ratio of what failed", () => {
  const failed = forkFigures(results({ samples: [], missing: "a fork came to nothing" }));
  assert.match(String(failed.get("fork-pool-8")), /a fork came to nothing/);
  assert.match(String(failed.get("fork-flat")), /a fork came to nothing/);
  assert.ok(!(failed.get("fork-copy-8") instanceof Error));
  assert.match(String(forkFigures(results({ otherWay: 2 })).get("fork-pool-32")), /in another way/);
  const without = forkFigures({ ...results(), times: new Error("no lab"), memory: new Error("no memory") });
  assert.match(String(without.get("fork-copy-8")), /no lab/);
  assert.match(String(without.get("fork-density")), /no memory/);
  assert.ok(!(without.get("fork-instructions-1") instanceof Error));
});

test("the tables fit 80 columns, whatever has failed", () => {
  const some = [
    results(),
    results({ samples: [], missing: "something very long went wrong in the lab, and it tells at length of it" }),
    { ...results(), costs: [{ who: "pool", heap: 1, missing: "no lab" } as const] },
  ];
  for (const each of some) {
    const lines = forkTables(each).split("\n");
    assert.deepEqual(
      lines.filter((line) => line.length > 80),
      [],
    );
  }
  assert.equal(forkTables({ times: new Error(), costs: new Error(), memory: new Error() }), "");
});

test("charts are drawn, with medians as they are", async () => {
  for (const chart of [timesChart(times()), childrenChart(times())]) {
    const text = await svg(chart);
    assert.match(text, /^<svg /);
    assert.match(text, /copy-on-write/);
    assert.doesNotMatch(text, /NaN/);
  }
});
