// A log that goes round: many commits, each of which outlasts a cut right behind it.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { FakeDisk } from "../../../tools/fake-xen/fake_disk.ts";
import { fakeKernel } from "../../support/fake.ts";
import { FileCalls, O_RDONLY } from "../posix/file_calls.ts";
import { runApp } from "../posix/machine.ts";
import { checkVolume, debugVolume, makeVolume } from "./volumes.ts";

const ROUNDS = 400;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

test("the log goes round, and what was synced last is always there", async () => {
  const disk = new FakeDisk(await makeVolume({ size: 16384 }));
  const moments: number[] = [];
  runApp(
    kernel,
    function* (process) {
      const files = new FileCalls(process);
      const root = yield* files.open("/data", O_RDONLY);
      for (let i = 0; i < ROUNDS; i++) {
        assert.equal(yield* files.make(`/data/f${i % 7}`, `${i} `.repeat(100 + i * 9)), `${i} `.length * (100 + i * 9));
        if (i % 3 === 0) yield* files.unlink(`/data/f${(i + 3) % 7}`);
        assert.equal(yield* files.make("/data/last", `${i}`), `${i}`.length);
        assert.equal(yield* files.call("fsync", root), 0);
        moments.push(disk.moments - 1);
      }
    },
    {},
    16,
    "disk=xvda:/data",
    [{ disk }],
  );
  for (const [i, moment] of moments.entries()) {
    if (i % 17 !== 0 && i !== ROUNDS - 1) continue;
    const checked = await checkVolume(disk.cut(moment, () => false));
    const said = await debugVolume(checked, "cat /last");
    assert.equal(said.replace(/debugfs .*\n?/, "").trim(), `${i}`);
  }
});
