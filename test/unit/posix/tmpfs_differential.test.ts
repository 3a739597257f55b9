// Random operations on a tmpfs and, the same ones, on a directory of the host: every result, error, listing, content and status is
// that of Linux. More of them: KARYON_FILE_OPERATIONS=10000 KARYON_FILE_SEEDS=20.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import type { Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { Random } from "../../support/random.ts";
import { FileCalls } from "./file_calls.ts";
import { type Outcome, Operations, compareTrees, operate, remove } from "./file_operations.ts";
import { runApp } from "./machine.ts";

const OPERATIONS = Number(process.env["KARYON_FILE_OPERATIONS"] ?? 1500);
const SEEDS = Number(process.env["KARYON_FILE_SEEDS"] ?? 3);

let kernel: WebAssembly.Module;
const start = process.cwd();
const mask = process.umask(0);
before(async () => {
  kernel = await fakeKernel();
});
after(() => {
  process.chdir(start);
  process.umask(mask);
});

for (let seed = 1; seed <= SEEDS; seed++) {
  test(`${OPERATIONS} operations are answered as Linux answers them, seed ${seed}`, () => {
    const root = mkdtempSync(path.join(tmpdir(), "karyon-"));
    const base = path.join(root, "above", "base");
    mkdirSync(base, { recursive: true });
    process.chdir(base);
    const operations = new Operations(new Random(seed), base);
    let outcome: Outcome = { succeeded: 0, errors: new Set() };
    try {
      runApp(
        kernel,
        function* (process) {
          const files = new FileCalls(process);
          yield* files.mkdir(root);
          const before = yield* files.statfs(root);
          outcome = yield* operate(files, operations, base, OPERATIONS);
          assert.ok((yield* compareTrees(files, path.dirname(base))) > 0, "something is left");
          yield* emptyAll(files, operations, root, before);
        },
        {},
        64,
        `tmpfs=${tmpdir()}:32M`,
      );
    } finally {
      operations.closeHost();
      process.chdir(start);
      rmSync(root, { recursive: true, force: true });
    }
    assert.ok(outcome.succeeded > OPERATIONS / 4, `${outcome.succeeded} have succeeded`);
    assert.ok(outcome.errors.size > 20, [...outcome.errors].join(", "));
  });
}

/** Closes and removes everything below `root`: then all memory is free again. */
function* emptyAll(files: FileCalls, operations: Operations, root: string, before: unknown): Piece<void> {
  for (const fd of operations.guestDescriptors()) assert.equal(yield* files.close(fd), 0);
  assert.equal(yield* files.chdir("/"), 0);
  for (const name of (yield* files.readdir(root)) as string[]) yield* remove(files, `${root}/${name}`);
  assert.deepEqual(yield* files.statfs(root), before);
}
