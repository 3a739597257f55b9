// npm run posix: that docs/posix.md is what it makes, that there is evidence for all system calls, and that a run shows what it says.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { access, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { repositoryPath } from "../../tools/image/paths.ts";
import { currentDocument, DOCUMENT } from "../../tools/posix/document.ts";
import { collectEvidence, evidenceText, parseEvidence, readEvidence } from "../../tools/posix/evidence.ts";
import { readModules, usedFunctions } from "../../tools/posix/modules.ts";
import { readCalls, readHeaders } from "../../tools/posix/surface.ts";

/** Test files that are run here to see what they show. */
const SAMPLES = ["test/fake/wait.test.ts", "test/unit/posix/eventfd.test.ts"];

test("docs/posix.md is what sources and evidence make", async () => {
  // Not equal(), which would show all of both.
  assert.ok((await readFile(DOCUMENT, "utf8")) === (await currentDocument()), "it is not: npm run posix makes it anew");
});

test("tests have made every system call that the API declares, and the files are there", async () => {
  const evidence = await readEvidence();
  assert.deepEqual([...evidence.keys()].sort(), await readCalls());
  const files = new Set([...evidence.values()].flatMap(({ tests }) => tests));
  await Promise.all([...files].map((file) => access(repositoryPath(file))));
});

test("what test files show when they are run is what the evidence says of them", { timeout: 400_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "karyon-calls-"));
  try {
    // Without the variable by which it would report to the runner that runs this test.
    const env = { ...process.env, KARYON_CALLS: folder, NODE_TEST_CONTEXT: undefined };
    for (const file of SAMPLES) {
      await promisify(execFile)(process.execPath, ["--import", "tsx", repositoryPath(file)], {
        env,
        cwd: repositoryPath(),
      });
    }
    const seen = await collectEvidence(folder);
    const known = await readEvidence();
    assert.ok(seen.size >= 10);
    for (const [call, { state, errors, tests }] of seen) {
      const whole = known.get(call);
      assert.ok(whole !== undefined, call);
      assert.ok(state !== "succeeds" || whole.state === "succeeds", call);
      for (const error of errors) assert.ok(whole.errors.includes(error), `${call} ${error}`);
      for (const file of tests) assert.ok(SAMPLES.includes(file) && whole.tests.includes(file), `${call} in ${file}`);
    }
    for (const [call, { tests }] of known) {
      for (const file of tests.filter((each) => SAMPLES.includes(each))) {
        assert.ok(seen.get(call)?.tests.includes(file), `${call} in ${file}`);
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

test("evidence survives being written and read; a line that is none is refused", () => {
  const evidence = new Map([
    ["close", { state: "succeeds", errors: ["EBADF", "EIO"], tests: ["test/a.test.ts", "test/b.test.ts"] }],
    ["exit", { state: "does not return", errors: [], tests: ["test/a.test.ts"] }],
  ] as const);
  assert.deepEqual([...parseEvidence(evidenceText(evidence))], [...evidence]);
  assert.throws(() => parseEvidence("close\tperhaps\tEBADF\ttest/a.test.ts\n"), { code: "POSIX_EVIDENCE" });
});

test("functions are read with what they call by way of others, and their first sentence", async () => {
  const headers = await readHeaders();
  const functions = new Map(headers.flatMap((header) => header.functions).map((each) => [each.name, each]));
  assert.deepEqual(functions.get("pipe")?.calls, ["pipe"]);
  assert.deepEqual(functions.get("htons")?.calls, []);
  assert.equal(functions.get("getuid")?.summary, "The user that the process runs as: 0, root.");
  assert.equal(functions.has("appendAbort"), false);
});

test("an app uses what the modules that it imports use, by functions and methods that it names", async () => {
  const modules = await readModules();
  const used = (text: string): readonly string[] => [...usedFunctions(modules, "apps/any/index.ts", text)].sort();
  assert.deepEqual(used('import { puts as say } from "karyon";\nsay("x");'), ["puts"]);
  assert.ok(used('import { mkdir } from "karyon/fs";').includes("mkdir"));
  assert.ok(!used('import { mkdir } from "karyon/fs";').includes("unlink"));
  assert.ok(used('import { stat } from "karyon/fs";').includes("stat"), "by another name");
  assert.ok(used('import { readTextFile } from "karyon/fs";').includes("readTextFile"), "passed on");
  const connects = 'import { Connection, connect } from "karyon/net";';
  assert.ok(used(connects).includes("connect"));
  assert.ok(!used(connects).includes("shutdown"));
  assert.ok(used(`${connects}\nfunction f(c: Connection): void {\n  c.end();\n}`).includes("shutdown"));
  assert.deepEqual(used('import { end } from "./own";\nend();'), []);
});
