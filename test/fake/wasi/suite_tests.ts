// The tests that the fake and the real Xen share: a program of this folder with its specification, and those of the WASI test suite, whose folder the
// environment names: KARYON_WASI_TESTSUITE=<folder> npm test -- fake/wasi/testsuite
import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { findSuites, type Case } from "./suite.ts";

const FOLDER = "KARYON_WASI_TESTSUITE";

/** What specified.c is given and does. */
export const SPECIFIED = {
  args: ["one", 'a "b"'],
  env: { A: "1 2" },
  root: "root",
  dirs: ["data"],
  stdout: 'one,a "b",1 2,hello world\n',
  stderr: "made /new\n",
  exit_code: 17,
};

/** The only case of a folder like one of the suite's, which has `program` and its specification. */
export async function ownCase(context: TestContext, program: Uint8Array, specification: object): Promise<Case> {
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
  const [suite, ...others] = await findSuites(folder);
  assert.deepEqual([suite?.name, suite?.cases.length, others.length], ["own", 1, 0]);
  const [one] = suite?.cases ?? [];
  assert.ok(one);
  return one;
}

/**
 * A test for each program of the suite.
 *
 * @param run a program: what is not as specified
 * @param timeout of each, in ms
 */
export async function testSuites(run: (one: Case) => Promise<readonly string[]>, timeout?: number): Promise<void> {
  const given = process.env[FOLDER];
  if (given === undefined) {
    test("the WASI test suite", { skip: `${FOLDER} does not name its folder (docs/wasi.md)` });
    return;
  }
  const suites = await findSuites(path.resolve(given));
  test("the WASI test suite is there", () => assert.ok(suites.length > 0, `there are no programs in ${given}`));
  for (const { name, cases } of suites) {
    test(name, async (context) => {
      for (const one of cases) {
        await context.test(one.name, timeout === undefined ? {} : { timeout }, async () => {
          const wrong = await run(one);
          assert.ok(wrong.length === 0, wrong.join("\n"));
        });
      }
    });
  }
}
