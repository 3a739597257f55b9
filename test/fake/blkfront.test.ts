// The block device: back ends that go and come, suspend, and those that lie, fail or say nothing. Nothing of that may stop the domain: what
// cannot be had is -EIO, and what is on the disk stays right.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { BlkbackSettings } from "../../tools/fake-xen/blkback.ts";
import type { App } from "../../tools/fake-xen/coroutines.ts";
import { FakeDisk } from "../../tools/fake-xen/fake_disk.ts";
import { type Guest, Host } from "../../tools/fake-xen/host.ts";
import { fakeKernel } from "../support/fake.ts";
import { checkVolume, makeVolume } from "../unit/disk/volumes.ts";
import { AT_FDCWD, AT_REMOVEDIR, FileCalls, O_CREAT, O_WRONLY } from "../unit/posix/file_calls.ts";
import { Process } from "../unit/posix/machine.ts";
import type { Piece } from "./calls.ts";

const EIO = -5;
const EROFS = -30;
const ENOENT = -2;
const PATHS = 0x6000;
const PATH_SIZE = 64;

let kernel: WebAssembly.Module;
let empty: Buffer;
before(async () => {
  [kernel, empty] = await Promise.all([fakeKernel(), makeVolume()]);
});

interface Running {
  readonly host: Host;
  readonly guest: Guest;
  /** Ends when the app has; throws what that has thrown. */
  end(): string;
}

/** Boots a domain whose app is `app`; it runs when the host's time goes on. */
function start(
  disks: readonly BlkbackSettings[],
  app: (files: FileCalls) => Piece<void>,
  options = "disk=xvda:/data",
): Running {
  const host = new Host(kernel, 1);
  let failure: unknown;
  const guest = host.create({
    commandLine: `ip=off ${options}`,
    disks,
    app: function* (domain): App {
      const process = new Process(domain);
      process.now = () => host.world.now;
      try {
        yield* app(new FileCalls(process));
      } catch (error) {
        failure = error;
      }
      return 0;
    },
  });
  return {
    host,
    guest,
    end: () => {
      host.world.runUntil(() => guest.domain.shutdown !== undefined, 3600e9);
      if (failure !== undefined) throw failure;
      assert.equal(guest.domain.shutdown, "poweroff", guest.console);
      return guest.console;
    },
  };
}

function* sync(files: FileCalls): Piece<number> {
  const fd = yield* files.open("/data");
  assert.ok(fd >= 0, `open: ${fd}`);
  const result = yield* files.call("fsync", fd);
  yield* files.close(fd);
  return result;
}

test("what cannot be mounted is said, with its mend, and is not there", async () => {
  const cases: readonly (readonly [readonly BlkbackSettings[], RegExp])[] = [
    [[], /cannot mount xvda:\/data: error 19, there is no such device: see disk= in the cfg/],
    [[{ disk: new FakeDisk(Buffer.alloc(1 << 20)) }], /it holds no ext3 file system: make one with mke2fs -t ext3/],
    [[{ disk: new FakeDisk(await makeVolume({ options: ["-t", "ext4"] })) }], /make one with mke2fs -t ext3/],
    [[{ disk: new FakeDisk(await makeVolume({ options: ["-t", "ext2"] })) }], /make one with mke2fs -t ext3/],
    [[{ disk: new FakeDisk(empty.subarray(0, 4 << 20)) }], /superblock is damaged or too large/],
    [[{ disk: new FakeDisk(empty), readOnly: true }], /it is read-only, and a journal is written: access=rw/],
    [[{ disk: new FakeDisk(empty), sectorSize: 4096 }], /superblock is damaged or too large/],
  ];
  for (const [disks, expected] of cases) {
    const running = start(disks, function* (files) {
      assert.equal(yield* files.open("/data/file", O_CREAT | O_WRONLY), ENOENT);
    });
    assert.match(running.end(), expected);
  }
});

test("two disks, one of them inside the other", async () => {
  const [first, second] = [new FakeDisk(empty), new FakeDisk(await makeVolume({ blockSize: 4096, size: 16384 }))];
  const make = start([{ disk: first }], function* (files) {
    assert.equal(yield* files.mkdir("/data/more"), 0);
  });
  make.end();
  const disks = [{ disk: first }, { disk: second, device: 51728 }];
  const running = start(
    disks,
    function* (files) {
      assert.equal(yield* files.make("/data/more/file", "inside"), 6);
      assert.equal(yield* files.rename("/data/more/file", "/data/file"), -18);
      assert.equal(yield* files.rmdir("/data/more"), -16);
      assert.deepEqual(yield* files.readdir("/data"), ["lost+found", "more"]);
      assert.deepEqual(yield* files.readdir("/data/more"), ["lost+found", "file"]);
      assert.equal(yield* files.chdir("/data/more"), 0);
      assert.equal(yield* files.getcwd(), "/data/more");
      assert.equal(yield* files.chdir("../.."), 0);
      assert.equal(yield* files.getcwd(), "/");
    },
    "disk=xvda:/data disk=xvdb:/data/more",
  );
  running.end();
  for (const { disk } of disks) await checkVolume(disk.contents);
});

test("a back end that goes and comes again, and a domain that is saved and restored: all goes on", async () => {
  const disk = new FakeDisk(empty);
  const running = start([{ disk }], function* (files) {
    for (let i = 0; i < 60; i++) {
      assert.equal(yield* files.make(`/data/file${i}`, `contents ${i}`.repeat(100)), `contents ${i}`.length * 100);
      assert.equal(yield* sync(files), 0);
      yield* files.call("nanosleep", 100_000_000n);
    }
  });
  const { host, guest } = running;
  host.world.pass(1e9);
  const [first] = guest.blkbacks;
  first?.kill();
  host.world.pass(0.3e9);
  first?.start();
  host.world.pass(2e9);
  assert.equal(first?.connections, 2);
  guest.saveAndRestore(undefined, [{ disk }]);
  host.world.pass(1e9);
  guest.checkpoint();
  running.end();
  await checkVolume(disk.contents);
  assert.equal(guest.blkbacks[0]?.connections, 1);
});

test("reads that fail are -EIO, and may work later", () => {
  const disk = new FakeDisk(empty);
  start([{ disk }], function* (files) {
    assert.equal(yield* files.make("/data/file", Buffer.alloc(50_000, 7)), 50_000);
  }).end();
  start([{ disk }], function* (files) {
    const fd = yield* files.open("/data/file");
    disk.fails = (operation) => operation === "read";
    assert.equal(yield* files.read(fd, 1000), EIO);
    assert.equal(yield* files.stat("/data/lost+found/none"), EIO);
    disk.fails = () => false;
    assert.deepEqual(yield* files.read(fd, 1000), Buffer.alloc(1000, 7));
  }).end();
});

test("a log that cannot be written: -EIO, from then on read-only, and the volume is as it was", async () => {
  const disk = new FakeDisk(empty);
  const running = start([{ disk }], function* (files) {
    assert.equal(yield* files.make("/data/before", "1"), 1);
    assert.equal(yield* sync(files), 0);
    assert.equal(yield* files.make("/data/after", "2"), 1);
    disk.fails = (operation) => operation !== "read";
    assert.equal(yield* sync(files), EIO);
    assert.equal(yield* files.open("/data/more", O_CREAT | O_WRONLY), EROFS);
    assert.deepEqual(yield* files.contents("/data/before"), Buffer.from("1"));
  });
  assert.match(running.end(), /the file system has failed and is read-only from now on/);
  await checkVolume(disk.contents);
});

test("a back end that says nothing: -EIO after a minute", () => {
  const running = start([{ disk: new FakeDisk(empty) }], function* (files) {
    assert.equal(yield* files.make("/data/file", "text"), 4);
    const [blkback] = running.guest.blkbacks;
    assert.ok(blkback !== undefined);
    blkback.mischief = { silent: true };
    const before = running.host.world.now;
    assert.equal(yield* sync(files), EIO);
    assert.ok(running.host.world.now - before > 59e9);
  });
  assert.match(running.end(), /the back end does not answer/);
});

test("lies on the ring end the connection, fail what was asked, and the next connection serves", () => {
  const lies: readonly ((response: { id: bigint; status: number }) => void)[] = [
    (response) => (response.id = 31n),
    (response) => (response.id = 1000n),
    (response) => (response.id = 0xffff_ffff_ffff_ffffn),
    (response) => (response.status = 7),
    (response) => (response.status = -32768),
  ];
  for (const lie of lies) {
    const disk = new FakeDisk(empty);
    const running = start([{ disk }], function* (files) {
      const [blkback] = running.guest.blkbacks;
      assert.ok(blkback !== undefined);
      const fd = yield* files.open("/data");
      assert.ok(fd >= 0);
      blkback.mischief = { respond: lie };
      assert.equal(yield* files.stat("/data/lost+found/a"), EIO);
      blkback.mischief = {};
      yield* files.call("nanosleep", 3_000_000_000n);
      assert.equal(yield* files.stat("/data/lost+found/a"), ENOENT);
    });
    running.end();
  }
});

test("indices and nodes that cannot be", () => {
  for (const index of [1000, 0x8000_0000, 0xffff_ffff]) {
    const running = start([{ disk: new FakeDisk(empty) }], function* (files) {
      assert.ok(typeof (yield* files.stat("/data")) !== "number");
      running.guest.blkbacks[0]?.pushTo(index);
      yield* files.call("nanosleep", 3_000_000_000n);
      assert.equal(yield* files.make("/data/file", "text"), 4);
    });
    assert.match(running.end(), /the back end broke the ring protocol/);
    assert.equal(running.guest.blkbacks[0]?.connections, 2);
  }
  for (const [name, value] of [
    ["sectors", "0"],
    ["sectors", "9999999999999999"],
    ["sectors", "many"],
    ["sector-size", "0"],
    ["sector-size", "513"],
    ["sector-size", "65536"],
  ] as const) {
    const running = start([{ disk: new FakeDisk(empty) }], function* (files) {
      assert.equal(yield* files.open("/data/file", O_CREAT | O_WRONLY), ENOENT);
    });
    const [blkback] = running.guest.blkbacks;
    assert.ok(blkback !== undefined);
    blkback.mischief = { node: (node, told) => (node === name ? value : told) };
    assert.match(running.end(), /the back end tells no sizes/);
  }
});

test("threads that use files at once take turns", async () => {
  const disk = new FakeDisk(empty);
  start([{ disk }], function* (files) {
    const threads = [];
    for (let t = 0; t < 6; t++) {
      threads.push(
        yield* files.process.thread(function* () {
          // Each has its paths in memory of its own: a call looks at them as long as it goes on.
          const path = (name: string): readonly [number, number] => {
            files.process.put(PATHS + t * PATH_SIZE, Buffer.from(name));
            return [PATHS + t * PATH_SIZE, name.length];
          };
          const fd = yield* files.call("open", ...path("/data"), 0, 0);
          for (let i = 0; i < 30; i++) {
            assert.equal(yield* files.call("mkdirat", AT_FDCWD, ...path(`/data/t${t}-${i}`), 0o777), 0);
            const removed = path(`/data/t${t}-${i - 3}`);
            if (i > 3) assert.equal(yield* files.call("unlinkat", AT_FDCWD, ...removed, AT_REMOVEDIR), 0);
            if (i % 5 === t % 5) assert.equal(yield* files.call("fsync", fd), 0);
          }
        }),
      );
    }
    yield* files.process.join(...threads);
    const names = yield* files.readdir("/data");
    assert.equal((names as string[]).length, 1 + 6 * 4);
  }).end();
  await checkVolume(disk.contents);
});
