// What atexit registers: handed out at the end of a process, last first.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeKernel } from "../support/fake.ts";
import type { Piece } from "./calls.ts";
import { runPrograms, type Program, type ProgramProcess } from "./programs.ts";

const [ENOMEM, EINVAL] = [12, 22];

const kernel = await fakeKernel();

/** One program in an image of two. */
function alone(program: Program): void {
  runPrograms(kernel, {
    first: program,
    *other() {
      assert.fail("nobody executes it");
    },
  });
}

function* take(process: ProgramProcess, lastThread = 0): Piece<number> {
  return yield* process.call("exitHandlerTake", lastThread);
}

test("what is to be called at an exit comes back last first, and once", () => {
  alone(function* (process) {
    for (const word of [7, 8, 7]) assert.equal(yield* process.call("posix_atexit", word), 0);
    assert.equal(yield* process.call("posix_atexit", 0), -EINVAL);
    for (const word of [7, 8, 7, 0, 0]) assert.equal(yield* take(process), word);
  });
});

test("it is bounded, and another program has none of it", () => {
  let begun = 0;
  runPrograms(kernel, {
    first: function* (process) {
      for (let i = 0; i < 1024; i++) assert.equal(yield* process.call("posix_atexit", i + 1), 0);
      assert.equal(yield* process.call("posix_atexit", 1), -ENOMEM);
      assert.fail(`execve returns ${yield* process.execute("/bin/other", {})}`);
    },
    *other(process) {
      assert.equal(yield* take(process), 0);
      begun += 1;
    },
  });
  assert.equal(begun, 1);
});

test("it waits for the last thread, where that ends", () => {
  alone(function* (process) {
    yield* process.call("posix_atexit", 5);
    const thread = yield* process.thread(function* () {
      assert.equal(yield* take(process, 1), 0);
    });
    yield* process.join(thread);
    assert.equal(yield* take(process, 1), 5);
  });
});
