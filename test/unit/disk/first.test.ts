import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeDisk } from "../../../tools/fake-xen/fake_disk.ts";
import { fakeKernel } from "../../support/fake.ts";
import { FileCalls } from "../posix/file_calls.ts";
import { runApp } from "../posix/machine.ts";
import { checkVolume, makeVolume, debugVolume } from "./volumes.ts";

test("files are made and are there", async () => {
  const kernel = await fakeKernel();
  const disk = new FakeDisk(await makeVolume());
  const text = runApp(
    kernel,
    function* (process) {
      const files = new FileCalls(process);
      assert.equal(yield* files.mkdir("/data/a"), 0);
      assert.equal(yield* files.make("/data/a/b", "hello"), 5);
      assert.deepEqual(yield* files.contents("/data/a/b"), Buffer.from("hello"));
      assert.deepEqual(yield* files.readdir("/data"), ["lost+found", "a"]);
    },
    {},
    16,
    "disk=xvda:/data",
    [{ disk }],
  );
  console.log(text, disk.counts);
  const checked = await checkVolume(disk.contents);
  console.log(await debugVolume(checked, "ls -l /a"));
});
