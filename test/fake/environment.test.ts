// The environment of a process, as setenv and its kin hand it to the kernel.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeKernel } from "../support/fake.ts";
import type { Piece } from "./calls.ts";
import { runPrograms, type Program } from "./programs.ts";

const [E2BIG, EFAULT, EINVAL] = [7, 14, 22];
const ARG_MAX = 131072;
/** Behind the first page, which is never there. */
const PLACE = 0x6000;

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

test("an environment that a program sets takes the place of the command line's, and stays over bad ones", () => {
  alone(function* (process) {
    const set = function* (texts: string): Piece<number> {
      process.put(PLACE, Buffer.from(texts));
      return yield* process.call("posix_environment_set", PLACE, Buffer.byteLength(texts));
    };
    assert.equal(yield* set("X=1\0Y=2\0"), 0);
    assert.deepEqual(yield* process.startEnvironment(), ["X=1", "Y=2"]);
    assert.equal(yield* set("X=1"), -EINVAL);
    assert.equal(yield* process.call("posix_environment_set", 8, 16), -EFAULT);
    assert.equal(yield* process.call("posix_environment_set", 0xffff_fff0, 16), -EFAULT);
    assert.equal(yield* process.call("posix_environment_set", PLACE, ARG_MAX + 1), -E2BIG);
    assert.deepEqual(yield* process.startEnvironment(), ["X=1", "Y=2"]);
    assert.deepEqual(yield* process.startArguments(), ["one", "two"]);
    assert.equal(yield* set(""), 0);
    assert.deepEqual(yield* process.startEnvironment(), []);
  });
});
