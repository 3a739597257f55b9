// npm run requirements: rows, what comments name, the table; and that docs/rfc9293.md is what it makes.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { currentDocument, DOCUMENT, readEvidence } from "../../tools/requirements/document.ts";
import { sourceMentions, testMentions, together } from "../../tools/requirements/mentions.ts";
import { parseRows } from "../../tools/requirements/rows.ts";
import { documentText, stateOf, type Evidence } from "../../tools/requirements/table.ts";

const MET = "MUST-901";
const OTHER = "SHLD-902";

test("rows are read in order, and a line that is none is refused", () => {
  const rows = parseRows(`# comment\n${MET}\tMUST\tWindow\t*  Do^1 it\n${OTHER}\tSHOULD NOT\tWindow\tNot\n`);
  assert.deepEqual(rows, [
    { id: MET, level: "MUST", feature: "Window", text: "Do it" },
    { id: OTHER, level: "SHOULD NOT", feature: "Window", text: "Not" },
  ]);
  assert.throws(() => parseRows(`${MET}\tPERHAPS\tWindow\tDo it`), { code: "REQUIREMENTS" });
});

test("sources name requirements in comments only, tests directly above them", () => {
  const source = sourceMentions("a.ts", `const x = "${OTHER}";\n/**\n * ${MET}\n */\ny(); // RFC 9293 ${MET}`);
  assert.deepEqual([...source], [[MET, [{ file: "a.ts", line: 3 }]]]);
  const shown = testMentions(
    "a.test.ts",
    `// RFC 9293 ${MET}, ${OTHER}\ntest("shows both", f);\ntest("none", f);\n// ${MET}\nconformance(\n  "one", f);\n// ${OTHER}\n\ntest("too far", f);`,
  );
  assert.deepEqual(
    [...shown].map(([id, tests]) => [id, tests.map(({ test }) => test)]),
    [
      [MET, ["shows both", "one"]],
      [OTHER, ["shows both"]],
    ],
  );
  assert.equal(together([source, shown]).get(MET)?.length, 3);
});

test("a row is met when a source names it and a test shows it", () => {
  const [row] = parseRows(`${MET}\tMUST\tWindow\tDo it`);
  assert.ok(row !== undefined);
  const place = new Map([[MET, [{ file: "libos/net/a.ts", line: 1, test: "a_test" }]]]);
  const none = new Map<string, never>();
  const evidence: Evidence = { rows: [row], sources: place, tests: place, exceptions: new Map() };
  assert.equal(stateOf(row, evidence), "met");
  assert.equal(stateOf(row, { ...evidence, tests: none }), "open");
  assert.equal(stateOf(row, { ...evidence, sources: none }), "open");
  assert.equal(stateOf({ ...row, level: "MAY" }, { ...evidence, sources: none }), "not done");
  assert.equal(stateOf(row, { ...evidence, exceptions: new Map([[MET, "why"]]) }), "on purpose not");
  assert.match(
    documentText(evidence),
    /\| MUST-901 \| MUST \| Do it \| \[`a.ts`\]\(..\/libos\/net\/a.ts\) \| \[a\\_test\]/,
  );
  assert.match(documentText({ ...evidence, tests: none }), /\*\*open\*\*/);
});

test("docs/rfc9293.md says what sources and tests say", async () => {
  const evidence = await readEvidence();
  assert.equal(await readFile(DOCUMENT, "utf8"), await currentDocument(evidence), "run npm run requirements");
  for (const id of [...evidence.sources.keys(), ...evidence.tests.keys()]) {
    if (id === MET || id === OTHER) continue;
    assert.ok(
      evidence.rows.some((row) => row.id === id),
      `${id} is no requirement of RFC 9293`,
    );
  }
});
