// A child of fork() and its parent's disks: it has the descriptors, each call is -EIO, and nothing of it reaches the device.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { FakeDisk } from "../../tools/fake-xen/fake_disk.ts";
import type { App } from "../../tools/fake-xen/coroutines.ts";
import { Host } from "../../tools/fake-xen/host.ts";
import { fakeKernel } from "../support/fake.ts";
import { checkVolume, makeVolume } from "../unit/disk/volumes.ts";
import { FileCalls, O_CREAT, O_RDWR } from "../unit/posix/file_calls.ts";
import { Process } from "../unit/posix/machine.ts";
import { FakeForkd } from "./forkd.ts";

const EIO = -5;
const WAY_POOL = 3;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

test("the child has the descriptors and -EIO; its end leaves the volume as the parent had it", async () => {
  const disk = new FakeDisk(await makeVolume());
  const host = new Host(kernel, 1);
  let failure: unknown;
  let writes = 0;
  const guest = host.create({
    commandLine: "ip=off fork=4 disk=xvda:/data",
    disks: [{ disk }],
    app: function* (domain): App {
      try {
        const files = new FileCalls(new Process(domain));
        yield* files.call("nanosleep", 100_000_000n);
        const fd = yield* files.open("/data/file", O_CREAT | O_RDWR);
        assert.equal(yield* files.write(fd, "of the parent"), 13);
        assert.equal(yield* files.call("fsync", fd), 0);
        assert.equal(yield* files.write(fd, ", not synced"), 12);
        guest.becomeChildAtFork(() => {
          forkd.become(2, WAY_POOL);
          for (const blkback of guest.blkbacks) blkback.abandon();
          host.store.tree.remove(`/local/domain/${domain.id}/device/vbd`);
        });
        assert.equal(yield* files.call("fork"), 0);
        writes = disk.counts.writes;
        assert.equal(yield* files.pread(fd, 10, 0), EIO);
        assert.equal(yield* files.write(fd, "of the child"), EIO);
        assert.equal(yield* files.call("fsync", fd), EIO);
        assert.equal(yield* files.fstat(fd), EIO);
        assert.equal(yield* files.stat("/data/file"), EIO);
        assert.equal(yield* files.open("/data/other", O_CREAT), EIO);
        assert.equal(yield* files.close(fd), 0);
        assert.equal(yield* files.make("/tmp/file", "elsewhere"), 9);
      } catch (error) {
        failure = error;
      }
      return 0;
    },
  });
  const forkd = new FakeForkd(host, guest);
  forkd.attach();
  forkd.readyShell();
  host.world.runUntil(() => guest.domain.shutdown !== undefined, 600e9);
  if (failure !== undefined) throw failure;
  assert.equal(guest.domain.shutdown, "poweroff", guest.console);
  assert.equal(disk.counts.writes, writes);
  assert.doesNotMatch(guest.console, /the file system has failed/);
  await checkVolume(disk.contents);
});
