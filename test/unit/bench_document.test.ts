// npm run bench -- document: runs put together, places filled, charts drawn; and that what is in docs is what it makes.
import assert from "node:assert/strict";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { drawCharts } from "../../tools/bench/charts/charts.ts";
import { collect } from "../../tools/bench/document/collect.ts";
import { DOCUMENT, documentText, FIGURES_FILE, readmeText } from "../../tools/bench/document/document.ts";
import { fill } from "../../tools/bench/document/fill.ts";
import { fillReadme } from "../../tools/bench/document/readme.ts";
import { readReport, type Report, type ReportFigure } from "../../tools/bench/report/report.ts";
import { repositoryPath } from "../../tools/image/paths.ts";

function run(date: string, commit: string, ...figures: ReportFigure[]): Report {
  const machine = { processor: "a processor", cores: 2, load: 0 };
  return { date, machine, versions: { karyon: commit, nginx: "1.22" }, figures };
}

const EARLY = run(
  "2026-01-01T00:00:00.000Z",
  "aaaa",
  { name: "boot", value: 0.5, made: "1 of 2" },
  { name: "size-hello", value: 100 },
);
const LATE = run("2026-02-01T00:00:00.000Z", "bbbb", { name: "boot", value: 1 / 800, made: "1 of 800" });
const FAILED = run("2026-03-01T00:00:00.000Z", "cccc", { name: "boot", error: "no answer" });

test("of each figure the newest that was measured is told, with its own date and commit", () => {
  const { figures, date } = collect([LATE, FAILED, EARLY]);
  assert.equal(date, FAILED.date);
  assert.deepEqual(
    figures.map(({ name, value, date, commit }) => [name, value, date.slice(0, 7), commit]),
    [
      ["size-hello", 100, "2026-01", "aaaa"],
      ["boot", 1 / 800, "2026-02", "bbbb"],
    ],
  );
  const again = collect([collect([EARLY, LATE]), FAILED]);
  assert.deepEqual(again.figures, figures, "a collection keeps the dates of what it holds");
});

test("places of a template are filled, and one of no kind is an error", () => {
  const collection = collect([EARLY, LATE]);
  const filled = (text: string): string => fill(text, collection, new Set(["boot"]));
  assert.equal(filled("{{value boot}}, {{made boot}}, {{value density}}"), "1/800, 1 of 800, not measured");
  assert.equal(filled("{{chart boot | Stages}}{{chart http | Loads}}"), "![Stages](images/bench-boot.svg)");
  assert.match(filled("{{table boot}}"), /\| 1\/800 \| .* \| 1 of 800 \| ≤ 1\/500 \| met \| 2026-02-01, bbbb \|/);
  assert.match(filled("{{versions}} {{date}}"), /karyon bbbb, nginx 1.22 2026-02-01/);
  for (const wrong of ["{{value speed}}", "{{table speed}}", "{{speed}}"]) {
    assert.throws(() => filled(wrong), { code: "BENCH_TEMPLATE" });
  }
});

test("README's table lies between its comments, and nothing else of it changes", () => {
  const [begin, end] = ["<!-- figures, by npm run bench -- document -->", "<!-- end of figures -->"];
  const readme = `before\n${begin}\nold\n${end}\nafter\n`;
  const filled = fillReadme(readme, collect([EARLY, LATE]));
  assert.match(filled, /^before\n/);
  assert.match(filled, /\nafter\n$/);
  assert.doesNotMatch(filled, /old/);
  assert.match(filled, /Linux : Karyon; ten at once \| 800 : 1 · not measured \| `boot` \|/);
  assert.throws(() => fillReadme("no place", collect([EARLY])), { code: "BENCH_TEMPLATE" });
});

test("every chart of the report in docs is drawn, and is an SVG with its text", async () => {
  const report = await readReport(FIGURES_FILE);
  const folder = await mkdtemp(join(tmpdir(), "karyon-charts-"));
  try {
    const files = await drawCharts(new Map(report.figures.map((figure) => [figure.name, figure])), folder);
    assert.ok(files.length > 0);
    for (const file of files) {
      const text = await readFile(file, "utf8");
      assert.match(text, /^<svg [^]*<text [^]*<\/svg>\n$/);
      assert.doesNotMatch(text, /NaN|undefined/, basename(file));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("docs/benchmarks.md and README's table are what docs/benchmarks.json tells", async () => {
  const collection = collect([await readReport(FIGURES_FILE)]);
  const images = await readdir(repositoryPath("docs/images"));
  const charts = images.flatMap((name) => /^bench-(\w+)\.svg$/.exec(name)?.[1] ?? []);
  assert.equal(await readFile(DOCUMENT, "utf8"), await documentText(collection, new Set(charts)));
  assert.equal(await readFile(repositoryPath("README.md"), "utf8"), await readmeText(collection));
});
