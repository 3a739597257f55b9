// Files opened with O_SYNC or O_DSYNC, and sync(): what has returned is on the disk, whatever happens to the power then. On the whole kernel.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { FakeDisk } from "../../tools/fake-xen/fake_disk.ts";
import { fakeKernel } from "../support/fake.ts";
import { checkVolume, makeVolume } from "../unit/disk/volumes.ts";
import { FileCalls, O_APPEND, O_CREAT, O_DSYNC, O_RDWR, O_SYNC, O_WRONLY } from "../unit/posix/file_calls.ts";
import { runApp } from "../unit/posix/machine.ts";
import type { Piece } from "./calls.ts";

const EIO = 5;
const F_GETFL = 3;

let kernel: WebAssembly.Module;
let empty: Buffer;
before(async () => {
  [kernel, empty] = await Promise.all([fakeKernel(), makeVolume()]);
});

function run(disk: FakeDisk, app: (files: FileCalls) => Piece<void>): void {
  runApp(kernel, (process) => app(new FileCalls(process)), {}, 32, "disk=xvda:/data", [{ disk }]);
}

/** What is found in the file when the power goes at `moment`, and nothing survives that was not flushed. */
async function foundAfter(disk: FakeDisk, moment: number): Promise<string> {
  const left = new FakeDisk(await checkVolume(disk.cut(moment, () => false)));
  let found = "";
  run(left, function* (files) {
    found = String(yield* files.contents("/data/file"));
  });
  return found;
}

for (const [name, flag] of [
  ["O_SYNC", O_SYNC],
  ["O_DSYNC", O_DSYNC],
] as const) {
  // prettier-ignore
  test(`${name}: a write that has returned outlives a power cut`, async () => {
    const disk = new FakeDisk(empty);
    const moments: number[] = [];
    run(disk, function* (files) {
      const fd = yield* files.open("/data/file", O_CREAT | O_WRONLY | O_APPEND | flag);
      assert.equal((yield* files.call("fcntl", fd, F_GETFL, 0)) & O_SYNC, flag);
      for (const text of ["one", "two"]) {
        assert.equal(yield* files.write(fd, text), 3);
        moments.push(disk.moments - 1);
      }
      assert.equal(yield* files.pwrite(fd, "end", 0), 3);
      moments.push(disk.moments - 1);
    });
    const found = await Promise.all(moments.map((moment) => foundAfter(disk, moment)));
    assert.deepEqual(found, ["one", "onetwo", "onetwoend"]);
  });
}

test("a write that could not be brought to the device is an error", () => {
  const disk = new FakeDisk(empty);
  run(disk, function* (files) {
    const fd = yield* files.open("/data/file", O_CREAT | O_RDWR | O_SYNC);
    disk.fails = (operation) => operation === "write";
    assert.equal(yield* files.write(fd, "text"), -EIO);
  });
});

test("without them, writes wait for sync()", async () => {
  const disk = new FakeDisk(empty);
  let [written, synced] = [0, 0];
  run(disk, function* (files) {
    const fd = yield* files.open("/data/file", O_CREAT | O_RDWR);
    assert.equal(yield* files.write(fd, "text"), 4);
    written = disk.moments - 1;
    yield* files.call("sync");
    synced = disk.moments - 1;
  });
  assert.notEqual(await foundAfter(disk, written), "text");
  assert.equal(await foundAfter(disk, synced), "text");
});
