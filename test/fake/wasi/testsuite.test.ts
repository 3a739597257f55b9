// Programs and what is specified of them (suite.ts): one of this folder, and those of the WASI test suite.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeKernel } from "../../support/fake.ts";
import { compileProgram } from "./runner.ts";
import { parseSpecification } from "./suite.ts";
import { runCase } from "./suite_fake.ts";
import { ownCase, SPECIFIED, testSuites } from "./suite_tests.ts";

const kernel = await fakeKernel();
const program = await compileProgram("specified.c");

test("a program is given what is specified, and what it does is compared", async (context) => {
  assert.deepEqual(await runCase(kernel, await ownCase(context, program, SPECIFIED)), []);
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
    const [line = ""] = await runCase(kernel, await ownCase(context, program, { ...SPECIFIED, ...other }));
    assert.match(line, told);
  }
});

test("a specification can be a list of operations", () => {
  const { args, env, root } = SPECIFIED;
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

await testSuites((one) => runCase(kernel, one));
