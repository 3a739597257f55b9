// Programs and what is specified of them (suite.ts): one of this folder, and those of the WASI test suite, from a folder that the environment names:
// KARYON_WASI_TESTSUITE=<folder> npm test -- fake/wasi/testsuite
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { fakeKernel } from "../../support/fake.ts";
import { compileProgram } from "./runner.ts";
import { findSuites, parseSpecification, runCase } from "./suite.ts";

const given = process.env["KARYON_WASI_TESTSUITE"];
const kernel = await fakeKernel();
const program = await compileProgram("specified.c");

/** A folder like one of the suite's, with specified.c in it. */
async function ownFolder(context: TestContext, specification: object): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "karyon-wasi-suite-"));
  context.after(() => rm(folder, { recursive: true }));
  await mkdir(path.join(folder, "tests/root/folder"), { recursive: true });
  await mkdir(path.join(folder, "tests/data"));
  const files = {
    "manifest.json": JSON.stringify({ name: "own", version: "wasm32-wasip1" }),
    "specified.json": JSON.stringify(specification),
    "root/folder/greeting": "hello",
    "data/file": "world",
    "specified.wasm": program,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(path.join(folder, "tests", name), text);
  return folder;
}

/** What is wrong in the only case of the folder. */
async function onlyCase(folder: string): Promise<readonly string[]> {
  const [suite, ...others] = await findSuites(folder);
  assert.deepEqual([suite?.name, suite?.cases.length, others.length], ["own", 1, 0]);
  const [one] = suite?.cases ?? [];
  assert.ok(one);
  return runCase(kernel, one);
}

const RUN = { args: ["one", 'a "b"'], env: { A: "1 2" }, root: "root", dirs: ["data"] };
const WRITTEN = { stdout: 'one,a "b",1 2,hello world\n', stderr: "made /new\n" };
const RIGHT = { ...RUN, ...WRITTEN, exit_code: 17 };

test("a program is given what is specified, and what it does is compared", async (context) => {
  assert.deepEqual(await onlyCase(await ownFolder(context, RIGHT)), []);
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ exit_code: 0 }, /^the exit status is "17", not "0"$/],
    [{ stdout: "x" }, /^stdout is "one,.*", not "x"$/],
    [{ stderr: "" }, /^stderr is "made \/new\\n", not ""$/],
    [{ args: ["two"] }, /^stdout is "two,1 2/],
    [{ env: {} }, /^stdout is "one,a \\"b\\",none,/],
    [{ root: "data" }, /^the exit status is "1"/],
    [{ dirs: [] }, /^the exit status is "1"/],
    [{ root: undefined, dirs: [] }, /^the exit status is "2"/],
  ];
  for (const [other, told] of wrong) {
    const [line = ""] = await onlyCase(await ownFolder(context, { ...RIGHT, ...other }));
    assert.match(line, told);
  }
});

test("a specification can be a list of operations", () => {
  const { args, env, root } = RUN;
  const operations = [
    { type: "run", args, env, root },
    { type: "read", payload: "one,a " },
    { type: "read", payload: "b" },
    { type: "read", id: "stderr", payload: "made" },
    { type: "wait", exit_code: 17 },
  ];
  const specification = { args, env, root, dirs: [], exit_code: 17, stdout: "one,a b", stderr: "made" };
  assert.deepEqual(parseSpecification({ operations }), specification);
  assert.deepEqual(parseSpecification({}), { args: [], env: {}, dirs: [], exit_code: 0 });
  assert.throws(() => parseSpecification({ operations: [{ type: "connect" }] }), /connect|discriminator/i);
  assert.throws(() => parseSpecification({ argumets: [] }), /argumets/);
});

for (const { name, cases } of given === undefined ? [] : await findSuites(path.resolve(given))) {
  test(name, async (context) => {
    for (const one of cases) {
      await context.test(one.name, async () => {
        const wrong = await runCase(kernel, one);
        assert.ok(wrong.length === 0, wrong.join("\n"));
      });
    }
  });
}
