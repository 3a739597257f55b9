// A tmpfs under random operations, beside Linux (differential.ts). What is removed is free again.
import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import type { Piece } from "../../fake/calls.ts";
import { testDifferences } from "./differential.ts";
import { FileCalls } from "./file_calls.ts";
import { type Operations, remove } from "./file_operations.ts";
import { runApp } from "./machine.ts";

const MEMORY = 64;

testDifferences(
  () => "in memory",
  (both) => {
    runApp(
      both.kernel,
      function* (process) {
        const files = new FileCalls(process);
        yield* files.mkdir(both.root);
        const before = yield* files.statfs(both.root);
        yield* both.run(files);
        yield* emptyAll(files, both.operations, both.root, before);
      },
      {},
      MEMORY,
      `tmpfs=${tmpdir()}:32M`,
    );
  },
);

/** Closes and removes everything below `root`: then all memory is free again. */
function* emptyAll(files: FileCalls, operations: Operations, root: string, before: unknown): Piece<void> {
  for (const fd of operations.guestDescriptors()) assert.equal(yield* files.close(fd), 0);
  assert.equal(yield* files.chdir("/"), 0);
  for (const name of (yield* files.readdir(root)) as string[]) yield* remove(files, `${root}/${name}`);
  assert.deepEqual(yield* files.statfs(root), before);
}
