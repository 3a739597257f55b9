// setjmp() and longjmp() of programs in C, and the end by an exception that nothing catches.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeKernel } from "../../support/fake.ts";
import { boot, finish, JUMP_FLAGS, suspendableProgram } from "./runner.ts";

const kernel = await fakeKernel();

test("jumps up the stack, and one to a function that has returned", async () => {
  const { host, guest } = boot(kernel, await suspendableProgram("jumps.c", JUMP_FLAGS));
  const { output, status } = finish(host, guest);
  assert.match(
    output,
    /^0 failures\n.*app: uncaught exception, or longjmp\(\) to a function that has returned\n.*exit/m,
  );
  assert.equal(status, 134);
});
