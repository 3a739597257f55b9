// Random operations on a volume and, the same ones, on a directory of the host: every result, error, listing, content and status is that of
// Linux; the host's checker finds nothing to correct, and who mounts the volume next finds all of it. KARYON_FILE_OPERATIONS, KARYON_FILE_SEEDS.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { FakeDisk } from "../../../tools/fake-xen/fake_disk.ts";
import { fakeKernel } from "../../support/fake.ts";
import { Random } from "../../support/random.ts";
import { FileCalls } from "../posix/file_calls.ts";
import { type Outcome, Operations, compareTrees, operate, remove } from "../posix/file_operations.ts";
import { runApp } from "../posix/machine.ts";
import { checkVolume, makeVolume } from "./volumes.ts";

const OPERATIONS = Number(process.env["KARYON_FILE_OPERATIONS"] ?? 1500);
const SEEDS = Number(process.env["KARYON_FILE_SEEDS"] ?? 3);
const MEMORY = 64;

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
  const blockSize = ([1024, 4096, 2048] as const)[seed % 3] ?? 1024;
  test(`${OPERATIONS} operations, blocks of ${blockSize} bytes, seed ${seed}`, async () => {
    const root = mkdtempSync(path.join(tmpdir(), "karyon-"));
    const base = path.join(root, "above", "base");
    mkdirSync(base, { recursive: true });
    process.chdir(base);
    const operations = new Operations(new Random(seed), base);
    const disk = new FakeDisk(await makeVolume({ size: 65536, blockSize }));
    const options = `tmpfs=off disk=xvda:${tmpdir()}`;
    let outcome: Outcome = { succeeded: 0, errors: new Set() };
    try {
      runApp(
        kernel,
        function* (process) {
          const files = new FileCalls(process);
          outcome = yield* operate(files, operations, base, OPERATIONS);
          assert.ok((yield* compareTrees(files, path.dirname(base))) > 0, "something is left");
        },
        {},
        MEMORY,
        options,
        [{ disk, seed }],
      );
      const checked = await checkVolume(disk.contents);
      assert.ok(checked.equals(disk.contents), "there was nothing to replay");
      runApp(
        kernel,
        function* (process) {
          const files = new FileCalls(process);
          yield* compareTrees(files, path.dirname(base));
          yield* remove(files, root);
        },
        {},
        MEMORY,
        options,
        [{ disk, seed }],
      );
      await checkVolume(disk.contents);
    } finally {
      operations.closeHost();
      process.chdir(start);
      rmSync(root, { recursive: true, force: true });
    }
    assert.ok(outcome.succeeded > OPERATIONS / 4, `${outcome.succeeded} have succeeded`);
    assert.ok(outcome.errors.size > 20, [...outcome.errors].join(", "));
  });
}
