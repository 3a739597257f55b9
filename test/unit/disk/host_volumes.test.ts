// Volumes that the host has filled, and such as are full or fragmented: what was made elsewhere is read and changed, and what ends is an error that
// leaves all in order.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { before, test } from "node:test";
import { FakeDisk } from "../../../tools/fake-xen/fake_disk.ts";
import type { Piece } from "../../fake/calls.ts";
import { fakeKernel } from "../../support/fake.ts";
import { Random } from "../../support/random.ts";
import {
  DATA_SIZE,
  FileCalls,
  type FileStatus,
  O_CREAT,
  O_EXCL,
  O_RDWR,
  O_TMPFILE,
  O_WRONLY,
} from "../posix/file_calls.ts";
import { runApp } from "../posix/machine.ts";
import { checkVolume, debugVolume, indexDirectories, makeVolume } from "./volumes.ts";

const EPERM = -1;
const ENOENT = -2;
const ENOSPC = -28;
const EFBIG = -27;
const ENAMETOOLONG = -36;

let kernel: WebAssembly.Module;
before(async () => {
  kernel = await fakeKernel();
});

function boot(disk: FakeDisk, app: (files: FileCalls) => Piece<void>, memory = 16): string {
  return runApp(kernel, (process) => app(new FileCalls(process)), {}, memory, "disk=xvda:/data", [{ disk }]);
}

test("a volume that the host has filled: files of all sizes, links, a directory with a hash tree", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "karyon-"));
  const random = new Random(7);
  const large = random.bytes(2_000_000);
  try {
    mkdirSync(path.join(folder, "many"));
    for (let i = 0; i < 700; i++) writeFileSync(path.join(folder, "many", `name-${i}-${"x".repeat(i % 90)}`), `${i}`);
    writeFileSync(path.join(folder, "large"), large);
    symlinkSync("short", path.join(folder, "link"));
    symlinkSync("long/".repeat(100), path.join(folder, "far"));
    const image = await indexDirectories(await makeVolume({ contents: folder, size: 16384 }));
    assert.match(await debugVolume(image, "stat /many"), /Flags: 0x1000/);
    const disk = new FakeDisk(image);
    boot(disk, function* (files) {
      assert.equal(((yield* files.readdir("/data/many")) as string[]).length, 700);
      for (const i of [0, 89, 350, 699]) {
        assert.deepEqual(yield* files.contents(`/data/many/name-${i}-${"x".repeat(i % 90)}`), Buffer.from(`${i}`));
      }
      assert.deepEqual(yield* files.contents("/data/large"), Buffer.from(large));
      assert.equal(yield* files.readlink("/data/link"), "short");
      assert.equal(yield* files.readlink("/data/far"), "long/".repeat(100));
      for (let i = 0; i < 700; i += 3) {
        assert.equal(yield* files.unlink(`/data/many/name-${i}-${"x".repeat(i % 90)}`), 0);
      }
      for (let i = 0; i < 100; i++) assert.equal(yield* files.make(`/data/many/new-${i}`, "new"), 3);
      assert.equal(((yield* files.readdir("/data/many")) as string[]).length, 700 - 234 + 100);
    });
    const checked = await checkVolume(disk.contents);
    assert.match(await debugVolume(checked, "stat /many"), /Flags: 0x0/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a full volume: ENOSPC for data, names and directories; what is removed makes room at once", async () => {
  const disk = new FakeDisk(await makeVolume({ size: 4096 }));
  boot(disk, function* (files) {
    const fd = yield* files.open("/data/all", O_CREAT | O_WRONLY);
    const piece = Buffer.alloc(DATA_SIZE, 1);
    let size = 0;
    for (let written = yield* files.write(fd, piece); written > 0; written = yield* files.write(fd, piece))
      size += written;
    assert.equal(yield* files.write(fd, piece), ENOSPC);
    assert.ok(size > 1_000_000, `${size}`);
    assert.equal(yield* files.mkdir("/data/directory"), ENOSPC);
    assert.equal(yield* files.symlink("t".repeat(200), "/data/link"), ENOSPC);
    assert.equal(yield* files.symlink("t".repeat(2000), "/data/link"), ENAMETOOLONG);
    const before = yield* files.statfs("/data");
    // Names fit as long as the directory's block has room.
    let names = 0;
    while ((yield* files.make(`/data/${"n".repeat(200)}${names}`)) >= 0) names++;
    assert.ok(names > 0 && names < 10, `${names}`);
    for (let i = 0; i < names; i++) assert.equal(yield* files.unlink(`/data/${"n".repeat(200)}${i}`), 0);
    assert.deepEqual(yield* files.statfs("/data"), before);
    assert.equal(yield* files.ftruncate(fd, 100_000), 0);
    assert.equal(yield* files.mkdir("/data/directory"), 0);
    assert.equal(yield* files.make("/data/directory/file", piece), piece.length);
    assert.equal(yield* files.pwrite(fd, "x", 1n << 42n), EFBIG);
  });
  await checkVolume(disk.contents);
});

test("inodes that end: ENOSPC, and they come back", async () => {
  const disk = new FakeDisk(await makeVolume({ size: 4096, options: ["-t", "ext3", "-N", "32"] }));
  boot(disk, function* (files) {
    let made = 0;
    while ((yield* files.make(`/data/f${made}`)) >= 0) made++;
    assert.equal(yield* files.open(`/data/f${made}`, O_CREAT | O_WRONLY), ENOSPC);
    assert.ok(made > 10 && made < 32, `${made}`);
    assert.equal(yield* files.unlink("/data/f0"), 0);
    assert.equal(yield* files.mkdir("/data/d"), 0);
  });
  await checkVolume(disk.contents);
});

test("files without names: one is gone with its descriptor, one that gets a name stays, and a power cut reclaims them", async () => {
  const disk = new FakeDisk(await makeVolume({ size: 4096, options: ["-t", "ext3", "-N", "32"] }));
  const orphan = /Orphan inodes?:|First orphan inode: +\d+/;
  let open = 0;
  let named = 0;
  boot(disk, function* (files) {
    const before = yield* files.statfs("/data");
    const piece = Buffer.alloc(50_000, 9);
    const fd = yield* files.open("/data", O_TMPFILE | O_RDWR, 0o600);
    assert.equal(yield* files.write(fd, piece), piece.length);
    const { mode, links } = (yield* files.fstat(fd)) as FileStatus;
    assert.deepEqual([mode, links], [0o100600, 0]);
    assert.deepEqual(yield* files.readdir("/data"), ["lost+found"]);
    const directory = yield* files.open("/data");
    assert.equal(yield* files.call("fsync", directory), 0);
    open = disk.moments - 1;
    assert.equal(yield* files.close(fd), 0);
    assert.equal(yield* files.call("fsync", directory), 0);
    assert.deepEqual(yield* files.statfs("/data"), before);

    const [first, second] = [
      yield* files.open("/data", O_TMPFILE | O_RDWR),
      yield* files.open("/data", O_TMPFILE | O_RDWR),
    ];
    yield* files.write(second, "second");
    yield* files.write(first, "first");
    assert.equal(yield* files.link("/tmp/none", "/data/x"), ENOENT);
    assert.equal(yield* files.linkDescriptor(first, "/data/first"), 0); // not the first of the list
    assert.equal(yield* files.call("fsync", first), 0);
    named = disk.moments - 1;
    assert.equal(yield* files.linkDescriptor(second, "/data/second"), 0);
    assert.equal(yield* files.unlink("/data/second"), 0);
    assert.equal(yield* files.linkDescriptor(second, "/data/second"), ENOENT);
    const exclusive = yield* files.open("/data", O_TMPFILE | O_EXCL | O_RDWR);
    assert.equal(yield* files.linkDescriptor(exclusive, "/data/x"), ENOENT);
    const made: number[] = [];
    let result = exclusive;
    for (; result >= 0; result = yield* files.open("/data", O_TMPFILE | O_RDWR)) made.push(result);
    assert.equal(result, ENOSPC);
    for (const each of [...made, first, second]) assert.equal(yield* files.close(each), 0);
    yield* files.mkdir("/data/d");
    yield* files.chdir("/data/d");
    assert.equal(yield* files.rmdir("/data/d"), 0);
    assert.equal(yield* files.open(".", O_TMPFILE | O_RDWR), EPERM, "as ext4 has it");
    yield* files.chdir("/");
  });
  await checkVolume(disk.contents);
  assert.doesNotMatch(await debugVolume(disk.contents, "stats"), orphan);
  assert.match(await debugVolume(disk.contents, "cat /first"), /first/);
  for (const [moment, names] of [
    [open, ["lost+found"]],
    [named, ["first", "lost+found"]],
  ] as const) {
    const image = disk.cut(moment, () => false);
    const checked = await checkVolume(image);
    boot(new FakeDisk(checked), function* (files) {
      assert.deepEqual(((yield* files.readdir("/data")) as string[]).sort(), names);
    });
    const log = boot(new FakeDisk(image), function* (files) {
      assert.deepEqual(((yield* files.readdir("/data")) as string[]).sort(), names);
    });
    assert.match(log, /ended with 1 files that were being deleted/);
  }
});

test("more than the cache holds, with holes, read back after it was written, and cut in pieces", async () => {
  const disk = new FakeDisk(await makeVolume({ size: 65536 }));
  const piece = new Random(3).bytes(DATA_SIZE);
  const places = [0, 5_000_000, 12_000_000, 70_000_000].map((base) => base + 777);
  boot(disk, function* (files) {
    const fd = yield* files.open("/data/file", O_CREAT | O_RDWR);
    for (const place of places) {
      for (let i = 0; i < 40; i++) {
        assert.equal(yield* files.pwrite(fd, piece, place + i * piece.length), piece.length);
      }
    }
    for (const place of places) {
      for (let i = 39; i >= 0; i--) {
        assert.deepEqual(yield* files.pread(fd, piece.length, place + i * piece.length), Buffer.from(piece));
      }
    }
    assert.deepEqual(yield* files.pread(fd, 1000, 30_000_000), Buffer.alloc(1000));
    assert.equal(yield* files.ftruncate(fd, 12_000_000 + 5000), 0);
    assert.deepEqual(yield* files.pread(fd, 8000, 12_000_000 + 777), Buffer.from(piece.subarray(0, 5000 - 777)));
    assert.equal(yield* files.ftruncate(fd, 14_000_000), 0);
    assert.deepEqual(yield* files.pread(fd, 10, 12_000_000 + 4995), Buffer.concat([Buffer.from(piece.subarray(4218, 4223)), Buffer.alloc(5)])); // prettier-ignore
    // Deleted while it is open: it is there until it is closed, and what is cut off it does not come back.
    assert.equal(yield* files.unlink("/data/file"), 0);
    assert.deepEqual(yield* files.pread(fd, 100, 777), Buffer.from(piece.subarray(0, 100)));
    assert.equal(yield* files.ftruncate(fd, 1000), 0);
    assert.equal(yield* files.ftruncate(fd, 10_000), 0);
    assert.deepEqual(yield* files.pread(fd, 9000, 1000), Buffer.alloc(9000));
    assert.ok(((yield* files.fstat(fd)) as FileStatus).blocks < 10, "and its blocks are free");
    assert.equal(yield* files.close(fd), 0);
  });
  const checked = await checkVolume(disk.contents);
  assert.match(await debugVolume(checked, "stats"), /Free blocks: +5\d{4}/);
});

test("nonsense on a volume is -EIO, and stops nothing", async () => {
  const made = new FakeDisk(await makeVolume({ size: 4096 }));
  boot(made, function* (files) {
    assert.equal(yield* files.mkdir("/data/a"), 0);
    for (let i = 0; i < 20; i++) yield* files.make(`/data/a/${"n".repeat(i)}${i}`, Buffer.alloc(i * 3000, 1));
  });
  const random = new Random(11);
  for (let round = 0; round < 25; round++) {
    const image = Buffer.from(made.contents);
    // Group descriptors, bitmaps, inodes and directories are in the first blocks; the superblock says what is sound.
    for (let i = 0; i < 40; i++) image[random.between(2048, 400_000)] = random.between(0, 255);
    boot(new FakeDisk(image), function* (files) {
      const names = yield* files.readdir("/data/a");
      if (typeof names !== "number") {
        for (const name of names) {
          yield* files.lstat(`/data/a/${name}`);
          // Its size may be anything: a little of it is enough.
          const file = yield* files.open(`/data/a/${name}`);
          for (const at of [0, 20_000, 300_000]) if (file >= 0) yield* files.pread(file, 5000, at);
          if (file >= 0) yield* files.close(file);
          yield* files.truncate(`/data/a/${name}`, 100);
          yield* files.unlink(`/data/a/${name}`);
        }
      }
      yield* files.mkdir("/data/b");
      yield* files.make("/data/b/c", Buffer.alloc(20_000, 2));
      yield* files.rename("/data/b", "/data/a/b");
      const fd = yield* files.open("/data");
      if (fd >= 0) yield* files.call("fsync", fd);
    });
  }
});
