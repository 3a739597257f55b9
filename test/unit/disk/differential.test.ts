// A volume under random operations, beside Linux (test/unit/posix/differential.ts): the host's checker finds nothing to correct, and who mounts the volume
// next finds all of it.
import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { FakeDisk } from "../../../tools/fake-xen/fake_disk.ts";
import type { Piece } from "../../fake/calls.ts";
import { type Differential, testDifferences } from "../posix/differential.ts";
import { FileCalls } from "../posix/file_calls.ts";
import { remove } from "../posix/file_operations.ts";
import { type Process, runApp } from "../posix/machine.ts";
import { checkVolume, makeVolume } from "./volumes.ts";

const MEMORY = 64;

function blockSize(seed: number): 1024 | 2048 | 4096 {
  return ([1024, 4096, 2048] as const)[seed % 3] ?? 1024;
}

function runWith(disk: FakeDisk, { kernel, seed }: Differential, app: (process: Process) => Piece<void>): void {
  runApp(kernel, app, {}, MEMORY, `tmpfs=off disk=xvda:${tmpdir()}`, [{ disk, seed }]);
}

testDifferences(
  (seed) => `blocks of ${blockSize(seed)} bytes`,
  async (both) => {
    const disk = new FakeDisk(await makeVolume({ size: 65536, blockSize: blockSize(both.seed) }));
    runWith(disk, both, (process) => both.run(new FileCalls(process)));
    const checked = await checkVolume(disk.contents);
    assert.ok(checked.equals(disk.contents), "there was nothing to replay");
    runWith(disk, both, function* (process) {
      const files = new FileCalls(process);
      yield* both.compare(files);
      yield* remove(files, both.root);
    });
    await checkVolume(disk.contents);
  },
);
